"""Requests to the API server. The only file of this package that knows the HTTP library."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit

import aiohttp
from yarl import URL

from kubevitals import logs
from kubevitals.errors import ApiStatusError, ApiUnreachable, ConfigError
from kubevitals.kube.config import ClusterConfig
from kubevitals.kube.lines import ChunkStream, LineStream
from kubevitals.kube.status import refusal
from kubevitals.kube.unreachable import explain
from kubevitals.tls import ReloadingContext

_log = logs.get(__name__)

JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"
LONGEST_LINE = 8 * 1024 * 1024
_LONGEST_REFUSAL = 64 * 1024
_CONNECT_SECONDS = 10.0

Params = Sequence[tuple[str, str]]
Header = list[tuple[str, str]]  # empty when there is none
Count = Callable[[str, str, str], None]
Timed = Callable[[str, str, float], None]


@dataclass(frozen=True, slots=True)
class _Ask:
    """One request, ready to be sent any number of times."""

    method: str
    url: URL
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    timeout: aiohttp.ClientTimeout


class ApiClient:
    """A bounded pool of connections to one API server, under one identity; an async context manager.

    Certificate authority, client certificate and token are those of the moment: each request uses what
    ``config`` says then, and a 401 makes it renew its credentials and ask once more. No redirect is
    followed, no cookie kept, and no proxy taken from the environment.

    Args:
        config: where and who.
        user_agent: how to introduce ourselves.
        connections: the most at one time.
        timeout: seconds for a whole request, unless it says otherwise.
        count: called with status code (``<error>`` without an answer), method and host of every request.
        timed: called with method, host and seconds of every request that is no stream, answered or not.

    All requests raise:
        ApiStatusError: the API server refused.
        ApiUnreachable: it gave no answer, or the credentials for asking cannot be had.
    """

    def __init__(
        self,
        config: ClusterConfig,
        *,
        user_agent: str = "kubevitals",
        connections: int = 64,
        timeout: float = 30.0,
        count: Count = lambda code, method, host: None,
        timed: Timed = lambda method, host, seconds: None,
    ) -> None:
        self.config = config
        self._user_agent = user_agent
        self._connections = connections
        self._timeout = timeout
        self._count = count
        self._timed = timed
        self._host = urlsplit(config.server).netloc
        self._tls = ReloadingContext(
            lambda: config.ca_pem, config.credentials.client_certificate, insecure=config.insecure
        )
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the pool; connections are made when they are needed."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, socket_factory=_watchful_socket),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, path: str, params: Params = (), *, accept: str = JSON, timeout: float | None = None) -> bytes:
        """Return the body of a GET; ``timeout`` in seconds covers all of it."""
        return await self._body(self._ask("GET", path, params, accept, self._total(timeout)))

    async def clock(self, path: str = "/version") -> float | None:
        """Return the API server's clock in seconds since the epoch, to the second: the Date header of a GET."""
        ask = self._ask("GET", path, (), JSON, self._total(None))
        with self._timing(ask), contextlib.closing(await self._opened(ask)) as response:
            return _epoch(response.headers.get("Date", ""))

    async def post(self, path: str, body: bytes, *, accept: str = JSON, timeout: float | None = None) -> bytes:
        """Send JSON and return the answer's body.

        A request whose connection died is sent once more: what is posted are reviews, which change nothing, and
        Events, which may be there twice.
        """
        return await self._body(self._ask("POST", path, (), accept, self._total(timeout), (JSON, body)))

    async def patch(self, path: str, change: bytes, *, timeout: float | None = None) -> bytes:
        """Merge a change in JSON (RFC 7386) into an object, and return the object as it is then.

        With a ``resourceVersion`` in it, the API server refuses it with 409 when the object has changed since. A
        request whose connection died is sent once more.
        """
        return await self._body(self._ask("PATCH", path, (), JSON, self._total(timeout), (_MERGE_PATCH, change)))

    async def put(self, path: str, item: bytes, *, timeout: float | None = None) -> bytes:
        """Replace an object, given in JSON, and return it as it is then.

        With a ``resourceVersion`` in it, the API server refuses it with 409 when the object has changed since. A
        request whose connection died is sent once more, and is such a change itself if it had arrived.
        """
        return await self._body(self._ask("PUT", path, (), JSON, self._total(timeout), (JSON, item)))

    @contextlib.asynccontextmanager
    async def chunks(
        self, path: str, params: Params = (), *, accept: str = JSON, timeout: float | None = None
    ) -> AsyncIterator[ChunkStream]:
        """Open a GET whose body is read piece by piece, so that a large one never lies in memory whole."""
        ask = self._ask("GET", path, params, accept, self._total(timeout))
        with self._timing(ask), contextlib.closing(await self._opened(ask)) as response:
            yield ChunkStream(functools.partial(self._chunk, response))

    @contextlib.asynccontextmanager
    async def lines(
        self, path: str, params: Params = (), *, accept: str = JSON, idle: float = 180.0
    ) -> AsyncIterator[LineStream]:
        """Open a stream of lines, such as a watch; on entry the API server has agreed to it.

        Args:
            path: the resource.
            params: the query.
            accept: the Accept header.
            idle: seconds without a byte after which the stream ends quietly: the connection may be dead
                without either side having been told, and asking anew costs little.
        """
        timeout = aiohttp.ClientTimeout(
            total=None, connect=self._timeout, sock_connect=_CONNECT_SECONDS, sock_read=idle
        )
        response = await self._opened(self._ask("GET", path, params, accept, timeout))
        with contextlib.closing(response):
            yield LineStream(functools.partial(self._line_chunk, response), LONGEST_LINE)

    async def _chunk(self, response: aiohttp.ClientResponse) -> bytes:
        with _translated(self.config.server):
            return await response.content.readany()

    async def _line_chunk(self, response: aiohttp.ClientResponse) -> bytes:
        try:
            return await self._chunk(response)
        except ApiUnreachable as error:
            if not isinstance(error.__cause__, TimeoutError):
                raise
        _log.v(2, "A stream has been silent for too long", host=self._host)
        return b""

    def _ask(
        self,
        method: str,
        path: str,
        params: Params,
        accept: str,
        timeout: aiohttp.ClientTimeout,
        content: tuple[str, bytes] | None = None,
    ) -> _Ask:
        query = f"?{urlencode(params)}" if params else ""
        headers = [("Accept", accept), ("User-Agent", self._user_agent), *self.config.impersonate]
        content_type, body = content or ("", None)
        if body is not None:
            headers.append(("Content-Type", content_type))
        if timeout.total is None:
            headers.append(("Accept-Encoding", "identity"))  # a compressor may hold lines back
        url = URL(f"{self.config.server}{path}{query}", encoded=True)
        return _Ask(method, url, tuple(headers), body, timeout)

    def _total(self, timeout: float | None) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=timeout or self._timeout, sock_connect=_CONNECT_SECONDS)

    async def _body(self, ask: _Ask) -> bytes:
        with (
            self._timing(ask),
            contextlib.closing(await self._opened(ask)) as response,
            _translated(self.config.server),
        ):
            return await response.read()

    @contextlib.contextmanager
    def _timing(self, ask: _Ask) -> Iterator[None]:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            yield
        finally:
            self._timed(ask.method, self._host, clock() - began)

    async def _opened(self, ask: _Ask) -> aiohttp.ClientResponse:
        """Return the head of a good answer, with its body still to come."""
        shown = await self._authorization()
        response = await self._answer(ask, shown)
        if response.status == 401 and await self._renewed(shown):
            response.close()
            response = await self._answer(ask, await self._authorization())
        if response.status < 300:
            return response
        with contextlib.closing(response):
            raise await self._refusal(response)

    async def _answer(self, ask: _Ask, authorization: Header) -> aiohttp.ClientResponse:
        headers = [*ask.headers, *authorization]
        tls = self._context()
        try:
            with _translated(self.config.server):
                response = await self._send(ask, headers, tls)
        except ApiUnreachable:
            self._count("<error>", ask.method, self._host)
            raise
        self._count(str(response.status), ask.method, self._host)
        return response

    async def _send(
        self, ask: _Ask, headers: Sequence[tuple[str, str]], tls: ssl.SSLContext | bool, *, again: bool = True
    ) -> aiohttp.ClientResponse:
        assert self._session is not None, "use the client as a context manager"
        try:
            return await self._session.request(
                ask.method,
                ask.url,
                headers=headers,
                data=ask.body,
                timeout=ask.timeout,
                ssl=tls,
                server_hostname=self.config.server_name or None,
                proxy=self.config.proxy or None,
                allow_redirects=False,
            )
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            # The API server closed a kept connection as we took it. GETs are repeated by the library itself.
            if not again or ask.method == "GET":
                raise
        return await self._send(ask, headers, tls, again=False)

    async def _authorization(self) -> Header:
        try:
            value = await self.config.credentials.authorization()
        except ConfigError as error:
            raise ApiUnreachable(f"no credentials for the API server at {self.config.server}: {error}") from error
        return [("Authorization", value)] if value else []

    def _context(self) -> ssl.SSLContext | bool:
        if self.config.server.startswith("http:"):
            return True
        try:
            return self._tls.current()
        except ConfigError as error:
            raise ApiUnreachable(f"cannot reach the API server at {self.config.server}: {error}") from error

    async def _renewed(self, shown: Header) -> bool:
        """Tell whether there is more to show than what was refused; another request may have found it already."""
        if await self._authorization() != shown:
            return True
        try:
            return await self.config.credentials.refresh()
        except ConfigError as error:
            _log.warning("Cannot renew credentials", reason=str(error))
            return False

    async def _refusal(self, response: aiohttp.ClientResponse) -> ApiStatusError:
        body = b""
        with _translated(self.config.server):
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _LONGEST_REFUSAL:
                    break
        return refusal(response.status, body, response.headers.get("Retry-After", ""))


def _epoch(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


@contextlib.contextmanager
def _translated(server: str) -> Iterator[None]:
    """Turn errors of library, sockets and TLS into ApiUnreachable, with the root cause as ``__cause__``."""
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        cause = _root(error)
        raise ApiUnreachable(explain(cause, server)) from cause


def _root(error: Exception) -> Exception:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return error.certificate_error
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return OSError(f"the proxy answered {error.status}")
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return ConnectionResetError(str(error))
    return error


def _watchful_socket(address: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
    """Make a socket that notices a peer which vanished without a word, such as a machine that lost power."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", 30),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 60_000),
    ):
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made
