"""From the bytes that came back to the answers in them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_FIRST = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9]) [ -~]*")
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\t -~\x80-\xff]*)")
_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")
_BODILESS = (100, 204, 304)


class BadAnswer(Exception):
    """What came back is no HTTP; says why."""


class Reply(NamedTuple):
    """An answer. ``whole`` is False while some of its body is missing; an ``endless`` one ends with the connection."""

    version: int
    code: int
    lines: tuple[tuple[str, bytes], ...]
    body: bytes = b""
    whole: bool = True
    endless: bool = False

    def all(self, name: str) -> list[bytes]:
        """The values of every line with a name, which is in lower case."""
        return [value for key, value in self.lines if key == name]

    def header(self, name: str) -> bytes:
        """The value of the first line with a name, empty when there is none."""
        return next(iter(self.all(name)), b"")

    @property
    def last(self) -> bool:
        """Whether the connection ends with it."""
        said = self.header("connection").lower()
        return said == b"close" or (self.version == 0 and said != b"keep-alive")


def replies(received: bytes, *, heads: bool) -> Iterator[Reply]:
    """Yield the answers, the last of which may not be whole; a head that is not complete is left out.

    Args:
        received: everything that came.
        heads: whether there was a HEAD request, so that there may be answers without the body they tell of.

    Raises:
        BadAnswer: this is no HTTP.
    """
    while received:
        head, blank, rest = received.partition(b"\r\n\r\n")
        if not blank:
            if not received.startswith(b"HTTP/1."[: len(received)]):
                raise BadAnswer(f"no status line: {received[:100]!r}")
            return
        reply, received = _reply(head, rest, heads)
        yield reply


def _reply(head: bytes, rest: bytes, heads: bool) -> tuple[Reply, bytes]:
    first, *lines = head.split(b"\r\n")
    said = _FIRST.fullmatch(first)
    if not said:
        raise BadAnswer(f"status line {first[:200]!r}")
    parsed = [_LINE.fullmatch(line) for line in lines]
    if not all(parsed):
        raise BadAnswer(f"header lines {lines!r}")
    reply = Reply(int(said[1]), int(said[2]), tuple((line[1].decode().lower(), line[2]) for line in parsed if line))
    if reply.code in _BODILESS or (heads and (not rest or rest.startswith(b"HTTP/1."))):
        return reply, rest
    return _with_body(reply, rest)


def _with_body(reply: Reply, rest: bytes) -> tuple[Reply, bytes]:
    sizes, codings = reply.all("content-length"), reply.all("transfer-encoding")
    if not codings and len(sizes) == 1 and sizes[0].isdigit():
        size = int(sizes[0])
        return reply._replace(body=rest[:size], whole=len(rest) >= size), rest[size:]
    if codings == [b"chunked"] and not sizes and reply.version == 1:
        return _with_chunks(reply, rest)
    if not codings and not sizes and reply.last:
        return reply._replace(body=rest, whole=False, endless=True), b""
    raise BadAnswer(f"no length: {reply.lines!r}")


def _with_chunks(reply: Reply, rest: bytes) -> tuple[Reply, bytes]:
    body = b""
    while True:
        line, ended, behind = rest.partition(b"\r\n")
        if ended and not _SIZE.fullmatch(line):
            raise BadAnswer(f"chunk {line[:100]!r}")
        size = int(line, 16) if ended else 0
        if not ended or len(behind) < size + 2:
            return reply._replace(body=body, whole=False), b""
        if behind[size : size + 2] != b"\r\n":
            raise BadAnswer(f"no end of a chunk of {size} bytes")
        body, rest = body + behind[:size], behind[size + 2 :]
        if not size:
            return reply._replace(body=body), rest
