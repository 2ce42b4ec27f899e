"""A small cluster on loopback, and clients of it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest
from aiohttp import web

from kubevitals.simulator import pki, templates
from kubevitals.simulator.cluster import Cluster, Plan
from kubevitals.simulator.rbac import MASTERS

PATIENCE = 10


class Caller:
    """Speaks HTTPS to the cluster's API server as one user."""

    def __init__(self, cluster: Cluster, context: ssl.SSLContext, token: str = "") -> None:
        self.url = cluster.api.url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))

    async def close(self) -> None:
        await self._session.close()

    def open(self, path: str, method: str = "GET", **options):
        headers = self._headers | options.pop("headers", {})
        return self._session.request(method, self.url + path, headers=headers, **options)

    async def ask(self, path: str, method: str = "GET", **options) -> tuple[int, dict]:
        """Return the status and the JSON document of an answer."""
        async with asyncio.timeout(PATIENCE), self.open(path, method, **options) as answer:
            return answer.status, msgspec.json.decode(await answer.read())

    async def text(self, path: str, method: str = "GET", **options) -> tuple[int, str]:
        async with asyncio.timeout(PATIENCE), self.open(path, method, **options) as answer:
            return answer.status, await answer.text()

    async def names(self, path: str, **options) -> list[str]:
        """Return the names in a list."""
        status, found = await self.ask(path, **options)
        assert status == 200, found
        return [item["metadata"]["name"] for item in found["items"]]

    @contextlib.asynccontextmanager
    async def watch(self, path: str, **options) -> AsyncIterator[Events]:
        async with self.open(path, **options) as answer:
            assert answer.status == 200, await answer.text()
            yield Events(answer)


class Events:
    """The events of a watch."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self) -> tuple[str, dict]:
        async with asyncio.timeout(PATIENCE):
            line = await self._answer.content.readline()
        event = msgspec.json.decode(line)
        return event["type"], event["object"]

    async def ended(self) -> bool:
        async with asyncio.timeout(PATIENCE):
            return await self._answer.content.readline() == b""


class Backend:
    """A server behind the aggregation layer, which keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[web.BaseRequest] = []
        self.peers: list[str] = []
        self.discovery = True
        self.port = 0
        self.authority = pki.Authority("serving", now=time.time)
        self._runner: web.ServerRunner | None = None
        self._client_ca = b""

    async def start(self, client_ca: bytes) -> None:
        self._client_ca = client_ca
        pair = self.authority.serving("metrics-server", ["metrics-server.kube-system.svc"])
        context = pki.serving_context(pair, client_ca=client_ca)
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=context, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._runner is None:
            request.transport.abort()  # its handshake was under way when the others were cut off
        if self._runner is None:
            request.transport.abort()  # its handshake was under way when the others were cut off
        self.requests.append(request)
        names = request.transport.get_extra_info("ssl_object").getpeercert() or {"subject": ()}
        self.peers += [value for part in names["subject"] for key, value in part if key == "commonName"]
        if request.path == "/apis" and not self.discovery:
            return web.Response(status=406)
        if request.path == "/apis":
            return self._discovery(request)
        if request.path == "/openapi/v3":
            return web.json_response({"paths": {"apis/metrics.k8s.io/v1beta1": {"serverRelativeURL": "/x"}}})
        if request.path == "/apis/metrics.k8s.io/v1beta1/cut":
            return await self._cut(request)
        if request.path.count("/") == 3:
            resources = [{"name": "nodes", "namespaced": False, "kind": "NodeMetrics", "verbs": ["get", "list"]}]
            return web.json_response({"kind": "APIResourceList", "resources": resources})
        return web.json_response({"path": request.raw_path}, headers={"X-Answered": "yes"})

    def _discovery(self, request: web.BaseRequest) -> web.Response:
        if request.headers.get("If-None-Match") == '"one"':
            return web.Response(status=304)
        version = {"version": "v1beta1", "freshness": "Current", "resources": [{"resource": "nodes"}]}
        body = {"items": [{"metadata": {"name": templates.GROUP}, "versions": [version]}]}
        kind = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        return web.Response(body=msgspec.json.encode(body), headers={"Content-Type": kind, "ETag": '"one"'})

    async def _cut(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        request.transport.abort()
        return response

    def asked(self, path: str) -> list[web.BaseRequest]:
        return [request for request in self.requests if request.path == path]


@pytest.fixture
def make_cluster(tmp_path):
    """Returns a context manager of a cluster; without arguments it has one node with three pods."""

    def make(**plan) -> Cluster:
        chosen = Plan(**{"nodes": 1, "pods": 3, "housekeeping": 0.0, "check_interval": 0.1} | plan)
        return Cluster(chosen, now=time.time, random=random.Random(7).random, directory=tmp_path)

    return make


@pytest.fixture
async def cluster(make_cluster):
    """A cluster with one node and three pods on it."""
    async with make_cluster() as made:
        yield made


@pytest.fixture
async def call(cluster):
    """Returns a caller: by user name and groups, by token, or anonymous without either."""
    async with contextlib.AsyncExitStack() as stack:

        def make(user: str = "", *groups: str, token: str = "") -> Caller:
            pair = cluster.client(user, groups) if user else None
            caller = Caller(cluster, pki.client_context(cluster.authority.pem, pair), token)
            stack.push_async_callback(caller.close)
            return caller

        yield make


@pytest.fixture
async def admin(call):
    """A caller who may do anything."""
    return call("admin", MASTERS)


@pytest.fixture
async def backend(cluster):
    """A server registered as the Metrics API, with its requests."""
    made = Backend()
    await made.start(cluster.front_proxy.pem)
    cluster.register("127.0.0.1", made.port, ca=made.authority.pem)
    await cluster.wait_available()
    yield made
    await made.stop()
