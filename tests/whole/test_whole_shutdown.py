"""The end: not ready first, then every request in flight is finished, and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import os

import pytest
from tests.whole.callers import CUT, NODES, PODS
from tests.whole.waiting import eventually
from tests.whole.world import HOST, NODE_NAMES, POD_NAMES, World, running, serving, simulated

from kubevitals.simulator import pki, roles
from kubevitals.simulator.faults import Refusal

STOPPED = "Every request was answered; stopped"


async def test_it_is_not_ready_first_and_serves_on() -> None:
    """For the delay that was asked for, readiness fails while lists are still answered; then the port is closed."""
    async with running("--shutdown-delay-duration=700ms") as world:
        master, nobody = await world.measured(), world.direct()
        assert (await nobody.ask("/readyz")).body == "ok"
        loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        world.server.stop()
        ready = await nobody.ask("/readyz?verbose")
        assert (ready.code, "[-]shutdown failed" in ready.body) == (500, True)
        assert await nobody.code("/livez") == 200
        assert await master.names(NODES) == NODE_NAMES
        assert await world.direct().code("/livez") == 200, "new connections are still taken"
        await world.task
        assert loop.time() - began >= 0.7
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, world.port)


async def test_a_request_in_flight_is_finished(still: World) -> None:
    """A request that waits for its authorization when the server stops gets its answer."""
    still.grant(roles.binding("jane-reads", "system:aggregated-metrics-reader", [roles.user("jane")]))
    refusal = Refusal(429, retry_after=1, paths=("/apis/authorization.k8s.io",), count=1)
    still.cluster.api.faults.refusal = refusal
    jane, master, loop = still.proxied("jane"), still.master(), asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(jane.names(PODS))
        await eventually(lambda: refusal.count == 0)
        began = loop.time()
        still.server.stop()
        await eventually(lambda: refused(still))
        closed = loop.time()
    await still.task
    assert slow.result() == POD_NAMES
    assert closed - began < 0.8, "the port is closed while the request is still in flight"
    assert loop.time() - began >= 0.8
    with pytest.raises(CUT):
        await master.ask(PODS)


async def refused(world: World) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, world.port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_idle_connections_do_not_delay_the_end(still: World) -> None:
    """Callers that keep a connection, have sent half a request or have not shaken hands are not waited for."""
    context = pki.client_context(still.cluster.authority.pem)
    kept = still.direct()
    assert await kept.code("/livez") == 200
    _, half = await asyncio.open_connection(HOST, still.port, ssl=context)
    half.write(b"GET /livez HTTP/1.1\r\nHost: ")
    _, silent = await asyncio.open_connection(HOST, still.port, ssl=context)
    _, unshaken = await asyncio.open_connection(HOST, still.port)
    still.server.stop()
    async with asyncio.timeout(5):
        await still.task
    for writer in (half, silent, unshaken):
        writer.close()
    await still.log.line(STOPPED)


async def test_nothing_is_left() -> None:
    """After the end there is no task and no descriptor more than before the start."""
    async with simulated() as cluster:
        tasks, descriptors = others(), open_descriptors()
        async with serving(cluster) as world:
            await world.measured()
            await cluster.wait_available()
            await world.admin().names(NODES)
        cluster.unregister()
        await eventually(lambda: others() - tasks == set())
        gc.collect()
        await eventually(lambda: len(open_descriptors()) <= len(descriptors))


async def test_nothing_is_left_when_it_is_cancelled() -> None:
    """A server that is cancelled rather than stopped closes its port and its connections too."""
    async with simulated() as cluster:
        tasks, descriptors = others(), open_descriptors()
        async with serving(cluster) as world:
            master = await world.measured()
            world.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await world.task
            with pytest.raises(CUT):
                await master.ask(NODES)
            assert await refused(world)
        cluster.unregister()
        await eventually(lambda: others() - tasks == set())
        await eventually(lambda: len(open_descriptors()) <= len(descriptors))


def others() -> set[asyncio.Task[object]]:
    """Every task but this one."""
    return asyncio.all_tasks() - {asyncio.current_task()}


def open_descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))
