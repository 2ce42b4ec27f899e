"""One connection to one kubelet: non-blocking sockets on the event loop's readers and writers.

An ssl.SSLSocket that is read when the loop says so takes a tenth of the memory of asyncio's own TLS
transport, which allocates a quarter of a megabyte per connection.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from kubevitals.scraper.diagnosis import Stage
from kubevitals.scraper.http1 import Answer, ResponseReader
from kubevitals.scraper.pace import Pace

BUFFER: Final = 64 * 1024
_BLOCKED: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_CANDIDATES: Final = 4  # addresses of one name that are tried
_Endpoint: TypeAlias = tuple[Any, ...]
"""An entry of getaddrinfo: family, type, protocol, canonical name, socket address."""


class Progress:
    """How far a scrape has come: its stage, and whether the peer has said anything since the last request."""

    __slots__ = ("heard", "stage")

    def __init__(self) -> None:
        self.stage: Stage = "credentials"
        self.heard = False


class Connection:
    """A connected socket, plain or TLS. Whoever holds it closes it.

    Args:
        sock: connected and non-blocking.
        purpose: what it was opened for; a pool compares this before using it again.
    """

    def __init__(self, sock: socket.socket, purpose: object) -> None:
        self.purpose = purpose
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    async def ask(self, request: bytes, buffer: bytearray, progress: Progress, *, body_limit: int) -> Answer:
        """Send a request and return the response.

        Args:
            request: the whole request.
            buffer: scratch space that may be shared, since nothing stays in it over an await.
            progress: kept up to date while this runs.
            body_limit: the largest body accepted, in bytes after decompression.

        Raises:
            ScrapeError: what came is no response, or too large.
            OSError: the connection failed; ssl.SSLError is one.
        """
        progress.stage, progress.heard = "headers", False
        try:
            await self._send(request)
        except OSError:
            self._last_words(buffer)
            raise
        await self._readable()
        reader = ResponseReader(body_limit=body_limit)
        while True:
            data = await self._receive(buffer)
            progress.heard = progress.heard or bool(data)
            answer = reader.feed(data)
            if answer is not None:
                return answer
            if reader.in_body:
                progress.stage = "body"

    async def handshake(self, pace: Pace) -> None:
        """Shake hands, when this is a TLS connection; verification is part of it."""
        while isinstance(self._sock, ssl.SSLSocket):
            try:
                await pace.turn()
                self._sock.do_handshake()
                break
            except _BLOCKED as error:
                await self._unblocked(error, self._readable)

    def certificate(self) -> bytes:
        """Return the peer's certificate in DER form; empty without TLS, or before the handshake."""
        return (isinstance(self._sock, ssl.SSLSocket) and self._sock.getpeercert(binary_form=True)) or b""

    def close(self) -> None:
        """Close the socket, without a goodbye to a peer that may be gone."""
        self._sock.close()

    async def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._sock.send(view) :]
            except _BLOCKED as error:
                await self._unblocked(error, self._writable)

    def _last_words(self, buffer: bytearray) -> None:
        """Raise what a peer that no longer listens said before it closed: a TLS alert is worth more than that."""
        try:
            self._sock.recv_into(buffer)
        except _BLOCKED:
            pass

    async def _receive(self, buffer: bytearray) -> bytes:
        while True:
            try:
                return bytes(memoryview(buffer)[: self._sock.recv_into(buffer)])
            except _BLOCKED as error:
                await self._unblocked(error, self._readable)

    async def _unblocked(self, error: OSError, usual: Callable[[], Awaitable[None]]) -> None:
        """Wait for what a blocked operation wants: TLS may have to read before it can write, and vice versa."""
        if isinstance(error, ssl.SSLWantReadError):
            await self._readable()
        elif isinstance(error, ssl.SSLWantWriteError):
            await self._writable()
        else:
            await usual()

    async def _readable(self) -> None:
        await self._until(self._loop.add_reader, self._loop.remove_reader)

    async def _writable(self) -> None:
        await self._until(self._loop.add_writer, self._loop.remove_writer)

    async def _until(self, add: Callable[..., Any], remove: Callable[[int], Any]) -> None:
        descriptor = self._sock.fileno()
        ready: asyncio.Future[None] = self._loop.create_future()
        add(descriptor, _wake, ready)
        try:
            await ready
        finally:
            remove(descriptor)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def connect(address: str, port: int, progress: Progress) -> socket.socket:
    """Return a connected, non-blocking socket; of a name's addresses the first that answers.

    Raises:
        OSError: of the first address tried; socket.gaierror when the name does not resolve.
    """
    endpoints = await _resolve(address, port, progress)
    progress.stage = "connect"
    first: OSError | None = None
    for endpoint in endpoints[:_CANDIDATES]:
        try:
            return await _connect(endpoint)
        except OSError as error:
            first = first or error
    raise first or socket.gaierror(socket.EAI_NONAME, "no address")


async def _resolve(address: str, port: int, progress: Progress) -> list[_Endpoint]:
    progress.stage = "resolve"
    loop = asyncio.get_running_loop()
    try:  # an IP address needs no resolver, and no thread
        return list(socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except socket.gaierror:
        return list(await loop.getaddrinfo(address, port, type=socket.SOCK_STREAM))


async def _connect(endpoint: _Endpoint) -> socket.socket:
    family, kind, protocol, _, address = endpoint
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock
