"""HTTP in and out: the only file of the API that knows the web framework.

A connection that does not send its next request's headers in time is cut off, whoever holds it, and the number of
connections is bounded: neither slow nor many clients can take memory from the others.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from kubevitals.api.message import Headers, Request, Response
from kubevitals.errors import ConfigError
from kubevitals.tls import peer_chain

Handler = Callable[[Request], Awaitable[Response]]

_WHOLE = 64 * 1024  # up to here an answer is sent in one piece
_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may take. Times in seconds, sizes in bytes; upstream's values where it has them."""

    head_timeout: float = 32.0
    idle_timeout: float = 90.0
    handshake_timeout: float = 10.0
    head_bytes: int = 1 << 20
    header_lines: int = 4096
    connections: int = 4096


class _Connection(web.RequestHandler):
    """The framework's connection, with the words of Go's server for what is no request."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        # The framework's own message would repeat a part of what was sent.
        code = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if isinstance(exc, LineTooLong) else HTTPStatus(status)
        return super().handle_error(request, code.value, exc, f"{code.value} {code.phrase}")


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
        self._deadlines: dict[Any, asyncio.TimerHandle] = {}
        self._chains: dict[Any, tuple[bytes, ...]] = {}
        self._closed = False

    def __call__(self) -> _Connection:
        return _Connection(self, loop=asyncio.get_running_loop(), **self._kwargs)

    def close(self) -> None:
        """Take no new connection; those that still shake hands are cut off when they are done."""
        self._closed = True

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if self._closed or len(self._deadlines) >= self._limits.connections:
            transport.abort()
            return
        ssl_object = transport.get_extra_info("ssl_object")
        self._chains[handler] = peer_chain(ssl_object) if ssl_object else ()
        self._arm(handler, transport, self._limits.head_timeout)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._chains.pop(handler, None)
        deadline = self._deadlines.pop(handler, None)
        if deadline:
            deadline.cancel()

    def _arm(self, handler: Any, transport: asyncio.Transport | None, seconds: float) -> None:
        """Cut a connection off in so many seconds, and not when it was to be before."""
        self._disarm(handler)
        if transport is not None and handler in self._chains:
            self._deadlines[handler] = asyncio.get_running_loop().call_later(seconds, transport.abort)

    def _disarm(self, handler: Any) -> None:
        deadline = self._deadlines.get(handler)
        if deadline:
            deadline.cancel()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        connection, transport = request.protocol, request.transport
        self._disarm(connection)
        try:
            answer = await self._handler(_request_of(request, self._chains.get(connection, ())))
            self._arm(connection, transport, self._limits.idle_timeout)  # so long it may take its answer
            return await _send(request, answer)
        finally:
            self._arm(connection, transport, self._limits.idle_timeout)


def _request_of(request: web.BaseRequest, chain: tuple[bytes, ...]) -> Request:
    raw_path, _, query = request.path_qs.partition("?")
    return Request(
        method=request.method,
        path=unquote(raw_path),
        raw_path=raw_path,
        query=query,
        headers=Headers(request.headers.items()),
        peer_chain=chain,
        remote=request.remote or "",
    )


async def _send(request: web.BaseRequest, answer: Response) -> web.StreamResponse:
    """Write an answer in pieces, each waiting for the caller to take the one before."""
    size = sum(map(len, answer.chunks))
    headers = list(answer.headers)
    if answer.content_type:
        headers.append(("Content-Type", answer.content_type))
    if size <= _WHOLE:
        small = web.Response(status=answer.status, body=answer.body or None)
        _set_headers(small, headers)
        return small
    response = web.StreamResponse(status=answer.status)
    _set_headers(response, headers)
    response.content_length = size
    await response.prepare(request)
    if request.method != "HEAD":
        for piece in _pieces(answer.chunks):
            await response.write(piece)
    await response.write_eof()
    return response


def _set_headers(response: web.StreamResponse, headers: list[tuple[str, str]]) -> None:
    response.headers.popall("Content-Type", None)
    response.headers["Server"] = "kubevitals"  # else the framework names itself and the interpreter, with versions
    for name, value in headers:
        response.headers.add(name, value)


def _pieces(chunks: list[bytes]) -> list[bytes]:
    """Join small chunks to pieces of about 256 KiB, so that neither one write per item nor one huge body is made."""
    pieces: list[bytes] = []
    gathered: list[bytes] = []
    size = 0
    for chunk in chunks:
        gathered.append(chunk)
        size += len(chunk)
        if size >= _PIECE:
            pieces.append(b"".join(gathered))
            gathered, size = [], 0
    if gathered:
        pieces.append(b"".join(gathered))
    return pieces


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

    async def stop(self, grace: float) -> None:
        """Accept nothing more, let requests in flight end within ``grace`` seconds, then close every connection."""
        self._web.close()
        if self._server is not None:
            # asyncio loses connections that were accepted a moment before their server is closed.
            asyncio.get_running_loop().remove_reader(self._sock)
            await asyncio.sleep(0)
            self._server.close()
        self._web.pre_shutdown()
        await self._web.shutdown(grace)

    def abort(self) -> None:
        """Close the socket and every connection at once; does nothing after ``stop``."""
        self._web.close()
        if self._server is None:
            self._sock.close()
        else:
            self._server.close()
        for connection in self._web.connections:
            if connection.transport is not None:
                connection.transport.abort()


def listen(address: str, port: int, *, share_port: bool = False) -> socket.socket:
    """Bind a listening socket; an unspecified IPv4 address takes IPv6 callers too where the host has IPv6.

    Raises:
        ConfigError: the address cannot be bound; names address, port, cause and remedy.
    """
    dual = address in ("", "0.0.0.0", "::") and socket.has_dualstack_ipv6()  # noqa: S104 - the flag's own default
    family = socket.AF_INET6 if dual or ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        sock.bind(("::" if dual else address, port))
        sock.listen(1024)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise ConfigError(_bind_problem(address, port, error)) from error
    return sock


def _bind_problem(address: str, port: int, error: OSError) -> str:
    where = f"cannot listen on {address or '*'}:{port}: {error.strerror or error}"
    if error.errno == 98:
        return f"{where}; something on this host holds the port (a kubelet holds 10250): set --secure-port"
    if error.errno == 13:
        return f"{where}; ports below 1024 need a privilege: set --secure-port to a higher one, such as 10250"
    return where
