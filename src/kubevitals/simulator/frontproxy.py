"""How the API server speaks to aggregated servers: as the front proxy, for whoever asked."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator

import aiohttp
from yarl import URL

from kubevitals.model import User
from kubevitals.simulator import outbound, pki
from kubevitals.simulator.backend import Backend, identity_headers


class FrontProxy:
    """Sends requests with the front proxy's client certificate."""

    def __init__(self) -> None:
        self._pair: pki.KeyPair | None = None
        self._contexts: dict[bytes, ssl.SSLContext] = {}
        self._session: aiohttp.ClientSession | None = None

    def present(self, pair: pki.KeyPair) -> None:
        """Use this client certificate from now on."""
        self._pair = pair
        self._contexts.clear()

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        """Hold the connections to aggregated servers."""
        async with outbound.session() as self._session:
            yield

    def get(
        self, backend: Backend, path: str, user: User, headers: dict[str, str] | None = None
    ) -> contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Ask a server for a path on behalf of a user."""
        lines = [*(headers or {}).items(), *identity_headers(user)]
        return self.open("GET", backend, URL(backend.url + path, encoded=True), lines)

    def open(
        self,
        method: str,
        backend: Backend,
        url: URL,
        headers: list[tuple[str, str]],
        body: bytes | None = None,
    ) -> contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send a request; its certificate is verified with the server's own authority."""
        assert self._session is not None, "used outside of its session"
        return self._session.request(
            method,
            url,
            headers=headers,
            data=body,
            ssl=self._context(backend.ca),
            server_hostname=backend.server_name,
            allow_redirects=False,
        )

    def _context(self, ca: bytes) -> ssl.SSLContext:
        if ca not in self._contexts:
            self._contexts[ca] = pki.client_context(ca, self._pair)
        return self._contexts[ca]
