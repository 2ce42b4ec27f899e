"""The aggregation layer: checks the servers behind APIServices, and forwards what is asked of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from aiohttp import web
from yarl import URL

from kubevitals import logs
from kubevitals.model import User
from kubevitals.simulator import endpoints, outbound, pki
from kubevitals.simulator.aggregated import AGGREGATOR, AggregatedDiscovery
from kubevitals.simulator.backend import (
    UNAVAILABLE,
    Backend,
    api_services,
    available,
    backend_of,
    forwarded_query,
    request_headers,
    with_condition,
)
from kubevitals.simulator.endpoints import Problem
from kubevitals.simulator.faults import AggregatorFaults
from kubevitals.simulator.frontproxy import FrontProxy
from kubevitals.simulator.kinds import API_SERVICES, ENDPOINT_SLICES, SERVICES, Object
from kubevitals.simulator.registry import Event, Registry

_CHECK_TIMEOUT = 5.0
_RETRY_FIRST, _RETRY_LAST = 0.05, 2.0
_LOG = logs.get(__name__)


class Aggregator:
    """Speaks to aggregated servers as the front proxy.

    Args:
        registry: where the APIServices and Services are.
        now: the wall clock.
        interval: seconds between availability checks of a server that is available.

    Attributes:
        discovery: what the servers say they serve.
        faults: what is to go wrong.
    """

    def __init__(self, registry: Registry, *, now: Callable[[], float], interval: float = 30.0) -> None:
        self._registry = registry
        self._now = now
        self._interval = interval
        self._front_proxy = FrontProxy()
        self._wanted = asyncio.Event()
        self._checking = asyncio.Lock()
        self.discovery = AggregatedDiscovery(registry, self._front_proxy)
        self.faults = AggregatorFaults(self._fault_changed)
        for kind in (SERVICES, ENDPOINT_SLICES):
            registry[kind].listeners.append(self._changed)

    def present(self, pair: pki.KeyPair) -> None:
        """Use this front-proxy client certificate from now on."""
        self._front_proxy.present(pair)
        self._wanted.set()

    def check_soon(self) -> None:
        """Check the servers now rather than when their turn comes."""
        self._wanted.set()

    def session(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Hold the connections to aggregated servers."""
        return self._front_proxy.session()

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
        async with self._checking:  # a check that began before a change must not have the last word
            return await self._check()

    async def _check(self) -> bool:
        healthy = True
        for item in api_services(self._registry):
            problem = await self._problem(item)
            self._conclude(item["metadata"]["name"], problem)
            healthy = healthy and problem is None
        await self.discovery.learn()
        return healthy

    async def _problem(self, api_service: Object) -> Problem | None:
        """Return why a server is not available, in the words of kube-aggregator's availability controller."""
        found = endpoints.problem(self._registry, api_service["spec"]["service"])
        backend = backend_of(self._registry, api_service)
        if found is None and backend is not None:
            found = await self._no_answer(backend)
        return self.faults.problem or found  # asked last: it may have been set meanwhile

    async def _no_answer(self, backend: Backend) -> Problem | None:
        url = backend.url + backend.path
        try:
            # The check does not verify the server's certificate: it asks whether it answers, not who it is.
            async with (
                asyncio.timeout(_CHECK_TIMEOUT),
                self._front_proxy.get(backend._replace(ca=b""), backend.path, AGGREGATOR) as answer,
            ):
                if 200 <= answer.status < 300:
                    return None
                why = f"bad status from {url}: {answer.status}"
        except outbound.FAILURES as error:
            why = f'Get "{url}": {outbound.reason(error, backend.host, backend.port)}'
        return Problem("FailedDiscoveryCheck", f"failing or missing response from {url}: {why}")

    def _conclude(self, name: str, problem: Problem | None) -> None:
        current = self._registry[API_SERVICES].get(f"/{name}")
        if current is None:  # deleted while it was checked
            return
        changed = with_condition(current, problem, self._now())
        if changed is not None:
            self._registry.update(API_SERVICES, changed)
            _LOG.v(2, "APIService availability changed", name=name, available=problem is None, problem=problem)

    def _changed(self, _: Event | None) -> None:
        self.check_soon()

    def _fault_changed(self) -> None:
        if self.faults.problem is not None:
            for item in api_services(self._registry):
                self._conclude(item["metadata"]["name"], self.faults.problem)
        self.check_soon()

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
        query = forwarded_query(request.rel_url.raw_query_string)
        url = backend.url + request.rel_url.raw_path + (f"?{query}" if query else "")
        headers = request_headers(request.headers.items(), user, request.remote or "")
        body = await request.read() if request.can_read_body else None
        response = web.StreamResponse()
        try:
            target = URL(url, encoded=True)
            async with self._front_proxy.open(request.method, backend, target, headers, body) as answer:
                await outbound.hand_back(request, answer, response)
        except outbound.FAILURES as error:
            self.check_soon()
            if response.prepared:
                return outbound.cut_off(request, response)
            why = outbound.reason(error, backend.host, backend.port)
            return web.Response(status=503, text=f"error trying to reach service: {why}\n")
        return response
