"""The query string, as Go's ``url.Values`` reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.api.message import Request
from kubevitals.api.query import query_of, query_pairs, truthy, undecodable


def asked(query: str) -> Request:
    return Request("GET", "/", query=query)


def test_first_of_repeated_parameters_counts() -> None:
    """Repeated parameters behave as in Go's url.Values.Get, and plus is a space."""
    assert query_of(asked("a=1+2&a=3&b")) == {"a": "1 2", "b": ""}


@pytest.mark.parametrize("odd", ["a=%zz", "a=%", "%2=1", "a=1;b=2", ";"])
def test_what_go_cannot_read_is_left_out(odd: str) -> None:
    """A pair with a stray percent sign or a semicolon is no parameter, and the others stay."""
    assert list(query_pairs(asked(f"x=1&{odd}&y=%3B"))) == [("x", "1"), ("y", ";")]


@pytest.mark.parametrize(
    ("value", "true"),
    [(None, False), ("", True), ("0", False), ("1", True), ("false", False), ("FALSE", False), ("no", True)],
)
def test_booleans(value: str | None, true: bool) -> None:
    """Absent, 0 and false are false, and all else is true."""
    assert truthy(value) is true


@given(st.text())
def test_any_query_is_read(query: str) -> None:
    """Whatever the query, it is read without an error, and no more pairs come than were sent."""
    assert len(query_of(asked(query))) <= query.count("&") + 1


@given(st.text())
def test_decodable_is_what_decodes(text: str) -> None:
    """Every percent sign of a decodable text has two hexadecimal digits behind it."""
    digits = set("0123456789abcdefABCDEF")
    pairs = [text[at + 1 : at + 3] for at, char in enumerate(text) if char == "%"]
    assert undecodable(text) is not all(len(pair) == 2 and set(pair) <= digits for pair in pairs)
