"""Asks kubelets: one kept connection per node, one response per call, every failure a ScrapeError."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Literal, NamedTuple, Self, TypeAlias

from kubevitals import __version__
from kubevitals.errors import KubevitalsError, ScrapeError
from kubevitals.scraper import certificate, http1
from kubevitals.scraper.causes import failure
from kubevitals.scraper.certificate import Certificate
from kubevitals.scraper.connection import BUFFER, Connection, Progress, connect
from kubevitals.scraper.diagnosis import explain, refusal
from kubevitals.scraper.pace import Pace
from kubevitals.scraper.target import Target, authority, certificate_name
from kubevitals.tls.client import client_context

USER_AGENT: Final = f"kubevitals/{__version__}"
_LOOK: Final = 3.0  # seconds for a look at a certificate that was refused
_LOOK_EVERY: Final = 300.0  # seconds between two looks at one node's

ServerName: TypeAlias = Literal["", "node-name"]
"""Which name a certificate must carry: the dialled address, or the node's name."""


class Reply(NamedTuple):
    """What a kubelet served with status 200: ``requested_ms`` is when the request was sent."""

    body: bytes
    content_type: str
    requested_ms: int


class _Endpoint(NamedTuple):
    """What a connection is opened for: one of equal endpoint may be used again."""

    address: str
    port: int
    server_name: str = ""
    context: ssl.SSLContext | None = None

    def secure(self, sock: socket.socket) -> socket.socket:
        """Return the TLS socket that takes over from a connected one, or the same one for plain http."""
        if self.context is None:
            return sock
        return self.context.wrap_socket(sock, server_hostname=self.server_name, do_handshake_on_connect=False)


async def _no_authorization() -> None:
    return None


async def _nothing_new() -> bool:
    return False


class KubeletClient:
    """Fetches ``/metrics/resource`` from kubelets.

    The token goes only to addresses of nodes, over TLS: redirects are refused, proxies are not used, and
    plain http sends none. An async context manager, which closes the connections it kept.

    Args:
        context: called for every request; must return the same object until something changed. A connection
            made with another context is replaced, so that a CA or a client certificate that was taken away is
            no longer used.
        authorization: the value of the Authorization header, None for none; asked before every request.
        refreshed: called after a 401; True when asking again may help, because the credentials changed.
        now: the time, in seconds since the epoch.
        timeout: seconds for one request, everything included.
        tls_server_name: which name the certificate must carry.
        judge: called with a node and the certificate that it proved to have, before anything is sent; returns why it
            is refused, None when it is not. Without it the context alone decides.
        body_limit: largest body accepted, in bytes after decompression.

    Attributes:
        certificates: what each node showed last, by its name; of a refused one, too.
    """

    def __init__(
        self,
        *,
        context: Callable[[], ssl.SSLContext],
        now: Callable[[], float],
        timeout: float,
        authorization: Callable[[], Awaitable[str | None]] = _no_authorization,
        refreshed: Callable[[], Awaitable[bool]] = _nothing_new,
        tls_server_name: ServerName = "",
        judge: Callable[[str, Certificate], ScrapeError | None] | None = None,
        body_limit: int = http1.BODY_LIMIT,
    ) -> None:
        self._context = context
        self._now = now
        self._timeout = timeout
        self._authorization = authorization
        self._refreshed = refreshed
        self._tls_server_name = tls_server_name
        self._judge = judge
        self._body_limit = body_limit
        self.certificates: dict[str, Certificate] = {}
        self._stranger: ssl.SSLContext | None = None  # with which a refused certificate is looked at
        self._looked: dict[str, float] = {}  # when, by node
        self._kept: dict[str, Connection] = {}
        self._buffer = bytearray(BUFFER)
        self._handshakes = Pace(burst=0.0)
        self._closed = False

    def __repr__(self) -> str:
        return f"<KubeletClient {len(self._kept)} connections{', closed' if self._closed else ''}>"

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every kept connection; one in use is closed by the request that holds it."""
        self._closed = True
        for node in list(self._kept):
            self.forget(node)

    @property
    def connections(self) -> int:
        """How many idle connections are kept."""
        return len(self._kept)

    def forget(self, node: str) -> None:
        """Close the connection kept for a node, if there is one."""
        connection = self._kept.pop(node, None)
        if connection is not None:
            connection.close()
        self.certificates.pop(node, None)
        self._looked.pop(node, None)

    async def fetch(
        self,
        target: Target,
        address: str,
        *,
        timeout: float | None = None,
        connect_timeout: float | None = None,
    ) -> Reply:
        """Ask one kubelet and return its metrics.

        Args:
            target: port, path and scheme.
            address: which of the target's addresses to dial.
            timeout: seconds, when less than the client's own.
            connect_timeout: seconds until the TCP connection must stand, None for no bound of its own.

        Raises:
            ScrapeError: whatever came between, with cause and remedy.
        """
        progress = Progress()
        try:
            async with asyncio.timeout(self._timeout if timeout is None else timeout):
                return await self._fetch(target, address, connect_timeout, progress)
        except (OSError, UnicodeError) as error:
            raise explain(error, progress.stage) from error

    async def _fetch(self, target: Target, address: str, connect_timeout: float | None, progress: Progress) -> Reply:
        shown = await self._credentials(target)
        requested, answer = await self._exchange(target, address, shown, connect_timeout, progress)
        if answer.status == 401 and target.scheme == "https" and await self._renewed(target, shown, progress):
            shown = await self._credentials(target)
            requested, answer = await self._exchange(target, address, shown, connect_timeout, progress)
        if answer.status != 200:
            raise refusal(answer)
        return Reply(answer.body, answer.headers.get("content-type", ""), requested)

    async def _exchange(
        self, target: Target, address: str, authorization: str, connect_timeout: float | None, progress: Progress
    ) -> tuple[int, http1.Answer]:
        host = authority(address, target.port)
        request = http1.get_request(target.path, host, user_agent=USER_AGENT, authorization=authorization)
        wanted = self._endpoint(target, address)
        kept = self._take(target.node, wanted)
        if kept is not None:
            try:
                return await self._ask(target.node, kept, request, progress)
            except (OSError, ScrapeError):
                if progress.heard:  # otherwise the kubelet hung up while it idled: ask once more
                    raise
        fresh = await self._trusted(target.node, wanted, connect_timeout, progress)
        return await self._ask(target.node, fresh, request, progress)

    async def _renewed(self, target: Target, shown: str, progress: Progress) -> bool:
        """Tell whether there is more to show than what was refused; another scrape may have found it already."""
        progress.stage = "credentials"
        try:
            return await self._credentials(target) != shown or await self._refreshed()
        except KubevitalsError as error:
            raise failure("credentials", str(error)) from error

    async def _credentials(self, target: Target) -> str:
        """Return the Authorization header, empty for none; plain http shows none."""
        if target.scheme != "https":
            return ""
        try:
            return await self._authorization() or ""
        except KubevitalsError as error:
            raise failure("credentials", str(error)) from error

    def _endpoint(self, target: Target, address: str) -> _Endpoint:
        if target.scheme != "https":
            return _Endpoint(address, target.port)
        name = target.node if self._tls_server_name == "node-name" else certificate_name(address)
        return _Endpoint(address, target.port, name, self._context())

    def _take(self, node: str, wanted: _Endpoint) -> Connection | None:
        """Return the kept connection; while it is in use, nobody else can take it."""
        connection = self._kept.pop(node, None)
        if connection is not None and connection.purpose != wanted:
            connection.close()
            return None
        return connection

    async def _trusted(
        self, node: str, wanted: _Endpoint, connect_timeout: float | None, progress: Progress
    ) -> Connection:
        """Open a connection to a node whose certificate is the right one; nothing has been sent over it yet."""
        try:
            connection = await self._open(wanted, connect_timeout, progress)
        except ssl.SSLCertVerificationError as error:
            raise await self._explained(node, wanted, error) from error
        if wanted.context is not None and (refused := self._refusal(node, connection.certificate())):
            connection.close()
            raise refused
        return connection

    def _refusal(self, node: str, der: bytes) -> ScrapeError | None:
        """Take a note of a node's certificate; return why it is refused although the context accepted it."""
        shown = certificate.read(der)
        if shown is not None:
            self.certificates[node] = shown
        if self._judge is None:
            return None
        return self._judge(node, shown) if shown else failure("bad_cert", "the certificate cannot be read")

    async def _explained(self, node: str, wanted: _Endpoint, error: ssl.SSLCertVerificationError) -> ScrapeError:
        """Return why a certificate was refused, with what it says: OpenSSL tells the first of its faults, and no more.

        For this it is looked at over a connection of its own, over which nothing is sent; not in every cycle.
        """
        refused = explain(error, "tls")
        now = asyncio.get_running_loop().time()
        if self._looked.get(node, -_LOOK_EVERY) + _LOOK_EVERY <= now:
            self._looked[node] = now
            try:
                async with asyncio.timeout(_LOOK):
                    found = certificate.read(await self._look(wanted))
            except (OSError, ScrapeError):
                found = None
            if found is not None:
                self.certificates[node] = found
        shown = self.certificates.get(node)
        if shown is None:
            return refused
        unnamed = "" if shown.is_for(wanted.server_name) else f", and not for {wanted.server_name}"
        return failure(refused.cause, f"{refused.detail}: {shown}{unnamed}", refused.remedy)

    async def _look(self, wanted: _Endpoint) -> bytes:
        if self._stranger is None:
            self._stranger = client_context(None, insecure=True)
        connection = await self._open(wanted._replace(context=self._stranger), None, Progress())
        try:
            return connection.certificate()
        finally:
            connection.close()

    async def _open(self, wanted: _Endpoint, connect_timeout: float | None, progress: Progress) -> Connection:
        async with asyncio.timeout(connect_timeout):
            sock = await connect(wanted.address, wanted.port, progress)
        connection = None
        try:
            connection = Connection(wanted.secure(sock), wanted)
            progress.stage = "tls"
            await connection.handshake(self._handshakes)
        except BaseException:
            sock.close()  # without effect once the TLS socket has taken over
            if connection is not None:
                connection.close()
            raise
        return connection

    async def _ask(
        self, node: str, connection: Connection, request: bytes, progress: Progress
    ) -> tuple[int, http1.Answer]:
        """Return when the request was sent and the response; keep the connection if it may be used again."""
        reusable = False
        try:
            requested_ms = int(self._now() * 1000)
            answer = await connection.ask(request, self._buffer, progress, body_limit=self._body_limit)
            reusable = answer.reusable
        finally:
            if reusable and not self._closed and node not in self._kept:
                self._kept[node] = connection
            else:
                connection.close()
        return requested_ms, answer
