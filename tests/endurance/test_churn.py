"""A cluster where pods and nodes come and go for a thousand cycles leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import sys

import pytest
from tests.virtual_time import run

from kubevitals.api.encoding import encode
from kubevitals.api.list_options import list_options
from kubevitals.api.negotiation import Choice
from kubevitals.api.request import Attributes
from kubevitals.api.resources import Resources
from kubevitals.app.adapters import Readings
from kubevitals.model import Address, Node, Pod
from kubevitals.scraper.causes import failure
from kubevitals.scraper.client import Reply
from kubevitals.scraper.cycle import Cycle
from kubevitals.scraper.target import Target
from kubevitals.selectors import parse_labels
from kubevitals.simulator.payload import CONTENT_TYPE, Row, container_labels, render
from kubevitals.simulator.workload import Reading
from kubevitals.store.inventory import Inventory
from kubevitals.store.labels import LabelPool
from kubevitals.store.points import Points
from kubevitals.telemetry import Telemetry

EPOCH = 1_790_000_000.0
RESOLUTION = 15.0
CYCLES, NODES, PODS = 1000, 8, 5
SLACK = 8000  # blocks of memory: caches of limited size fill; a leak of each change would be 40,000


class Churn:
    """The parts of a server between its sockets, over a cluster that changes with every cycle."""

    def __init__(self) -> None:
        self.random = random.Random(20261122)
        self.names = 0
        self.pool = LabelPool()
        self.inventory, self.points = Inventory(), Points(resolution=RESOLUTION)
        self.inventory.subscribe(node_removed=self.points.forget_node, pod_removed=self.points.forget_pod)
        self.resources = Resources(self.inventory, self.points, parse_labels(""))
        self.telemetry = Telemetry(resolution=RESOLUTION)
        self.pods: dict[str, list[tuple[Pod, float]]] = {}
        self.kept: set[str] = set()
        self.cycle = Cycle(
            nodes=self.inventory.nodes,
            resolve=lambda node: Target(node.name, (node.addresses[0].address,), 10250, "/metrics/resource", "https"),
            client=self,
            sink=Readings(self.points, self.resources),
            observer=self.telemetry,
            resolution=RESOLUTION,
            timeout=10.0,
            now=self.now,
        )

    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    # --- the kubelets -----------------------------------------------------------------------------------------

    async def fetch(
        self, target: Target, address: str, *, timeout: float | None = None, connect_timeout: float | None = None
    ) -> Reply:
        await asyncio.sleep(0.02)
        if self.random.random() < 0.05:
            raise failure("refused", "nobody listens")
        self.kept.add(target.node)
        at, seconds = int(self.now() * 1000), asyncio.get_running_loop().time()
        reading = Reading(at, int((seconds + 100) * 1e9), 1 << 24)
        rows = [
            Row(container_labels(pod.namespace, pod.name, name), reading, EPOCH - 100 + start)
            for pod, start in self.pods.get(target.node, ())
            for name in ("app", "proxy")
        ]
        return Reply(render(rows, [], reading), CONTENT_TYPE, at)

    def forget(self, node: str) -> None:
        self.kept.discard(node)

    @property
    def connections(self) -> int:
        return len(self.kept)

    # --- what changes -----------------------------------------------------------------------------------------

    def add_node(self) -> None:
        self.names += 1
        name = f"node-{self.names}"
        self.pods[name] = []
        self.inventory.upsert_node(Node(name, addresses=(Address("InternalIP", "192.0.2.1"),)))

    def remove_node(self) -> None:
        name = self.random.choice(list(self.pods))
        for pod, _ in self.pods.pop(name):
            self.inventory.remove_pod(pod.namespace, pod.name)
        self.inventory.remove_node(name)

    def add_pod(self) -> None:
        self.names += 1
        labels = self.pool.get(b'{"app":"web-%d","hash":"%d"}' % (self.names % 3, self.names))
        pod = Pod(f"ns-{self.names % 4}", f"web-{self.names}", labels, "2026-01-02T03:04:05Z")
        self.pods[self.random.choice(list(self.pods))].append((pod, asyncio.get_running_loop().time()))
        self.inventory.upsert_pod(pod)

    def remove_pod(self) -> None:
        pods = self.random.choice([pods for pods in self.pods.values() if pods])
        pod, _ = pods.pop(self.random.randrange(len(pods)))
        self.inventory.remove_pod(pod.namespace, pod.name)

    def change(self) -> None:
        """Move towards the usual size, by chance and not always straight."""
        if len(self.pods) < NODES or (len(self.pods) < NODES + 3 and self.random.random() < 0.2):
            self.add_node()
        elif self.random.random() < 0.2:
            self.remove_node()
        for _ in range(3):
            self.add_pod()
        while sum(map(len, self.pods.values())) > NODES * PODS:
            self.remove_pod()

    def empty(self) -> None:
        """Let everything go."""
        while self.pods:
            self.remove_node()

    # --- who reads --------------------------------------------------------------------------------------------

    def read(self) -> int:
        """List everything in every usual way, as consumers do in each cycle; return how many bytes it was."""
        size = 0
        for resource, query in (("nodes", {}), ("pods", {}), ("pods", {"labelSelector": "app=web-1"})):
            for choice in (Choice(), Choice("protobuf")):
                asked = Attributes("list", "/", True, resource=resource, version="v1beta1")
                size += sum(map(len, encode(self.resources.list_of(asked, list_options(query)), choice)))
        return size

    async def live(self, cycles: int) -> int:
        """Let so many cycles pass; return how much was read."""
        size, loop = 0, asyncio.get_running_loop()
        for _ in range(cycles):
            began = loop.time()
            self.change()
            await self.cycle.once()
            size += self.read()
            await asyncio.sleep(began + RESOLUTION - loop.time())
        return size

    async def remains(self) -> tuple[int, dict[str, int]]:
        """Let everything go, and return the blocks of memory in use then, and what is left behind."""
        self.empty()
        await self.cycle.once()
        left = {
            "node points": self.points.node_points,
            "container points": self.points.container_points,
            "withheld": len(list(self.points.withheld())),
            "answers": len(self.points.derived),
            "disputes": len(self.points.disputed()),
            "scrapes": len(self.cycle._busy),
            "pods": len(self.inventory.pods()),
            "sets of labels": len(self.pool),
            "states of nodes": len(self.cycle.status),
            "connections": len(self.kept),
            "series": self.telemetry.render().count(b'node="node-'),
        }
        gc.collect()
        return sys.getallocatedblocks(), left


def test_nothing_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    """After 1,000 cycles of coming and going all is as it was after 500: no point, series, status or byte remains."""

    async def scenario() -> tuple[tuple[int, dict[str, int]], tuple[int, dict[str, int]], int]:
        churn = Churn()
        await churn.live(CYCLES // 2)
        before = await churn.remains()
        read = await churn.live(CYCLES // 2)
        return before, await churn.remains(), read

    caplog.set_level(logging.CRITICAL, "kubevitals")  # what is captured of the log would be left behind as well
    (early, left_early), (late, left_late), read = run(scenario())
    assert [name for name, count in (left_early | left_late).items() if count] == []
    assert set(left_early.values()) == {0}
    assert late - early < SLACK
    assert read > CYCLES // 2 * NODES * PODS * 200  # the cluster was there to be read all along
