"""kube.lines: chunks in, lines out."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.errors import ApiServerError
from kubevitals.kube.lines import LineBuffer, LineStream


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_lines_do_not_depend_on_chunks(body, cuts):
    """However a body is cut into chunks, its complete, non-blank lines come out whole and in order."""
    buffer = LineBuffer(1000)
    edges = [0, *sorted(cut for cut in cuts if cut <= len(body)), len(body)]
    lines = [line for start, stop in itertools.pairwise(edges) for line in buffer.feed(body[start:stop])]

    assert lines == [line for line in body.split(b"\n")[:-1] if line.strip()]


@pytest.mark.parametrize("chunks", [[b"12345678901\n"], [b"123456", b"78901"], [b"a\n1234567890", b"1\n"]])
def test_a_line_over_the_limit_is_an_error(chunks):
    """Whether it is complete or still growing; memory stays bounded."""
    buffer = LineBuffer(10)
    with pytest.raises(ApiServerError, match="a line of more than 10 bytes"):
        list(map(buffer.feed, chunks))


async def test_a_stream_gives_lines_and_drops_an_incomplete_last_one():
    """What follows the last newline was cut off on the way."""
    chunks = iter([b"one\ntw", b"o\n\nthr", b"ee", b""])

    async def read():
        return next(chunks)

    assert [line async for line in LineStream(read, 100)] == [b"one", b"two"]
