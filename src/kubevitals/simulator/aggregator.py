"""The aggregation layer: checks the servers behind APIServices, and forwards what is asked of them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import aiohttp
import msgspec
from aiohttp import web
from yarl import URL

from kubevitals import logs
from kubevitals.model import User
from kubevitals.simulator import discovery, pki
from kubevitals.simulator.backend import (
    UNAVAILABLE,
    Backend,
    api_services,
    available,
    backend_of,
    forwarded_query,
    identity_headers,
    request_headers,
    response_headers,
    with_condition,
)
from kubevitals.simulator.kinds import API_SERVICES, Object
from kubevitals.simulator.rbac import MASTERS
from kubevitals.simulator.registry import Registry

_AGGREGATOR = User("system:kube-aggregator", (MASTERS,))
_OPENAPI = User("system:aggregator")
_CHECK_TIMEOUT = 5.0
_RETRY_FIRST, _RETRY_LAST = 0.05, 2.0
_NO_DEFAULTS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError)
_LOG = logs.get(__name__)


@dataclass(slots=True)
class _Documents:
    """What one group's server says about itself, and the ETag it said it with."""

    etag: str = ""
    group: Object | None = None


class Aggregator:
    """Speaks to aggregated servers as the front proxy.

    Args:
        registry: where the APIServices and Services are.
        now: the wall clock.
        interval: seconds between availability checks of a server that is available.
    """

    def __init__(self, registry: Registry, *, now: Callable[[], float], interval: float = 30.0) -> None:
        self._registry = registry
        self._now = now
        self._interval = interval
        self._pair: pki.KeyPair | None = None
        self._contexts: dict[bytes, ssl.SSLContext] = {}
        self._documents: dict[str, _Documents] = {}
        self._wanted = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None

    def present(self, pair: pki.KeyPair) -> None:
        """Use this front-proxy client certificate from now on."""
        self._pair = pair
        self._contexts.clear()
        self._wanted.set()

    def check_soon(self) -> None:
        """Check the servers now rather than when their turn comes."""
        self._wanted.set()

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        """Hold the connections to aggregated servers."""
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CHECK_TIMEOUT)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, skip_auto_headers=_NO_DEFAULTS
        ) as self._session:
            yield

    # --- availability ---------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Check every server again and again; one that is down is tried again soon."""
        retry = _RETRY_FIRST
        while True:
            self._wanted.clear()
            healthy = await self.check()
            wait, retry = (self._interval, _RETRY_FIRST) if healthy else (retry, min(2 * retry, _RETRY_LAST))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wanted.wait()

    async def check(self) -> bool:
        """Check every server once, set the conditions, read what they serve; True when all are available."""
        healthy = True
        for item in api_services(self._registry):
            problem = await self._problem(item)
            self._conclude(item["metadata"]["name"], problem)
            healthy = healthy and not problem
        for group in {item["spec"]["group"] for item in api_services(self._registry)}:
            await self._learn(group)
        return healthy

    async def _problem(self, api_service: Object) -> str:
        backend = backend_of(self._registry, api_service)
        if backend is None:
            return "service not found"
        url = backend.url + backend.path
        prefix = f"failing or missing response from {url}"
        try:
            # The check does not verify the server's certificate: it asks whether it answers, not who it is.
            async with (
                asyncio.timeout(_CHECK_TIMEOUT),
                self._get(backend._replace(ca=b""), backend.path, _AGGREGATOR) as answer,
            ):
                return "" if 200 <= answer.status < 300 else f"{prefix}: bad status: {answer.status}"
        except _FAILURES as error:
            return f"{prefix}: {str(error) or type(error).__name__}"

    def _conclude(self, name: str, problem: str) -> None:
        current = self._registry[API_SERVICES].get(f"/{name}")
        if current is None:  # deleted while it was checked
            return
        changed = with_condition(current, problem, self._now())
        if changed is not None:
            self._registry.update(API_SERVICES, changed)
            _LOG.v(2, "APIService availability changed", name=name, available=not problem, problem=problem)

    # --- discovery ------------------------------------------------------------------------------------------

    def legacy_groups(self) -> list[Object]:
        """Return the groups of aggregated servers for the legacy list."""
        versions: dict[str, list[str]] = {}
        for item in api_services(self._registry):
            versions.setdefault(item["spec"]["group"], []).append(item["spec"]["version"])
        return [discovery.api_group(group, found) for group, found in versions.items()]

    def groups(self) -> list[Object]:
        """Return the groups of aggregated servers for aggregated discovery; what does not answer is stale."""
        found: dict[str, list[Object]] = {}
        for item in api_services(self._registry):
            group, version = item["spec"]["group"], item["spec"]["version"]
            document = self._version_document(group, version) if available(item) else None
            found.setdefault(group, []).append(document or discovery.stale(version))
        return [discovery.aggregated_group(group, versions) for group, versions in found.items()]

    def _version_document(self, group: str, version: str) -> Object | None:
        known = self._documents.get(group)
        versions = known.group["versions"] if known and known.group else ()
        return next((found for found in versions if found["version"] == version), None)

    async def _learn(self, group: str) -> None:
        """Read a group's aggregated discovery, or its legacy documents where there is none."""
        backends = [found for found in self._backends() if found.group == group]
        if not backends:
            self._documents.pop(group, None)
            return
        documents = self._documents.setdefault(group, _Documents())
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT):
                if not await self._learn_aggregated(backends[0], documents):
                    documents.etag, documents.group = "", await self._learn_legacy(backends)
        except (*_FAILURES, msgspec.DecodeError, KeyError, TypeError) as error:
            _LOG.v(2, "Discovery of an aggregated server failed", group=group, problem=error)

    def _backends(self) -> list[Backend]:
        """Return the servers that are available."""
        found = (backend_of(self._registry, s) for s in api_services(self._registry) if available(s))
        return [backend for backend in found if backend is not None]

    async def _learn_aggregated(self, backend: Backend, documents: _Documents) -> bool:
        accept = ",".join(discovery.media_type(version) for version in ("v2", "v2beta1"))
        headers = {"Accept": accept} | ({"If-None-Match": documents.etag} if documents.etag else {})
        async with self._get(backend, "/apis", _AGGREGATOR, headers) as answer:
            if answer.status == 304:
                return True
            kind = answer.headers.get("Content-Type", "")
            if answer.status != 200 or "as=APIGroupDiscoveryList" not in kind:
                return False
            items = msgspec.json.decode(await answer.read())["items"]
            documents.group = next((item for item in items if item["metadata"]["name"] == backend.group), None)
            documents.etag = answer.headers.get("ETag", "")
        return True

    async def _learn_legacy(self, backends: list[Backend]) -> Object:
        versions = []
        for backend in backends:
            nobody = User(_AGGREGATOR.name)
            async with self._get(backend, backend.path, nobody, {"Accept": "application/json"}) as answer:
                document = msgspec.json.decode(await answer.read()) if answer.status == 200 else {}
            versions.append(discovery.from_resource_list(backend.version, document))
        return discovery.aggregated_group(backends[0].group, versions)

    async def openapi_paths(self) -> Object:
        """Return the entries that aggregated servers add to the root of OpenAPI v3."""
        found: Object = {}
        for group in {backend.group: backend for backend in self._backends()}.values():
            try:
                async with (
                    asyncio.timeout(_CHECK_TIMEOUT),
                    self._get(group, "/openapi/v3", _OPENAPI) as answer,
                ):
                    if answer.status == 200:
                        found |= msgspec.json.decode(await answer.read())["paths"]
            except (*_FAILURES, msgspec.DecodeError, KeyError) as error:
                _LOG.v(2, "OpenAPI of an aggregated server failed", group=group.group, problem=error)
        return found

    # --- forwarding -----------------------------------------------------------------------------------------

    def backend(self, group: str, version: str) -> tuple[Backend | None, bool]:
        """Return the server of a group's version, and whether an APIService names one at all."""
        for item in api_services(self._registry):
            if (item["spec"]["group"], item["spec"]["version"]) == (group, version):
                return (backend_of(self._registry, item) if available(item) else None), True
        return None, False

    async def forward(self, request: web.BaseRequest, backend: Backend | None, user: User) -> web.StreamResponse:
        """Hand a request to a server and its answer back, piece by piece; 503 when there is no server."""
        if backend is None:
            return web.Response(status=503, text=UNAVAILABLE + "\n")
        url = URL(backend.url + request.rel_url.raw_path, encoded=True)
        query = forwarded_query(request.rel_url.raw_query_string)
        headers = request_headers(request.headers.items(), user, request.remote or "")
        body = await request.read() if request.can_read_body else None
        response = web.StreamResponse()
        try:
            async with self._open(request.method, backend, url, query, headers, body) as answer:
                await _hand_back(request, answer, response)
        except _FAILURES as error:
            self.check_soon()
            if response.prepared:  # too late for another answer: cut it off, so that nobody takes it for whole
                response.force_close()
                _abort(request)
                return response
            return web.Response(status=503, text=f"error trying to reach service: {error}\n")
        return response

    def _get(
        self, backend: Backend, path: str, user: User, headers: dict[str, str] | None = None
    ) -> contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]:
        lines = [*(headers or {}).items(), *identity_headers(user)]
        return self._open("GET", backend, URL(backend.url + path, encoded=True), "", lines, None)

    def _open(
        self,
        method: str,
        backend: Backend,
        url: URL,
        query: str,
        headers: list[tuple[str, str]],
        body: bytes | None,
    ) -> contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]:
        assert self._session is not None, "used outside of its session"
        return self._session.request(
            method,
            URL(f"{url}?{query}", encoded=True) if query else url,
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


async def _hand_back(request: web.BaseRequest, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
    response.set_status(answer.status, answer.reason)
    for name, value in response_headers(answer.headers.items()):
        response.headers.add(name, value)
    await response.prepare(request)
    if request.method != "HEAD":
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
    await response.write_eof()


def _abort(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()
