"""Label keys and values, against the rules of Kubernetes."""

from __future__ import annotations

import pytest

from kubevitals.names import label_key_problems, label_value_problems


@pytest.mark.parametrize(
    "key", ["a", "A", "1", "a-b_c.D", "x" * 63, "example.com/a", "a/b", f"{'a.' * 126}a/x", "0.0/9"]
)
def test_label_keys_are_accepted(key: str) -> None:
    """A name of up to 63 characters, after a DNS subdomain of up to 253 or none, is a label key."""
    assert label_key_problems(key) == []


@pytest.mark.parametrize(
    ("key", "problems"),
    [
        ("", ["name part must be non-empty", "name part must consist of alphanumeric characters"]),
        ("a/", ["name part must be non-empty", "name part must consist of alphanumeric characters"]),
        ("/a", ["prefix part must be non-empty"]),
        ("x" * 64, ["name part must be no more than 63 characters"]),
        ("a-", ["name part must consist of alphanumeric characters"]),
        ("a\n", ["name part must consist of alphanumeric characters"]),
        ("é" * 32, ["name part must be no more than 63 characters", "name part must consist of alphanumeric"]),
        ("A.b/c", ["prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters"]),
        (
            "a" * 254 + "/b",
            ["prefix part must be no more than 253 characters"],
        ),
        ("a/b/c", ["a qualified name must consist of alphanumeric characters"]),
        ("_/$", ["prefix part a lowercase RFC 1123 subdomain", "name part must consist of alphanumeric characters"]),
    ],
)
def test_other_label_keys_are_refused(key: str, problems: list[str]) -> None:
    """Every problem of a key is named, prefix before name."""
    found = label_key_problems(key)

    assert [text[: len(start)] for text, start in zip(found, problems, strict=True)] == problems


def test_a_key_with_two_slashes_is_told_about_prefixes() -> None:
    """The message for several slashes shows the form with a prefix."""
    assert label_key_problems("a/b/c") == [
        "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
        "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
        "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' "
        "(e.g. 'example.com/MyName')"
    ]


def test_a_wrong_prefix_is_told_the_rule() -> None:
    """The message for a wrong prefix shows an example and the expression."""
    assert label_key_problems("-/a") == [
        "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
        "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    ]


@pytest.mark.parametrize("value", ["", "a", "A_b-c.d", "x" * 63])
def test_label_values_are_accepted(value: str) -> None:
    """A value is empty, or up to 63 characters between alphanumeric ones."""
    assert label_value_problems(value) == []


@pytest.mark.parametrize(("value", "count"), [("x" * 64, 1), ("-a", 1), ("a b", 1), ("$" * 64, 2), ("a\n", 1)])
def test_other_label_values_are_refused(value: str, count: int) -> None:
    """Every problem of a value is named."""
    assert len(label_value_problems(value)) == count
