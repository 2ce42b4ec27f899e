"""Numbers that cannot be true never leave the API."""

from __future__ import annotations

import time

from tests.whole.callers import PODS
from tests.whole.waiting import eventually
from tests.whole.world import MI, World, steady

from kubevitals.simulator.workload import Fixed, Reading


async def test_of_two_nodes_that_report_a_pod_the_bound_one_speaks(world: World) -> None:
    """A kubelet that still shows a pod which runs elsewhere, with newer and larger numbers, is not believed."""
    start = time.time() - 60
    ghost = [("till", steady(start, (3000, 900)))]
    world.cluster.pods.machine("node-3").run_pod("shop", "till-0", ghost)
    master = world.master()

    async def used() -> str:
        [pod] = [item for item in await master.items(PODS) if item["metadata"]["name"] == "till-0"]
        memory: str = pod["containers"][0]["usage"]["memory"]
        return memory

    async def settled() -> bool:
        assert world.server._points.disputed() == []
        assert len(world.server._points._places.shared) == 1
        return True

    await eventually(settled)
    for _ in range(4):
        await world.scraped()
        assert await used() == "512Mi"


async def test_more_than_a_node_has_is_withheld_and_counted(world: World) -> None:
    """A counter that leaps by years of CPU is a reason in the status and a count in the metrics, not a number."""
    await world.scraped("node-2")
    now = time.time()
    leaping = Leaping(now - 3600)
    world.cluster.pods.machine("node-2").set_usage("data", "db-0", "db", leaping)
    master = world.master()

    async def counted() -> bool:
        text = (await master.ask("/metrics")).body
        return 'kubevitals_discarded_points_total{reason="beyond_cpu"}' in text

    async def gone() -> bool:
        return "db-0" not in await master.names(PODS)

    await eventually(gone)
    await eventually(counted)


class Leaping:
    """A container whose CPU counter grows by a thousand cores."""

    def __init__(self, start: float) -> None:
        self.start = start

    def at(self, now: float) -> Reading:
        return Reading(int(now * 1000), int((now - self.start) * 1000 * 10**9), 17 * MI)


async def test_a_container_dated_ahead_of_its_node_is_withheld(world: World) -> None:
    """An hour from now is no time of measurement; the node and the others are served."""
    ahead = Fixed(time.time() - 3600, Reading(int((time.time() + 3600) * 1000), 10**15, MI))
    world.cluster.pods.machine("node-3").set_usage("data", "db-1", "db", ahead)
    master = world.master()

    async def withheld() -> bool:
        return await master.names(PODS) == ["db-0", "cart-0", "till-0"]

    await eventually(withheld)
