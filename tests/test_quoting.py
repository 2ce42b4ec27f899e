"""Quoting, against Go's strconv.Quote."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.quoting import quote, shown


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", '""'),
        ("plain text!", '"plain text!"'),
        ('a"b\\c', r'"a\"b\\c"'),
        ("\a\b\f\n\r\t\v", r'"\a\b\f\n\r\t\v"'),
        ("\x00\x1b[1m\x7f", r'"\x00\x1b[1m\x7f"'),
        ("\x85\u00a0\u200b\ufeff", r'"\u0085\u00a0\u200b\ufeff"'),
        ("é µ 漢 😀", '"é µ 漢 😀"'),
        ("\U000e0001", r'"\U000e0001"'),
        (b"\xff\xfe".decode("utf-8", "surrogateescape"), r'"\xff\xfe"'),
    ],
)
def test_text_is_quoted_as_go_quotes_it(text: str, quoted: str) -> None:
    """Every class of character is escaped, or not, as strconv.Quote does it."""
    assert quote(text) == quoted


@given(st.text())
def test_nothing_that_steers_a_terminal_remains(text: str) -> None:
    """Quoted text is printable and stays on one line."""
    assert quote(text).isprintable()


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_printable_ascii_is_quoted_as_json_quotes_it(text: str) -> None:
    """For printable ASCII the result can be read back as JSON."""
    assert json.loads(quote(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("web-1", "web-1"), ("a\x1b[2J\nb", r"a\x1b[2J\nb"), ("\u202eevil", r"\u202eevil"), ("é😀", r"\u00e9\U0001f600")],
)
def test_what_is_shown_has_one_cell_for_each_character(text: str, expected: str) -> None:
    """Names pass as they are; whatever a terminal could obey, or draw wide, is escaped."""
    assert shown(text) == expected
