"""A thousand kubelets, and the server that scrapes them, in one process."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator

import pytest
from tests.whole.callers import NODES, PODS, Caller
from tests.whole.waiting import eventually
from tests.whole.world import running

from kubevitals.simulator.cluster import Plan

NODES_THERE, PODS_EACH, CYCLES = 1000, 30, 3
RESOLUTION = 15.0  # seconds


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Allow for a listener and two ends of a connection per node."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8 * NODES_THERE
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"needs {wanted} open files, and {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.scale
@pytest.mark.usefixtures("descriptors")
async def test_no_cycle_is_missed_with_a_thousand_nodes() -> None:
    """Every kubelet is scraped in each of three cycles, nothing fails, and everything is served."""
    plan = Plan(nodes=NODES_THERE, pods=PODS_EACH, check_interval=5.0)
    async with running(plan=plan, resolution=RESOLUTION) as world:
        await world.log.line("Nodes and pods are known")
        loop, master = asyncio.get_running_loop(), world.master()
        began = loop.time()
        await eventually(lambda: cycles(master), within=(CYCLES + 1) * RESOLUTION, every=0.5)
        assert loop.time() - began < CYCLES * RESOLUTION, "the last cycle has ended before the next was due"
        assert await scrapes(master, success="true") == CYCLES * NODES_THERE
        assert await scrapes(master, success="false") == 0
        await world.cluster.wait_available()
        assert len(await world.admin().items(NODES)) == NODES_THERE
        assert len(await world.admin().items(PODS)) == NODES_THERE * PODS_EACH
        assert world.log.troubles() == []


async def cycles(master: Caller) -> bool:
    return sum(await numbers(master, "metrics_server_manager_tick_duration_seconds_count")) >= CYCLES


async def scrapes(master: Caller, success: str) -> int:
    found = await numbers(master, "metrics_server_kubelet_request_total{", f'success="{success}"')
    return int(sum(found))


async def numbers(master: Caller, start: str, part: str = "") -> list[float]:
    """Return the values of the server's own series that begin so and hold this part."""
    text = (await master.ask("/metrics")).body
    return [float(line.split()[-1]) for line in text.splitlines() if line.startswith(start) and part in line]
