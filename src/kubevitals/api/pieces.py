"""A body in the pieces it is sent in. Knows nothing of the web framework."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing

from kubevitals.api.message import Response

_PIECE = 256 * 1024


async def pieces(answer: Response) -> AsyncGenerator[bytes | memoryview, None]:
    """Yield a body in pieces: those that are there joined and cut to about 256 KiB, then the rest as it is made.

    So there is neither one write per item, nor all at once in the buffers.
    """
    for piece in _fitting(answer.chunks):
        yield piece
    if answer.rest is not None:
        async with aclosing(answer.rest) as rest:
            async for chunk in rest:
                if chunk:
                    yield chunk


def _fitting(chunks: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    gathered: list[bytes] = []
    size = 0
    for chunk in chunks:
        length = len(chunk)
        if length < _PIECE:
            gathered.append(chunk)
            size += length
            if size < _PIECE:
                continue
        if gathered:
            yield b"".join(gathered)
            gathered, size = [], 0
        if length >= _PIECE:
            yield from _slices(memoryview(chunk))
    if size:
        yield b"".join(gathered)


def _slices(view: memoryview) -> Iterator[memoryview]:
    return (view[start : start + _PIECE] for start in range(0, len(view), _PIECE))
