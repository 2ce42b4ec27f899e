"""Chunks of a body in, lines out. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Self

from kubevitals.errors import ApiServerError


class LineBuffer:
    """Cuts a stream into lines in linear time, however it was cut into chunks.

    Args:
        limit: the longest line in bytes; a longer one is an error, so that memory stays bounded.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._length = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that are complete now, without their newlines; empty lines are left out.

        Raises:
            ApiServerError: a line is longer than the limit.
        """
        *complete, rest = chunk.split(b"\n")
        if complete:
            complete[0] = b"".join((*self._parts, complete[0]))
            self._parts, self._length = [], 0
        self._parts.append(rest)
        self._length += len(rest)
        if self._length > self._limit or any(len(line) > self._limit for line in complete):
            raise ApiServerError(f"the API server sent a line of more than {self._limit} bytes")
        return [line for line in complete if line.strip()]


class ChunkStream:
    """Chunks as they arrive.

    Args:
        read: waits for the next chunk; empty at the end.
    """

    def __init__(self, read: Callable[[], Awaitable[bytes]]) -> None:
        self._read = read

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next chunk.

        Raises:
            ApiServerError: reading failed.
        """
        chunk = await self._read()
        if not chunk:
            raise StopAsyncIteration
        return chunk


class LineStream:
    """Lines as they arrive. Waiting for one may be cancelled without losing any.

    Args:
        read: waits for the next chunk; empty at the end.
        limit: the longest line in bytes.
    """

    def __init__(self, read: Callable[[], Awaitable[bytes]], limit: int) -> None:
        self._chunks = ChunkStream(read)
        self._buffer = LineBuffer(limit)
        self._ready: deque[bytes] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next line; what follows the last newline is dropped, as it is incomplete.

        Raises:
            ApiServerError: a line is too long, or reading failed.
        """
        while not self._ready:
            self._ready.extend(self._buffer.feed(await anext(self._chunks)))
        return self._ready.popleft()
