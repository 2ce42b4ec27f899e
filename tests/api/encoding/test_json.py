from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.api.encoding.body import Body
from kubevitals.api.encoding.json import compact_chunks, dumps, indented, indented_chunks, string


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", '""'),
        ("web-1", '"web-1"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("a&b<c>d", '"a\\u0026b\\u003cc\\u003ed"'),
        ("\u2028\u2029", '"\\u2028\\u2029"'),
        ("\n\r\t\b\f", '"\\n\\r\\t\\b\\f"'),
        ("\x00\x1f", '"\\u0000\\u001f"'),
        ("é😀", '"é😀"'),
        ("\udc80", '"\\ufffd"'),
    ],
)
def test_string(text: str, expected: str) -> None:
    """A string is escaped as Go escapes it."""
    assert string(text) == expected


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_string_round_trip(text: str) -> None:
    """Any text comes back from its JSON unchanged, and its JSON holds nothing that HTML reads."""
    encoded = string(text)
    assert json.loads(encoded) == text
    assert not set(encoded) & set("&<>\u2028\u2029")


def test_dumps_keeps_order() -> None:
    """A document is compact, in the order it was made in, and escaped throughout."""
    assert dumps({"b": [1, True, None], "a": {"k<": "&"}}) == b'{"b":[1,true,null],"a":{"k\\u003c":"\\u0026"}}'


def test_indented_keeps_escapes() -> None:
    """Indenting changes nothing but the space between."""
    assert indented(b'{"a":"\\u003c","b":{},"c":[]}') == b'{\n  "a": "\\u003c",\n  "b": {},\n  "c": []\n}'


def test_compact_body() -> None:
    """A body ends with a newline, with and without its array."""
    assert b"".join(compact_chunks(Body(b'{"a":1}'))) == b'{"a":1}\n'
    assert b"".join(compact_chunks(Body(b'{"a":1}', "items"))) == b'{"a":1,"items":[]}\n'
    assert b"".join(compact_chunks(Body(b'{"a":1}', "items", [[], [b"1"], [], [b"2"]]))) == b'{"a":1,"items":[1,2]}\n'


def test_indented_body() -> None:
    """An indented body has no final newline, and its array starts on its own line unless it is empty."""
    assert b"".join(indented_chunks(Body(b'{"a":1}', "items"))) == b'{\n  "a": 1,\n  "items": []\n}'
    assert b"".join(indented_chunks(Body(b'{"a":1}'))) == b'{\n  "a": 1\n}'


@pytest.mark.parametrize("sizes", [[], [0], [1], [0, 0, 2], [3, 0, 1, 0]])
def test_slices_of_any_length(sizes: list[int]) -> None:
    """However many elements are in each slice, the pieces together are the whole, and no piece is of two slices."""
    slices = [[b'{"n":%d,"s":"a\\nb"}' % number for number in range(size)] for size in sizes]
    expected = {"kind": "L", "items": [{"n": number, "s": "a\nb"} for size in sizes for number in range(size)]}
    body = Body(b'{"kind":"L"}', "items", slices)
    compact, pretty = list(compact_chunks(body)), list(indented_chunks(body))
    assert json.loads(b"".join(compact)) == expected
    assert b"".join(pretty).decode() == json.dumps(expected, indent=2)
    assert len(compact) == len(pretty) == len(sizes) + (2 if any(sizes) else 1)


def test_an_array_may_be_left_out_when_it_is_empty() -> None:
    """What an object is without elements may differ in more than the array."""
    body = Body(b'{"a":1}', "items", [[]], empty=b'{"a":null,"items":null}')
    assert b"".join(compact_chunks(body)) == b'{"a":null,"items":null}\n'


def test_a_slice_is_made_when_its_turn_comes() -> None:
    """The first pieces are there before the last elements are made."""
    made: list[int] = []

    def slices() -> Iterator[list[bytes]]:
        for number in range(3):
            made.append(number)
            yield [b"%d" % number]

    pieces = compact_chunks(Body(b'{"a":1}', "items", slices()))
    assert [next(pieces), next(pieces)] == [b'{"a":1,"items":[', b"0"]
    assert made == [0]
