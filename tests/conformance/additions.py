"""What some tests need in the cluster beyond its nodes and pods."""

from __future__ import annotations

import time

from tests.conformance.wire import Wire, pods_in
from tests.whole.waiting import eventually
from tests.whole.world import World

from kubevitals.simulator import templates
from kubevitals.simulator.kinds import NODES, PODS
from kubevitals.simulator.workload import Steady

# Known to the cluster, and not measured: nothing listens at the node's address.
UNMEASURED_NODE, UNMEASURED_POD = "node-9", "late-0"
WIDE, WIDE_PODS = "wide", 60  # a namespace of which a list is longer than 128 KiB, and how many pods it has


def add_unmeasured(world: World) -> None:
    """Add a node without a kubelet, and a pod on it."""
    facts = templates.NodeFacts(UNMEASURED_NODE, "127.9.9.9", 2, 1 << 30, 1)
    world.cluster.registry.create(NODES, templates.node(facts, time.time()))
    pod = templates.pod("shop", UNMEASURED_POD, UNMEASURED_NODE, ["late"], labels={"app": "late"}, started=time.time())
    world.cluster.registry.create(PODS, pod)


async def add_wide_pods(world: World, asker: Wire) -> None:
    """Add pods with many labels, and wait until they have metrics."""
    labels = {f"example.com/label-{number:02}": "x" * 63 for number in range(25)}
    start = time.time() - 3600
    for number in range(WIDE_PODS):
        boxes = {"box": Steady(start, 10**6, 1 << 20)}
        world.cluster.pods.run("node-1", WIDE, f"wide-{number:02}", boxes, labels=labels)

    async def measured() -> bool:
        return len((await asker.get(pods_in(WIDE))).names) == WIDE_PODS

    await eventually(measured)
