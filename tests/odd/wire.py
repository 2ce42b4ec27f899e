"""Sends odd requests over real connections, and notes what happens."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import Callable

from tests.odd.grammar import Caller, Odd
from tests.odd.verdict import PROBE, Exchange, answered_probe, complete, goes_on
from tests.odd.words import TOKEN
from tests.whole.world import HOST, World

from kubevitals.simulator import pki
from kubevitals.simulator.templates import FRONT_PROXY_NAME

PATIENCE = 5.0  # seconds until an answer counts as not coming
_GLANCE = 0.05  # seconds for one that need not come
_RESET = struct.pack("ii", 1, 0)  # closing sends a reset instead of waiting for what was sent


class _Line(asyncio.Protocol):
    """One end of a connection, which keeps what came even when the connection is reset."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.ended = False
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self._news.set()

    async def until(self, done: Callable[[bytes], bool], patience: float) -> bool:
        """Wait until the connection ends or what came is enough; tell whether it did in time."""
        try:
            async with asyncio.timeout(patience):
                while not self.ended and not done(bytes(self.received)):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def leave(self, *, rude: bool) -> bool:
        """End the connection, with a reset if that is rude; tell whether the server let go of it."""
        end = self.transport.get_extra_info("socket")
        if rude and end is not None and not self.ended:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
        self.transport.close()
        if await self.until(lambda _: False, PATIENCE):
            return True
        self.transport.abort()
        return False


class Callers:
    """Those who ask: a front proxy, the bearer of a token who may read metrics, and somebody who shows nothing."""

    def __init__(self, world: World, token: str) -> None:
        trust = world.cluster.authority.pem
        proxy = world.cluster.front_proxy.client(FRONT_PROXY_NAME)
        nothing = pki.client_context(trust)
        self._port = world.port
        self._token = token.encode()
        self._contexts: dict[Caller, ssl.SSLContext] = {
            "proxy": pki.client_context(trust, proxy), "token": nothing, "nobody": nothing,
        }  # fmt: skip

    async def send(self, odd: Odd) -> Exchange:
        """Send one odd request on a connection of its own, and the probe behind it where the connection goes on."""
        context = None if odd.layer == "socket" else self._contexts[odd.caller]
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(_Line, HOST, self._port, ssl=context)
        said = await self._talk(line, odd)
        # Behind half a record the server does not see that its caller says goodbye.
        return said._replace(held=not await line.leave(rude=odd.rude or odd.layer == "record"))

    async def _talk(self, line: _Line, odd: Odd) -> Exchange:
        for piece in odd.pieces:
            self._write(line, odd, piece)
            await asyncio.sleep(0)
        if odd.leaves:
            return Exchange(b"")
        patience = _GLANCE if odd.waits else PATIENCE
        in_time = await line.until(lambda received: complete(odd, received), patience)
        probed = in_time and not line.ended and goes_on(odd, bytes(line.received))
        if probed:
            line.transport.write(PROBE)
            in_time = await line.until(answered_probe, patience)
        return Exchange(bytes(line.received), line.ended, not in_time, probed)

    def _write(self, line: _Line, odd: Odd, piece: bytes) -> None:
        if line.ended:
            return
        if odd.layer == "record":
            os.write(line.transport.get_extra_info("socket").fileno(), piece)
        else:
            line.transport.write(piece.replace(TOKEN, self._token))
