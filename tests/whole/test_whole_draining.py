"""On its way out: in either mode those inside are served, newcomers are told where they stand, and scraping goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.whole.callers import NODES, Answer, Caller
from tests.whole.waiting import eventually
from tests.whole.world import HOST, NODE_NAMES, World, running

from kubevitals.simulator import roles
from kubevitals.simulator.faults import Refusal

RETRY_AFTER = "--shutdown-send-retry-after"


@asynccontextmanager
async def leaving(*flags: str) -> AsyncIterator[tuple[World, asyncio.Task[list[str]]]]:
    """Stop a server while a request waits for its authorization, for a second; give the request."""
    async with running(*flags) as world:
        await world.measured()
        world.grant(roles.binding("jane-reads", "system:aggregated-metrics-reader", [roles.user("jane")]))
        refusal = Refusal(429, retry_after=1, paths=("/apis/authorization.k8s.io",), count=1)
        world.cluster.api.faults.refusal = refusal
        jane = world.proxied("jane")
        async with asyncio.TaskGroup() as group:
            slow = group.create_task(jane.names(NODES))
            await eventually(lambda: refusal.count == 0)
            yield world, slow
        await world.task


async def answered(world: World, path: str, code: int) -> Answer:
    """Ask on new connections until the answer has that code."""

    async def asked() -> Answer | None:
        caller = world.direct(keep=False)
        try:
            answer = await caller.ask(path)
        finally:
            await caller.close()
        return answer if answer.code == code else None

    found = await eventually(asked)
    assert found is not None
    return found


async def test_with_retry_after_newcomers_are_sent_away_while_others_are_served() -> None:
    """The port stays open for 429, probes and metrics until the request in flight has its answer; then it closes."""
    async with leaving(RETRY_AFTER) as (world, slow):
        world.server.stop()
        refused = await answered(world, "/version", 429)
        assert refused.body == "The apiserver is shutting down, please try again later.\n"
        assert (refused.headers["Retry-After"], refused.headers["Connection"]) == ("5", "close")
        for path, code in (("/livez", 200), ("/readyz", 500), ("/metrics", 403)):
            assert (await world.direct().ask(path)).code == code
        assert not slow.done()
    assert slow.result() == NODE_NAMES
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(HOST, world.port)


async def test_with_retry_after_a_kept_connection_ends_with_its_next_request() -> None:
    """A caller that keeps its connection is told to go elsewhere on it, and not before."""
    async with leaving(RETRY_AFTER) as (world, _):
        master = world.master()
        assert await master.names(NODES) == NODE_NAMES
        world.server.stop()
        refused = await eventually(lambda: turned_away(master))
        assert refused.headers["Connection"] == "close"


async def turned_away(caller: Caller) -> Answer | None:
    answer = await caller.ask(NODES)
    return answer if answer.code == 429 else None


async def test_with_retry_after_the_delay_comes_first() -> None:
    """Before anybody is sent away everything is served for the delay, only readiness fails."""
    async with running(RETRY_AFTER, "--shutdown-delay-duration=500ms") as world:
        master = await world.measured()
        world.server.stop()
        assert await world.direct().code("/readyz") == 500
        assert await master.names(NODES) == NODE_NAMES
        async with asyncio.timeout(5):
            await world.task


@pytest.mark.parametrize("flags", [(), (RETRY_AFTER,)], ids=["503", "429"])
async def test_scraping_goes_on_until_the_end(flags: tuple[str, ...]) -> None:
    """Whoever is still served is served with fresh numbers."""
    async with leaving(*flags) as (world, slow):
        world.server.stop()
        await world.scraped()
        assert not slow.done()
    assert slow.result() == NODE_NAMES


async def test_a_request_that_hangs_does_not_keep_the_server() -> None:
    """The time of a request is also how long the end may take."""
    async with running("--request-timeout=1s") as world:
        await world.measured()
        refusal = Refusal(429, retry_after=60, paths=("/apis/authorization.k8s.io",), count=1)
        world.cluster.api.faults.refusal = refusal
        jane = world.proxied("jane")
        async with asyncio.TaskGroup() as group:
            slow = group.create_task(jane.ask(NODES))
            await eventually(lambda: refusal.count == 0)
            world.server.stop()
            async with asyncio.timeout(5):
                await world.task
        answer = slow.result()
        assert (answer.code, answer.headers["Content-Type"]) == (504, "text/plain; charset=utf-8")
