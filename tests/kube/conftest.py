"""A scripted API server on loopback, certificates, and a clock that tests set."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trustme
from aiohttp import web

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Clock:
    """Seconds since the epoch, as the test says."""

    def __init__(self, at: float = 1_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@dataclass
class ScriptedServer:
    """Answers each request with the next handler; the last one answers all that follow."""

    handlers: list[Handler]
    url: str = ""
    requests: list[web.BaseRequest] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    peers: list[object] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        self.peers.append(request.transport.get_extra_info("peercert") if request.transport else None)
        handler = self.handlers[0] if len(self.handlers) == 1 else self.handlers.pop(0)
        return await handler(request)


@asynccontextmanager
async def serving(
    *handlers: Handler, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[ScriptedServer]:
    script = ScriptedServer(list(handlers))
    runner = web.ServerRunner(web.Server(script.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls)
    await site.start()
    script.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield script
    finally:
        await runner.cleanup()


def text(body: str | bytes, status: int = 200, **headers: str) -> Handler:
    """A handler that answers with a body; underscores in header names stand for hyphens."""

    async def handle(_: web.BaseRequest) -> web.StreamResponse:
        raw = body if isinstance(body, bytes) else body.encode()
        return web.Response(
            body=raw,
            status=status,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    return handle


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server context for 127.0.0.1 and kubernetes.default that asks for a client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "kubernetes.default").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


@pytest.fixture
def serve() -> Callable[..., object]:
    return serving


@pytest.fixture
def answer() -> Callable[..., Handler]:
    return text


@pytest.fixture
def client_pair(authority: trustme.CA) -> tuple[bytes, bytes]:
    """A client certificate and its key in PEM."""
    issued = authority.issue_cert(common_name="jane")
    return b"".join(blob.bytes() for blob in issued.cert_chain_pems), issued.private_key_pem.bytes()
