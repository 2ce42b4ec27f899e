"""Label and field selectors: what parses, what is said about the rest, and what matches."""

from __future__ import annotations

import pytest

from kubevitals.errors import SelectorError
from kubevitals.selectors import FieldTerm, LabelSelector, Requirement, parse_fields, parse_labels

NAME_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation "
    "is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ("", []),
        (" \t\r\n", []),
        ("a", [Requirement("a", "Exists")]),
        ("!a", [Requirement("a", "DoesNotExist")]),
        ("! a", [Requirement("a", "DoesNotExist")]),
        ("a=b", [Requirement("a", "In", ("b",))]),
        ("a==b", [Requirement("a", "In", ("b",))]),
        ("a = b", [Requirement("a", "In", ("b",))]),
        ("a=", [Requirement("a", "In", ("",))]),
        ("a=,b", [Requirement("a", "In", ("",)), Requirement("b", "Exists")]),
        ("a!=b", [Requirement("a", "NotIn", ("b",))]),
        ("a in (c,b,c)", [Requirement("a", "In", ("b", "c"))]),
        ("a in(b)", [Requirement("a", "In", ("b",))]),
        ("a notin (b, c)", [Requirement("a", "NotIn", ("b", "c"))]),
        ("a in ()", [Requirement("a", "In", ("",))]),
        ("a in (,)", [Requirement("a", "In", ("",))]),
        ("a in (,b,,c)", [Requirement("a", "In", ("", "b", "c"))]),
        ("a in (b,)", [Requirement("a", "In", ("", "b"))]),
        ("in in (in,notin)", [Requirement("in", "In", ("in", "notin"))]),
        ("notin=in", [Requirement("notin", "In", ("in",))]),
        ("a>1", [Requirement("a", "Gt", ("1",))]),
        ("a < 007", [Requirement("a", "Lt", ("007",))]),
        ("b,a", [Requirement("a", "Exists"), Requirement("b", "Exists")]),
        ("a=2,a=1", [Requirement("a", "In", ("2",)), Requirement("a", "In", ("1",))]),
        ("kubernetes.io/os=linux", [Requirement("kubernetes.io/os", "In", ("linux",))]),
        ("a\0,b", [Requirement("a", "Exists"), Requirement("b", "Exists")]),
        ("a,\0b", [Requirement("a", "Exists"), Requirement("b", "Exists")]),
        ("\0a", []),
    ],
)
def test_label_selectors_parse(text: str, requirements: list[Requirement]) -> None:
    """Every form of the grammar becomes requirements, sorted by key, each with a sorted set of values."""
    assert parse_labels(text) == LabelSelector(tuple(requirements))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a!b", "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt"),
        ("==x", "found '==', expected: !, identifier, or 'end of string'"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("a=b,", "found '', expected: identifier after ','"),
        ("a, \0b", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("a===b", "unable to parse requirement: found '=', expected: identifier"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("!!a", "unable to parse requirement: found '!', expected: identifier"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in", "unable to parse requirement: found '' expected: '('"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in (=", "unable to parse requirement: found '=', expected: ',', ')' or identifier"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("a in (b,", "unable to parse requirement: found '', expected: ',', or identifier"),
        ("a in (b,=)", "unable to parse requirement: found '=', expected: ',', or identifier"),
        ("-a", f'unable to parse requirement: <nil>: Invalid value: "-a": {NAME_RULE}'),
        ("a=$", f'unable to parse requirement: values[0][a]: Invalid value: "$": {VALUE_RULE}'),
        (
            "a in (b,$,-)",
            f'unable to parse requirement: [values[0][a]: Invalid value: "$": {VALUE_RULE}, '
            f'values[1][a]: Invalid value: "-": {VALUE_RULE}]',
        ),
        (
            "a>b",
            'unable to parse requirement: values[0]: Invalid value: "b": '
            "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
        (
            "a<9223372036854775808",
            'unable to parse requirement: values[0]: Invalid value: "9223372036854775808": '
            "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
        ("a\x1b=b", f'unable to parse requirement: <nil>: Invalid value: "a\\x1b": {NAME_RULE}'),
    ],
)
def test_other_label_selectors_are_refused_in_the_api_servers_words(text: str, problem: str) -> None:
    """A selector that does not parse is refused with the message of k8s.io/apimachinery."""
    with pytest.raises(SelectorError) as refused:
        parse_labels(text)

    assert str(refused.value) == problem


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("", {}, True),
        ("a", {"a": ""}, True),
        ("a", {"b": ""}, False),
        ("!a", {"b": ""}, True),
        ("!a", {"a": ""}, False),
        ("a=b", {"a": "b"}, True),
        ("a=b", {"a": "c"}, False),
        ("a=b", {}, False),
        ("a=", {"a": ""}, True),
        ("a=", {}, False),
        ("a!=b", {"a": "c"}, True),
        ("a!=b", {"a": "b"}, False),
        ("a!=b", {}, True),
        ("a in (b,c)", {"a": "c"}, True),
        ("a in (b,c)", {}, False),
        ("a notin (b,c)", {"a": "c"}, False),
        ("a notin (b,c)", {}, True),
        ("a>1", {"a": "2"}, True),
        ("a>1", {"a": "1"}, False),
        ("a>1", {"a": "x"}, False),
        ("a>1", {"a": "2_0"}, False),
        ("a>1", {"a": "9223372036854775808"}, False),
        ("a>1", {}, False),
        ("a<1", {"a": "0"}, True),
        ("a<1", {"a": "-9223372036854775808"}, True),
        ("a<1", {"a": "1"}, False),
        ("a=b,c", {"a": "b", "c": "d"}, True),
        ("a=b,c", {"a": "b"}, False),
    ],
)
def test_labels_match(text: str, labels: dict[str, str], matches: bool) -> None:
    """All requirements must hold; != and notin hold for objects without the key, > and < only for integers."""
    assert parse_labels(text).matches(labels) is matches


def test_only_the_selector_without_requirements_is_empty() -> None:
    """An empty selector says so, which lets a list skip matching."""
    assert parse_labels(" ").empty
    assert not parse_labels("a").empty


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        (",,", []),
        ("metadata.name=a", [FieldTerm("metadata.name", "=", "a")]),
        ("metadata.name==a", [FieldTerm("metadata.name", "=", "a")]),
        ("metadata.name!=a", [FieldTerm("metadata.name", "!=", "a")]),
        ("metadata.namespace=", [FieldTerm("metadata.namespace", "=", "")]),
        ("b=1,a=2", [FieldTerm("a", "=", "2"), FieldTerm("b", "=", "1")]),
        (r"a=b\,c\=d\\", [FieldTerm("a", "=", "b,c=d\\")]),
        (r"a\=b", [FieldTerm("a\\", "=", "b")]),
        ("a = b", [FieldTerm("a ", "=", " b")]),
        ("=", []),
        ("!=,a=b", [FieldTerm("a", "=", "b")]),
        ("=b", [FieldTerm("", "=", "b")]),
    ],
)
def test_field_selectors_parse(text: str, terms: list[FieldTerm]) -> None:
    """Terms are split at bare commas and sorted, values are unescaped, a bare operator selects nothing."""
    assert list(parse_fields(text).terms) == terms


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("foo", "invalid selector: 'foo'; can't understand 'foo'"),
        ("a=b,foo", "invalid selector: 'a=b,foo'; can't understand 'foo'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        (r"a=b\c", r"invalid field selector: invalid escape sequence: \c"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_other_field_selectors_are_refused_in_the_api_servers_words(text: str, problem: str) -> None:
    """A field selector that does not parse is refused with the message of k8s.io/apimachinery."""
    with pytest.raises(SelectorError) as refused:
        parse_fields(text)

    assert str(refused.value) == problem


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("metadata.name=a", True),
        ("metadata.name!=a", False),
        ("metadata.name=a,metadata.namespace=x", False),
        ("metadata.name=a,metadata.namespace=", True),
        ("metadata.namespace!=x", True),
    ],
)
def test_fields_match(text: str, matches: bool) -> None:
    """All terms must hold; a field that an object does not have counts as empty."""
    selector = parse_fields(text)

    assert selector.matches({"metadata.name": "a"}) is matches
    assert selector.empty is (text == "")


@pytest.mark.parametrize(
    ("text", "value"), [("a=b", "b"), ("a=", ""), ("a!=b", None), ("c=b", None), ("a!=b,a=c", "c"), ("", None)]
)
def test_an_exact_field_is_found(text: str, value: str | None) -> None:
    """The value that a field must have is known when a term demands one."""
    assert parse_fields(text).exact("a") == value
