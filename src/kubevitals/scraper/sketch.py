"""A body's shape, and its numbers as written. Pure.

Kubelets print one block of lines per family below its comments, and from scrape to scrape only numbers change.
A sketch takes such a body apart without understanding it: the *shape* is one hash of all that is not a number,
so two bodies of one shape say the same about the same containers, in other numbers. It covers

- of the four families whose numbers change: every series as written, and whether lines carry timestamps;
- of start times and the kubelet's own errors: the whole text, which changes when a container restarts;
- of every other family: that it is there. Comments mean nothing, and count for nothing.

What the shape does not hold is checked, so that equal shapes suffice: every line of a block begins with the name
of its family, unless the shape holds the whole text. A body that is odd in any way (no comments, carriage returns,
blank lines, letters beyond ASCII, a ``#`` inside a line, a cut end) has no sketch.

Bytes are hashed with the key of this process: a shape means nothing in another one.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from kubevitals.scraper import lines

Part = bytes | int

_NAME = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*+")
_NUMBERS: Final = {
    name.encode(): name for name in (lines.CONTAINER_CPU, lines.CONTAINER_MEMORY, lines.NODE_CPU, lines.NODE_MEMORY)
}
_TEXTS: Final = frozenset({lines.CONTAINER_START.encode(), b"scrape_error", b"resource_scrape_error"})


class Block(NamedTuple):
    """The lines of one family, in columns of words; ``times`` is empty when no line has a timestamp."""

    names: list[bytes]
    values: list[bytes]
    times: list[bytes]


class Sketch(NamedTuple):
    """A body's shape, and its blocks of changing numbers by family."""

    shape: int
    blocks: dict[str, Block]


class OddError(ValueError):
    """A body is not what a kubelet prints every time; only the strict parser can tell what it means."""


def sketch(body: bytes) -> Sketch | None:
    """Return the sketch of a usual body, None of any other one."""
    try:
        return _sketch(body)
    except OddError:
        return None


def _sketch(body: bytes) -> Sketch:
    # bytes.split() takes the last three for space, the format does not.
    if not body.isascii() or b"\0" in body or b"\r" in body or b"\v" in body or b"\f" in body:
        raise OddError
    before, *comments = body.split(b"#")
    if before:
        raise OddError
    parts: list[Part] = []
    blocks: dict[str, Block] = {}
    for comment in comments:
        if not comment.endswith(b"\n"):
            raise OddError
        block = comment[comment.index(b"\n") + 1 :]  # what follows the comment's own line, often nothing
        if block:
            parts += _parts(block, blocks)
    if not parts:
        raise OddError
    return Sketch(hash(tuple(parts)), blocks)


def _parts(block: bytes, blocks: dict[str, Block]) -> tuple[Part, ...]:
    """Return what counts of a block for the shape; adds it to the blocks if its numbers change."""
    match = _NAME.match(block)
    if match is None:
        raise OddError
    name = match[0]
    if name in _TEXTS:
        return (block,)
    # With the byte after it, so that no longer name is taken for this one.
    rows = _rows(block, block[: len(name) + 1])
    family = _NUMBERS.get(name)
    if family is None:
        return (name,)
    columns = blocks[family] = _columns(block, rows)
    return len(columns.times) > 0, b" ".join(columns.names)


def _rows(block: bytes, opening: bytes) -> int:
    """Return the number of lines, each of which has this opening."""
    rows = block.count(b"\n")
    if block.count(b"\n" + opening) != rows - 1:
        raise OddError
    return rows


def _columns(block: bytes, rows: int) -> Block:
    words = block.split()
    if len(words) == 3 * rows:
        return Block(words[::3], words[1::3], words[2::3])
    if len(words) == 2 * rows:
        return Block(words[::2], words[1::2], [])
    raise OddError
