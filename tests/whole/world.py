"""The simulated cluster with the real server beside it: three nodes whose loads are known, and those who ask."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from tests.whole.callers import CUT, NODES, PODS, Caller, Headers
from tests.whole.capture import Log, captured
from tests.whole.waiting import eventually

from kubevitals import settings
from kubevitals.api.http import Limits
from kubevitals.app import Server
from kubevitals.simulator import pki
from kubevitals.simulator.cluster import Cluster, Plan
from kubevitals.simulator.kinds import CONFIG_MAPS, Kind, Object
from kubevitals.simulator.kinds import NODES as NODE_OBJECTS
from kubevitals.simulator.rbac import MASTERS
from kubevitals.simulator.templates import FRONT_PROXY_NAME
from kubevitals.simulator.workload import Steady

HOST = "127.0.0.1"
RESOLUTION = 0.4  # seconds between scrapes
KEPT = 3 * RESOLUTION  # seconds that the points of a node outlive its last scrape
# Where scraping is not the matter: pods that started this long ago have metrics after one scrape, and for a minute
# there is no other that a busy machine could spoil. Nodes have none then.
STILL, YOUNG = 60.0, 30.0  # resolution and age, in seconds
MI = 1 << 20
_MILLI = 10**6  # nanocores
_SERVER_NAMES = ("metrics-server.kube-system.svc", HOST)

# millicores and MiB, of each node itself and by node, namespace, pod and container
OVERHEAD = {"node-1": (100, 512), "node-2": (200, 256), "node-3": (50, 128)}
LOADS = {
    ("node-1", "shop", "cart-0", "cart"): (150, 64),
    ("node-1", "shop", "cart-0", "proxy"): (20, 16),
    ("node-2", "shop", "till-0", "till"): (740, 512),
    ("node-2", "data", "db-0", "db"): (33, 17),
    ("node-3", "data", "db-1", "db"): (250, 80),
}
NODE_NAMES = list(OVERHEAD)
POD_NAMES = ["db-0", "db-1", "cart-0", "till-0"]  # as they are listed: by namespace, then by name


@dataclass
class World:
    """The cluster and the server under test, its log, the task in which it runs, and its port."""

    cluster: Cluster
    server: Server
    log: Log
    task: asyncio.Task[None]
    port: int
    _stack: AsyncExitStack

    # --- who asks -------------------------------------------------------------------------------------------

    def admin(self) -> Caller:
        """An administrator, through the API server and its aggregation layer."""
        return self.through_aggregator("admin", [MASTERS])

    def through_aggregator(self, user: str, groups: Sequence[str] = ()) -> Caller:
        """A user with a client certificate, through the API server and its aggregation layer."""
        return self._caller(self.cluster.api.url, self.cluster.client(user, groups))

    def proxied(
        self, user: str, groups: Sequence[str] = (), *, more: Headers = (), pair: pki.KeyPair | None = None
    ) -> Caller:
        """A front proxy, straight at the server, that speaks for a user."""
        headers = [("X-Remote-User", user), *(("X-Remote-Group", group) for group in groups), *more]
        return self.direct(pair or self.cluster.front_proxy.client(FRONT_PROXY_NAME), headers)

    def master(self) -> Caller:
        """A front proxy that speaks for an administrator, whom the server need not ask anybody about."""
        return self.proxied("root", [MASTERS])

    def bearer(self, token: str) -> Caller:
        """The bearer of a token, straight at the server."""
        return self.direct(headers=[("Authorization", f"Bearer {token}")])

    def direct(self, pair: pki.KeyPair | None = None, headers: Headers = (), *, keep: bool = True) -> Caller:
        """Anybody, straight at the server; without arguments somebody who shows nothing."""
        return self._caller(f"https://{HOST}:{self.port}", pair, headers, keep=keep)

    def _caller(self, url: str, pair: pki.KeyPair | None, headers: Headers = (), *, keep: bool = True) -> Caller:
        caller = Caller(url, self.cluster.authority.pem, pair, headers, keep=keep)
        self._stack.push_async_callback(caller.close)
        return caller

    # --- what there is --------------------------------------------------------------------------------------

    async def measured(self, nodes: Sequence[str] = NODE_NAMES, pods: Sequence[str] = POD_NAMES) -> Caller:
        """Wait until exactly these have metrics; return the administrator that asked."""
        master = self.master()

        async def complete() -> None:
            assert await master.names(NODES) == list(nodes)
            assert await master.names(PODS) == list(pods)

        async def asked() -> bool:
            try:
                await complete()
            except CUT as error:  # the front proxy is not known yet
                raise AssertionError(str(error)) from error
            return True

        await eventually(asked)
        return master

    async def scraped(self, *nodes: str) -> None:
        """Wait until each of these nodes has been scraped once more."""
        before = {name: self.cluster.fleet[name].requests for name in nodes or NODE_NAMES}
        await eventually(lambda: all(self.cluster.fleet[name].requests > n for name, n in before.items()))

    # --- what changes ---------------------------------------------------------------------------------------

    def grant(self, *objects: tuple[Kind, Object]) -> None:
        """Create or replace roles and bindings."""
        for kind, item in objects:
            self.cluster.registry.apply(kind, item)

    def publish(self, **changes: str | None) -> None:
        """Change keys of the ConfigMap with the authentication settings, ``_`` for ``-``; None removes one."""
        found = self.cluster.registry.get(CONFIG_MAPS, "extension-apiserver-authentication", "kube-system")
        data = found["data"] | {key.replace("_", "-"): value for key, value in changes.items()}
        kept = {key: value for key, value in data.items() if value is not None}
        self.cluster.registry.apply(CONFIG_MAPS, {**found, "data": kept})

    def set_addresses(self, node: str, *addresses: tuple[str, str]) -> None:
        """Let a Node name these addresses, each a type and an address."""
        item = self.cluster.registry.get(NODE_OBJECTS, node)
        named = [{"type": kind, "address": address} for kind, address in addresses]
        status = item["status"] | {"addresses": named}
        self.cluster.registry.apply(NODE_OBJECTS, {**item, "status": status})

    def reviews(self, user: str) -> list[Object]:
        """The specs of the SubjectAccessReviews about a user that the API server was asked for, oldest first."""
        asked = [body["spec"] for body in self.cluster.api.objects.reviewed if body["kind"] == "SubjectAccessReview"]
        return [spec for spec in asked if spec.get("user") == user]


async def populate(cluster: Cluster, age: float) -> None:
    """Add the three nodes and their pods, which have run for ``age`` seconds."""
    start = time.time() - age
    for node, load in OVERHEAD.items():
        await cluster.nodes.add(node)
        cluster.pods.machine(node).overhead = steady(start, load)
    for node, namespace, pod in dict.fromkeys(key[:3] for key in LOADS):
        boxes = {key[3]: steady(start, load) for key, load in LOADS.items() if key[:3] == (node, namespace, pod)}
        cluster.pods.run(node, namespace, pod, boxes, labels={"app": pod.partition("-")[0]})


def steady(start: float, load: tuple[int, int]) -> Steady:
    """What uses so many millicores and MiB all the time."""
    return Steady(start, load[0] * _MILLI, load[1] * MI)


@asynccontextmanager
async def simulated(plan: Plan | None = None, *, age: float = 3600.0) -> AsyncIterator[Cluster]:
    """Run the cluster alone: the plan's, or the three nodes with pods that have run for ``age`` seconds."""
    small = Plan(nodes=0, housekeeping=0, check_interval=1.0)
    async with Cluster(plan or small, now=time.time, random=random.random) as cluster:
        if plan is None:
            await populate(cluster, age)
        yield cluster


@asynccontextmanager
async def serving(
    cluster: Cluster,
    *flags: str,
    without: Sequence[str] = (),
    resolution: float = RESOLUTION,
    limits: Limits | None = None,
    settled: Callable[[], None] = lambda: None,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[World]:
    """Run the server for a cluster, registered there.

    Args:
        cluster: what it is to serve.
        flags: besides those that it needs to find the cluster.
        without: of those, the beginnings of the ones to leave out.
        resolution: seconds between scrapes.
        limits: what one client may take.
        settled: called after the first cycle.
        environ: the server's environment, empty when None.
    """
    needed = [*cluster.serve_flags(), *certify(cluster)]
    chosen = settings.parse([*(flag for flag in needed if not flag.startswith(tuple(without))), *flags])
    with captured() as log:
        any_port = replace(chosen, secure_port=0)
        options = {"resolution": resolution, "reload_every": 0.1, "limits": limits, "settled": settled}
        server = Server(any_port, environ=environ or {}, **options)  # type: ignore[arg-type]
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            started = asyncio.Event()
            task = group.create_task(server.run(started.set), name="metrics server")
            await started.wait()
            cluster.register(HOST, server.port, ca=cluster.authority.pem)
            try:
                yield World(cluster, server, log, task, server.port, stack)
            finally:
                await stack.aclose()
                server.stop()


def certify(cluster: Cluster) -> list[str]:
    """Write a serving certificate of the cluster's own CA; return the flags that name it."""
    directory = cluster.files.directory
    paths = directory / "serving.crt", directory / "serving.key"
    for path, content in zip(paths, cluster.authority.serving("metrics-server", _SERVER_NAMES), strict=True):
        path.write_bytes(content)
    return [f"--tls-cert-file={paths[0]}", f"--tls-private-key-file={paths[1]}"]


@asynccontextmanager
async def running(*flags: str, plan: Plan | None = None, **options: Any) -> AsyncIterator[World]:
    """Run cluster and server; see ``simulated`` and ``serving``."""
    async with simulated(plan) as cluster, serving(cluster, *flags, **options) as world:
        yield world


@asynccontextmanager
async def still(*flags: str, **options: Any) -> AsyncIterator[World]:
    """Run cluster and server, and wait until every pod has metrics; no node has any."""
    async with simulated(age=YOUNG) as cluster, serving(cluster, *flags, resolution=STILL, **options) as world:
        await world.measured(nodes=[])
        yield world
