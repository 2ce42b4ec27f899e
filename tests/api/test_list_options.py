"""The options of a list, as the API server checks them."""

from __future__ import annotations

import pytest

from kubevitals.api.list_options import BadQuery, Cause, InvalidOptions, check_fields, list_options
from kubevitals.selectors import parse_fields


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"limit": "abc"}, 'strconv.ParseInt: parsing "abc": invalid syntax'),
        ({"timeoutSeconds": "1.5"}, 'strconv.ParseInt: parsing "1.5": invalid syntax'),
        ({"limit": "1_000"}, 'strconv.ParseInt: parsing "1_000": invalid syntax'),
        ({"limit": ""}, 'strconv.ParseInt: parsing "": invalid syntax'),
        ({"limit": "-"}, 'strconv.ParseInt: parsing "-": invalid syntax'),
        ({"limit": '"'}, r'strconv.ParseInt: parsing "\"": invalid syntax'),
        ({"limit": "x", "timeoutSeconds": "y"}, 'strconv.ParseInt: parsing "y": invalid syntax'),
        ({"limit": str(1 << 63)}, f'strconv.ParseInt: parsing "{1 << 63}": value out of range'),
        ({"limit": "9" * 5000}, f'strconv.ParseInt: parsing "{"9" * 5000}": value out of range'),
        ({"limit": "9" * 30}, f'strconv.ParseInt: parsing "{"9" * 30}": value out of range'),
        ({"fieldSelector": "foo"}, "invalid selector: 'foo'; can't understand 'foo'"),
    ],
)
def test_bad_parameters_carry_the_api_servers_text(query: dict[str, str], message: str) -> None:
    """Clients print the text of a 400, so it is upstream's."""
    with pytest.raises(BadQuery) as caught:
        list_options(query)
    assert str(caught.value) == message


def test_paging_and_versions_are_accepted_without_effect() -> None:
    """A client may page or name a version; it gets everything at once."""
    options = list_options({"limit": "5", "resourceVersion": "7", "resourceVersionMatch": "Exact"})
    assert (options.labels.empty, options.fields.terms, options.watch) == (True, (), False)


@pytest.mark.parametrize("limit", ["0", "-1", "+5", "0" * 5000 + "7", str((1 << 63) - 1), str(-(1 << 63))])
def test_numbers_are_read_as_go_reads_them(limit: str) -> None:
    """Every 64-bit integer is a limit, and none has an effect."""
    assert list_options({"limit": limit}).labels.empty


MATCH = "resourceVersionMatch"
LONE = Cause(MATCH, "FieldValueForbidden", f"Forbidden: {MATCH} is forbidden unless resourceVersion is provided")
PAGED = Cause(MATCH, "FieldValueForbidden", f"Forbidden: {MATCH} is forbidden when continue is provided")
UNKNOWN = Cause(
    MATCH, "FieldValueNotSupported", 'Unsupported value: "Odd": supported values: "Exact", "NotOlderThan", ""'
)
FIRST = Cause(MATCH, "FieldValueForbidden", f'Forbidden: {MATCH} "exact" is forbidden for resourceVersion "0"')
INITIAL = Cause("sendInitialEvents", "FieldValueForbidden", "Forbidden: sendInitialEvents is forbidden for list")


@pytest.mark.parametrize(
    ("query", "causes"),
    [
        ({MATCH: "Exact"}, [LONE]),
        ({MATCH: "Odd", "resourceVersion": "1"}, [UNKNOWN]),
        ({MATCH: "Exact", "resourceVersion": "0"}, [FIRST]),
        ({MATCH: "Exact", "resourceVersion": "1", "continue": "x"}, [PAGED]),
        ({MATCH: "Odd", "continue": "x", "sendInitialEvents": ""}, [LONE, PAGED, UNKNOWN, INITIAL]),
        ({"sendInitialEvents": "true"}, [INITIAL]),
    ],
)
def test_contradicting_options_name_their_causes(query: dict[str, str], causes: list[Cause]) -> None:
    """List options that exclude each other are 422, with every fault in the API server's order."""
    with pytest.raises(InvalidOptions) as caught:
        list_options(query)
    assert caught.value.causes == causes


@pytest.mark.parametrize(
    ("query", "sentences"),
    [
        (
            {"sendInitialEvents": "true"},
            [f"Forbidden: sendInitialEvents requires setting {MATCH} to NotOlderThan"],
        ),
        (
            {MATCH: "Exact", "continue": "x"},
            [
                f"Forbidden: {MATCH} is forbidden for watch unless sendInitialEvents is provided",
                'Unsupported value: "Exact": supported values: "NotOlderThan"',
                f"Forbidden: {MATCH} is forbidden when continue is provided",
            ],
        ),
    ],
)
def test_a_watch_has_rules_of_its_own(query: dict[str, str], sentences: list[str]) -> None:
    """What a watch may not combine is refused before it is said that there is no watch."""
    with pytest.raises(InvalidOptions) as caught:
        list_options({"watch": "1", **query})
    assert [cause.message for cause in caught.value.causes] == sentences


@pytest.mark.parametrize("query", [{MATCH: "NotOlderThan", "sendInitialEvents": "true"}, {"resourceVersion": "0"}])
def test_a_watch_may_ask_for_what_is_there(query: dict[str, str]) -> None:
    """What informers of today send is no contradiction."""
    assert list_options({"watch": "1", **query}).watch


def test_unknown_field_label_is_refused_with_the_known_ones() -> None:
    """Only the name and the namespace can be selected by field."""
    with pytest.raises(BadQuery, match=r'"spec\.nodeName" is not a known field selector'):
        check_fields(parse_fields("spec.nodeName=n1"))
