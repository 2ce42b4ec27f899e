"""The simulated cluster that every kubectl is tried on: steady loads, so that all numbers are known."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.in_background import in_background
from tests.kube_api import KubeApi
from tests.processes import Process, eventually, free_port, running

from kubevitals.simulator.cluster import Cluster, Plan
from kubevitals.simulator.workload import Steady

MI = 1 << 20
NANOCORES = 10**6  # in a millicore
PROGRAM = Path(sys.executable).with_name("kubevitals")
OVERHEAD = (100, 512)
# millicores and MiB, by node, namespace, pod and container
LOADS = {
    ("node-1", "shop", "cart-0", "cart"): (150, 64),
    ("node-1", "shop", "cart-0", "proxy"): (20, 16),
    ("node-1", "data", "db-0", "postgres"): (740, 512),
    ("node-2", "shop", "cart-1", "cart"): (250, 80),
    ("node-2", "shop", "cart-1", "proxy"): (30, 17),
    ("node-2", "search", "index-0", "index"): (90, 900),
}
NODES = ("node-1", "node-2", "node-3")


class Use(NamedTuple):
    """What ``kubectl top`` prints."""

    cpu: str
    memory: str


@dataclass(frozen=True)
class Demo:
    """The cluster under test: where it is, and what it uses, as kubectl prints it."""

    kubeconfig: Path
    nodes: Mapping[str, Use]
    containers: Mapping[tuple[str, str, str], Use]  # by namespace, pod and container


@contextmanager
def demo_cluster(folder: Path) -> Iterator[Demo]:
    """Run the simulated cluster and the server for the time of a with block, until everything has metrics."""
    with in_background(_cluster) as (cluster, loop):
        port, admin = free_port(), folder / "admin.pem"
        admin.write_bytes(b"".join(cluster.client("admin", ["system:masters"])))
        flags = (*cluster.serve_flags(), f"--secure-port={port}", "--metric-resolution=10s", "-v=2")
        argv = [str(PROGRAM), "serve", *flags, "--kubelet-request-timeout=5s"]
        server = Process("kubevitals", argv, folder / "kubevitals.log")
        loop.call_soon_threadsafe(cluster.register, "127.0.0.1", port)
        with running(server):
            wanted = (len(NODES), len({key[:3] for key in LOADS}))
            with closing(KubeApi(cluster.api.port, certificate=admin)) as api:
                eventually(lambda: _counts(api) == wanted, within=90, needs=(server,))
            yield Demo(cluster.files.admin, _nodes(), _containers())


@asynccontextmanager
async def _cluster() -> AsyncIterator[Cluster]:
    plan = Plan(nodes=0, housekeeping=0, check_interval=1)
    async with Cluster(plan, now=time.time, random=random.random) as cluster:
        start = time.time() - 3600
        for node in NODES:
            await cluster.nodes.add(node)
            cluster.pods.machine(node).overhead = _steady(start, *OVERHEAD)
        for node, namespace, pod in dict.fromkeys(key[:3] for key in LOADS):
            boxes = {key[3]: _steady(start, *load) for key, load in LOADS.items() if key[:3] == (node, namespace, pod)}
            cluster.pods.run(node, namespace, pod, boxes, labels={"app": pod.partition("-")[0]})
        yield cluster


def _counts(api: KubeApi) -> tuple[int, int]:
    root = "/apis/metrics.k8s.io/v1beta1"
    return len(api.get(f"{root}/nodes")["items"]), len(api.get(f"{root}/pods")["items"])


def _nodes() -> dict[str, Use]:
    return {node: _use([OVERHEAD, *(load for key, load in LOADS.items() if key[0] == node)]) for node in NODES}


def _containers() -> dict[tuple[str, str, str], Use]:
    return {key[1:]: _use([load]) for key, load in LOADS.items()}


def _use(loads: Sequence[tuple[int, int]]) -> Use:
    return Use(f"{sum(cpu for cpu, _ in loads)}m", f"{sum(memory for _, memory in loads)}Mi")


def _steady(start: float, millicores: int, memory: int) -> Steady:
    return Steady(start, millicores * NANOCORES, memory * MI)
