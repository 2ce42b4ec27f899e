"""HTTP in and out: the only file of the API that knows the web framework.

A connection that does not send its next request's headers in time is cut off, whoever holds it, and the number of
connections is bounded: neither slow nor many clients can take memory from the others. Where there are too many, one
that has never asked makes room for the next, so that who only holds connections keeps nobody out.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from aiohttp.http import HttpVersion10, HttpVersion11
from aiohttp.http_exceptions import LineTooLong

from kubevitals import logs
from kubevitals.api.message import WHOLE, Headers, Request, Response
from kubevitals.api.pieces import pieces
from kubevitals.tls import peer_chain

Handler = Callable[[Request], Awaitable[Response]]

_log = logs.get("api")
_NAME = "kubevitals"
_VERSIONS = (HttpVersion10, HttpVersion11)
_SLACK = 4096  # bytes that a head may have above its limit, as in Go
_LINGER = 0.5  # seconds for a caller to read what it did wrong
_FAREWELL = 0.5  # seconds for connections to end by themselves at the end


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may take. Times in seconds, sizes in bytes; upstream's values where it has them."""

    head_timeout: float = 32.0
    idle_timeout: float = 90.0
    handshake_timeout: float = 10.0
    head_bytes: int = 1 << 20
    header_lines: int = 4096
    connections: int = 4096


class _LastWord(web.Response):
    """An answer to one who may still be sending: a connection that is closed at once takes the answer with it."""

    async def write_eof(self, data: bytes = b"") -> None:
        await super().write_eof(data)
        await asyncio.sleep(_LINGER)


class _Connection(web.RequestHandler):
    """The framework's connection, with a bound on the whole head and the words of Go's server for what is no request.

    The framework bounds each line by itself.
    """

    __slots__ = ("_head", "_longest_head", "_too_long")

    def __init__(self, manager: web.Server, *, longest_head: int, **options: Any) -> None:
        super().__init__(manager, loop=asyncio.get_running_loop(), **options)
        self._head = 0  # bytes of a head that is not complete yet
        self._longest_head = longest_head
        self._too_long = False

    @property
    def idle(self) -> bool:
        """Whether it was answered before, and has not begun to ask again."""
        return bool(self._request_count) and not (self._request_in_progress or self._messages or self._head)

    def data_received(self, data: bytes) -> None:
        before = self._request_count
        super().data_received(data)
        if self._request_count > before:
            self._head = 0
        elif not self._reads_body():
            self._head += len(data)
            if self._head > self._longest_head and not self._too_long:
                self._too_long = True
                super().data_received(b"\0")  # no head contains it: the framework gives up on this one

    def _reads_body(self) -> bool:
        request = self._current_request
        return request is not None and not request.content.is_eof()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, ConnectionError):
            raise exc  # the connection ends, and nobody is there to be told why
        if request.writer.output_size:
            raise ConnectionError("a part of the answer was sent already") from exc
        if status >= 500:
            _log.error("An answer could not be sent", error=repr(exc), trace=logs.trace(exc) if exc else "")
        too_long = isinstance(exc, LineTooLong) or self._too_long
        code = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if too_long else HTTPStatus(status)
        self.close()
        # The framework's own message would repeat a part of what was sent.
        answer = _LastWord(status=code.value, text=f"{code.value} {code.phrase}", headers={"Server": _NAME})
        answer.force_close()
        return answer


@dataclass(slots=True)
class _Peer:
    """The other end of a connection: how to reach it, what it showed, and when it is cut off."""

    transport: asyncio.Transport
    chain: tuple[bytes, ...]
    deadline: asyncio.TimerHandle | None = None

    def arm(self, seconds: float) -> None:
        """Cut the connection off in so many seconds, and not when it was to be before."""
        self.disarm()
        self.deadline = asyncio.get_running_loop().call_later(seconds, self.transport.abort)

    def disarm(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()


class _Server(web.Server):
    """The framework's server, with a deadline and the caller's certificates kept for each connection."""

    def __init__(self, handler: Handler, limits: Limits) -> None:
        # The framework's own logger repeats what a broken client sent; our chain logs what matters.
        quiet = logging.getLogger("kubevitals.http.framework")
        quiet.disabled = True
        super().__init__(
            self._serve,
            access_log=None,
            logger=quiet,
            keepalive_timeout=limits.idle_timeout,
            max_line_size=limits.head_bytes,
            max_field_size=limits.head_bytes,
            max_headers=limits.header_lines,
            lingering_time=0,
        )
        self._handler = handler
        self._limits = limits
        self._peers: dict[Any, _Peer] = {}
        self._silent: dict[Any, _Peer] = {}  # those that have never asked, the oldest first
        self._in_flight: set[object] = set()
        self._moved = asyncio.Event()  # an answer was sent, or a connection lost
        self._closing = self._ended = False

    def __call__(self) -> _Connection:
        return _Connection(self, longest_head=self._limits.head_bytes + _SLACK, **self._kwargs)

    # --- connections ------------------------------------------------------------------------------------------

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if self._ended or not self._room():
            transport.abort()
            return
        # An answer counts as sent when the system has it, not when it lies in our own buffer. Not 0: asyncio's TLS
        # then pauses the writer of an empty buffer, and nothing is left to wake it up again.
        transport.set_write_buffer_limits(high=1)
        ssl_object = transport.get_extra_info("ssl_object")
        peer = _Peer(transport, peer_chain(ssl_object) if ssl_object else ())
        self._peers[handler] = self._silent[handler] = peer
        peer.arm(self._limits.head_timeout)

    def _room(self) -> bool:
        """Tell whether there is room for one more connection, and make some if somebody holds one for nothing."""
        if len(self._peers) < self._limits.connections:
            return True
        if not self._silent:
            return False
        oldest = next(iter(self._silent))
        self._silent.pop(oldest).transport.abort()
        self._peers.pop(oldest).disarm()
        return True

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._silent.pop(handler, None)
        peer = self._peers.pop(handler, None)
        if peer is not None:
            peer.disarm()
            self._moved.set()

    # --- requests ---------------------------------------------------------------------------------------------

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        peer = self._peers.get(request.protocol)
        if peer is None:
            raise ConnectionResetError("the caller is gone")
        if request.version not in _VERSIONS:
            raise ConnectionResetError("the framework lets other versions pass, and takes none at all for HTTP/0.9")
        peer.disarm()
        self._silent.pop(request.protocol, None)
        ticket = object()  # the framework's requests cannot be told apart in a set
        self._in_flight.add(ticket)
        try:
            answer = await self._handler(_request_of(request, peer.chain))
            peer.arm(self._patience(answer))
            return await _send(request, answer, last=self._closing or _leaves_http(request))
        finally:
            self._in_flight.discard(ticket)
            self._moved.set()
            if request.protocol in self._peers:
                peer.arm(self._limits.idle_timeout)
            if self._closing:
                request.protocol.close()

    def _patience(self, answer: Response) -> float:
        """Return how many seconds the caller has to take its answer."""
        longest = self._limits.idle_timeout
        return longest if answer.within is None else min(longest, max(0.0, answer.within))

    # --- the end ----------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Make every answer from now on the last one of its connection, and hang up where none is due."""
        self._closing = True
        for connection in self.connections:
            if isinstance(connection, _Connection) and connection.idle:
                connection.force_close()

    async def answered(self, grace: float) -> int:
        """Wait until the requests that are in flight now have their answers; return how many have not in time."""
        waited_for = frozenset(self._in_flight)
        try:
            async with asyncio.timeout(grace):
                while not waited_for.isdisjoint(self._in_flight):
                    await self._next_move()
        except TimeoutError:
            pass
        return len(waited_for & self._in_flight)

    async def end(self) -> None:
        """Close every connection; what the system has not sent by then is given a moment."""
        self._ended = True
        self.pre_shutdown()
        await self.shutdown(_FAREWELL)
        try:
            async with asyncio.timeout(_FAREWELL):
                while self._peers:
                    await self._next_move()
        except TimeoutError:
            self.cut_off()

    def cut_off(self) -> None:
        """Take no connection any more, and drop every one there is."""
        self._closing = self._ended = True
        for peer in list(self._peers.values()):
            peer.transport.abort()

    async def _next_move(self) -> None:
        self._moved.clear()
        await self._moved.wait()


def _request_of(request: web.BaseRequest, chain: tuple[bytes, ...]) -> Request:
    raw_path, _, query = _target(request).partition("?")
    return Request(
        method=request.method,
        path=unquote(raw_path),
        raw_path=raw_path,
        query=query,
        headers=Headers(request.headers.items()),
        peer_chain=chain,
        remote=request.remote or "",
    )


def _target(request: web.BaseRequest) -> str:
    """Return path and query as sent; CONNECT names an authority unless it begins with a slash, as for Go's server."""
    if request.method == "CONNECT" and request.raw_path.startswith("/"):
        return request.raw_path
    return request.path_qs


def _leaves_http(request: web.BaseRequest) -> bool:
    """Tell whether the framework takes what follows for something else than the body, which could smuggle a request."""
    return request.method == "CONNECT" or "Upgrade" in request.headers


async def _send(request: web.BaseRequest, answer: Response, *, last: bool) -> web.StreamResponse:
    """Write an answer in pieces, each waiting for the caller to take the one before.

    Args:
        request: whose answer it is.
        answer: what to send.
        last: tell the caller that the connection ends with it.
    """
    sent = 0
    try:
        response = _head(answer)
        # The end of its connection is all that tells a caller of HTTP/1.0 where an answer of unknown length ends.
        if last or (answer.rest is not None and request.version < HttpVersion11):
            response.force_close()
        await response.prepare(request)
        if not isinstance(response, web.Response) and request.method != "HEAD":
            async with aclosing(pieces(answer)) as body:
                async for piece in body:
                    await response.write(piece)
                    sent += len(piece)
        await response.write_eof()
        return response
    finally:
        for told in answer.sent:
            told(sent)


def _head(answer: Response) -> web.StreamResponse:
    """Return what the framework is to send: a small answer as a whole, of others the head."""
    size = answer.size
    if size <= WHOLE and answer.rest is None:
        response: web.StreamResponse = web.Response(status=answer.status, body=answer.body or None)
    else:
        response = web.StreamResponse(status=answer.status)
        if answer.rest is None:
            response.content_length = size
    content_type = [("Content-Type", answer.content_type)] if answer.content_type else []
    _set_headers(response, [*answer.headers, *content_type])
    return response


def _set_headers(response: web.StreamResponse, headers: list[tuple[str, str]]) -> None:
    response.headers.popall("Content-Type", None)
    response.headers["Server"] = _NAME  # else the framework names itself and the interpreter, with versions
    for name, value in headers:
        if (name, value) == ("Connection", "close"):
            response.force_close()
        else:
            response.headers.add(name, value)


class Listener:
    """A listening socket and the connections it accepted."""

    def __init__(self, handler: Handler, sock: socket.socket, limits: Limits) -> None:
        self._web = _Server(handler, limits)
        self._limits = limits
        self._sock = sock
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._sock.getsockname()[1])

    async def start(self, context: ssl.SSLContext | None) -> None:
        """Accept connections; without a context, in plain HTTP (tests only)."""
        loop = asyncio.get_running_loop()
        timeout = self._limits.handshake_timeout if context else None
        self._server = await loop.create_server(
            self._web, sock=self._sock, ssl=context, ssl_handshake_timeout=timeout, backlog=1024
        )

    async def drain(self, grace: float) -> None:
        """Wait until the requests in flight have their answers, for ``grace`` seconds at most; go on listening."""
        unanswered = await self._web.answered(grace)
        if unanswered:
            _log.warning("Requests were given up: they took too long to be answered", requests=unanswered)

    async def stop(self, grace: float) -> None:
        """Accept nothing more, let requests in flight end within ``grace`` seconds, then close every connection.

        Whoever has connected and not asked yet may still do so meanwhile. Stopping again does nothing.
        """
        server, self._server = self._server, None
        if server is not None:
            # asyncio loses connections that were accepted a moment before their server is closed.
            asyncio.get_running_loop().remove_reader(self._sock)
            await asyncio.sleep(0)
            server.close()
        self._web.close()
        await self.drain(grace)
        await self._web.end()

    def abort(self) -> None:
        """Take nothing more and cut off every connection at once; does nothing after ``stop``."""
        if self._server is not None:
            self._server.close()
        self._web.cut_off()
