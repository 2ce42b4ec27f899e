"""What a reflector reads from in place of an API server: one list and one watch, in whatever pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from kubevitals.informer.reflector import Params
from kubevitals.kube.lines import ChunkStream, LineStream


class OverError(Exception):
    """The API server has nothing more to say."""


class Source:
    """Answers one list and one watch.

    Args:
        listed: the body of the list, in pieces.
        watched: the stream of the watch, in pieces.
        longest: bytes of the longest line of a watch that is taken.
    """

    def __init__(self, listed: Sequence[bytes], watched: Sequence[bytes], longest: int) -> None:
        self._lists, self._watches, self._longest = [listed], [watched], longest

    @asynccontextmanager
    async def chunks(
        self, path: str, params: Params, *, accept: str, timeout: float | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the list."""
        yield ChunkStream(_reader(_next(self._lists)))

    @asynccontextmanager
    async def lines(self, path: str, params: Params, *, accept: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the watch."""
        yield LineStream(_reader(_next(self._watches)), self._longest)


def _next(answers: list[Sequence[bytes]]) -> Sequence[bytes]:
    if not answers:
        raise OverError
    return answers.pop()


def _reader(pieces: Sequence[bytes]) -> Callable[[], Awaitable[bytes]]:
    left = iter([piece for piece in pieces if piece])

    async def read() -> bytes:
        return next(left, b"")

    return read
