"""A port in front of several servers, as a Service is in front of pods."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager

from tests.in_background import in_background

CHUNK = 1 << 16


class Service:
    """New connections to ``port`` go to its endpoints by turns; those that exist stay where they are."""

    def __init__(self) -> None:
        self.port = 0
        self._endpoints: tuple[int, ...] = ()
        self._turns = itertools.count()

    def lead_to(self, *ports: int) -> None:
        """Replace the endpoints: ports of this machine."""
        self._endpoints = ports

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Service]:
        """Take connections for the time of a with block."""
        listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = listener.sockets[0].getsockname()[1]
        yield self
        listener.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        endpoints = self._endpoints
        with closing(writer):
            if not endpoints:
                return
            try:
                there = await asyncio.open_connection("127.0.0.1", endpoints[next(self._turns) % len(endpoints)])
            except OSError:
                return
            with closing(there[1]):
                await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(CHUNK):
            target.write(piece)
            await target.drain()
    except OSError:
        pass
    target.close()


@contextmanager
def service() -> Iterator[Service]:
    """A Service without endpoints, for the time of a with block."""
    with in_background(lambda: Service().listening()) as (found, _):
        yield found
