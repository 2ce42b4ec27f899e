"""One kubelet in three goes wrong: it alone is affected, and the log says what is wrong with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from tests.whole.callers import NODES, PODS, Caller
from tests.whole.capture import Line
from tests.whole.waiting import eventually, watching
from tests.whole.world import KEPT, NODE_NAMES, POD_NAMES, World, running, serving, simulated

from kubevitals.simulator import pki
from kubevitals.simulator.cluster import Cluster
from kubevitals.simulator.faults import KubeletFault

SICK, OTHERS = "node-2", ["node-1", "node-3"]
PODS_OF_OTHERS = ["db-1", "cart-0"]
FAILED, RECOVERED = "Node cannot be scraped", "Node is scraped again"

Change = Callable[[], Awaitable[None]]

ANSWERS = {
    KubeletFault.UNAUTHORIZED: "http_401",
    KubeletFault.FORBIDDEN: "http_403",
    KubeletFault.ERROR: "http_500",
    KubeletFault.HTML: "parse",
    KubeletFault.NOTHING: "closed",
    KubeletFault.HALF_BODY: "truncated",
    KubeletFault.GARBAGE: "parse",
    KubeletFault.SILENT: "timeout_headers",
    KubeletFault.REDIRECT: "redirect",
    KubeletFault.BOMB: "too_large",
}


@pytest.mark.parametrize("fault", ANSWERS, ids=lambda fault: fault.name.lower())
async def test_a_wrong_answer_costs_only_that_node(world: World, fault: KubeletFault) -> None:
    """Whatever a kubelet answers instead of metrics, its node alone goes, after a while, and comes back."""

    async def begin() -> None:
        world.cluster.fleet[SICK].fault = fault

    async def end() -> None:
        world.cluster.fleet[SICK].fault = None

    await falls_out_and_comes_back(world, ANSWERS[fault], begin, end)


async def test_a_refused_connection_costs_only_that_node(world: World) -> None:
    """A kubelet that is not there is a refused connection, and comes back when it is started again."""
    nodes = world.cluster.nodes
    begin, end = partial(nodes.stop_kubelet, SICK), partial(nodes.start_kubelet, SICK)
    line = await falls_out_and_comes_back(world, "refused", begin, end)
    assert line["address"] == nodes.address(SICK)


def wrong_name(cluster: Cluster) -> pki.KeyPair:
    return cluster.authority.serving("system:node:node-2", ["10.1.2.3", SICK])


def unknown_authority(cluster: Cluster) -> pki.KeyPair:
    return pki.Authority("kubelet-ca", now=time.time).serving(SICK, [cluster.nodes.address(SICK)])


def over(cluster: Cluster) -> pki.KeyPair:
    return cluster.authority.serving(SICK, [cluster.nodes.address(SICK)], lifetime=-60.0)


@pytest.mark.parametrize(
    ("issue", "cause"), [(wrong_name, "san_ip"), (unknown_authority, "unknown_ca"), (over, "expired")]
)
async def test_a_wrong_certificate_costs_only_that_node(
    world: World, issue: Callable[[Cluster], pki.KeyPair], cause: str
) -> None:
    """A certificate for another name, of an unknown authority or out of date is never accepted."""
    cluster = world.cluster
    right = cluster.authority.serving(SICK, [cluster.nodes.address(SICK)])
    token_seen = cluster.fleet[SICK].tokens

    async def begin() -> None:
        await cluster.nodes.certify(SICK, issue(cluster))
        token_seen.clear()

    async def end() -> None:
        assert token_seen == set()
        await cluster.nodes.certify(SICK, right)

    await falls_out_and_comes_back(world, cause, begin, end)


async def test_a_node_without_a_usable_address_costs_only_itself(world: World) -> None:
    """A node that loses the type of address that is asked for is named, with the types it has."""
    address = world.cluster.nodes.address(SICK)

    async def begin() -> None:
        world.set_addresses(SICK, ("Hostname", SICK), ("ExternalIP", address))

    async def end() -> None:
        world.set_addresses(SICK, ("InternalIP", address))

    line = await falls_out_and_comes_back(world, "no_address", begin, end)
    assert "ExternalIP, Hostname" in line["detail"]


async def test_too_much_costs_only_that_node() -> None:
    """A body without end is cut off at the limit, and the others are served meanwhile."""
    async with running(resolution=2.0) as world:
        master = await world.measured()
        world.cluster.fleet[SICK].fault = KubeletFault.ENDLESS
        async with watching(lambda: master.names(NODES)) as watched:
            line = await world.log.line(FAILED, node=SICK)
        assert line["cause"] == "too_large"
        assert_served(watched.answers, OTHERS)


async def falls_out_and_comes_back(world: World, cause: str, begin: Change, end: Change) -> Line:
    """Let the sick node fail and recover, check all that every fault has in common, and return the line about it."""
    master = world.master()
    async with watching(lambda: master.names(NODES)) as nodes, watching(lambda: master.names(PODS)) as pods:
        await world.scraped(SICK)
        began = time.monotonic()
        await begin()
        line = await world.log.line(FAILED, node=SICK, cause=cause)
        await nodes.more()
        assert nodes.answers[-1] == NODE_NAMES, "a failed scrape alone must not hide a node"
        kept = await gone(master)
        assert kept - began >= KEPT - 0.1
        await end()
        await world.log.line(RECOVERED, node=SICK, cause=cause)
        await eventually(lambda: back(master))
    assert_served(nodes.answers, OTHERS)
    assert_served(pods.answers, PODS_OF_OTHERS)
    assert [each["msg"] for each in world.log.lines(node=SICK, cause=cause)] == [FAILED, RECOVERED]
    assert line["level"] == "warning"
    assert line["detail"]
    assert line["remedy"]
    return line


async def gone(master: Caller) -> float:
    """Wait until the sick node and its pods are no longer served; return when that was."""

    async def looked() -> float:
        assert await master.names(NODES) == OTHERS
        return time.monotonic()

    moment = await eventually(looked)
    assert await master.names(PODS) == PODS_OF_OTHERS
    return moment


async def back(master: Caller) -> bool:
    return await master.names(NODES) == NODE_NAMES and await master.names(PODS) == POD_NAMES


def assert_served(answers: list[object], names: list[str]) -> None:
    """Check that each of many answers is a list with these names in it."""
    assert len(answers) > 3
    assert [answer for answer in answers if not (isinstance(answer, list) and set(names) <= set(answer))] == []


async def test_the_next_address_is_tried_and_remembered(world: World) -> None:
    """Where the first address refuses, the second is used without a word, and from then on first."""
    cluster, callers = world.cluster, []
    dead, address = "127.9.9.9", world.cluster.nodes.address(SICK)
    await cluster.nodes.stop_kubelet(SICK)
    world.set_addresses(SICK, ("InternalIP", dead), ("InternalIP", address))
    await cluster.nodes.start_kubelet(SICK)
    await world.scraped(SICK)

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append(writer.get_extra_info("peername"))
        writer.close()

    async with await asyncio.start_server(note, dead, cluster.fleet.port):
        await cluster.nodes.stop_kubelet(SICK)  # so that it must be dialled again
        await cluster.nodes.start_kubelet(SICK)
        await world.scraped(SICK)
        await world.scraped(SICK)
    assert callers == []
    assert [line for line in world.log.lines(FAILED, node=SICK) if dead in line["detail"]] == []


async def test_readiness_names_the_dominant_cause() -> None:
    """Where no node can be scraped, /readyz?verbose says so with the cause that most nodes share."""
    async with simulated() as cluster:
        for node in NODE_NAMES:
            cluster.fleet[node].fault = KubeletFault.FORBIDDEN
        await cluster.nodes.stop_kubelet(SICK)
        async with serving(cluster, resolution=5.0) as world:
            nobody = world.direct()
            line = await world.log.line("No node can be scraped")
            answer = await nobody.ask("/readyz?verbose")
            summary = "0 of 3 nodes scraped: 2 × 403 Forbidden, 1 × connection refused"
            assert answer.code == 500
            assert (
                f"[-]metric-storage-ready failed: no metrics to serve: no nodes were measured twice yet; {summary}"
                in (answer.body.splitlines())
            )
            assert "[+]metric-informer-sync ok" in answer.body
            assert (line["level"], line["summary"]) == ("error", summary)
            assert await nobody.code("/livez") == 200


async def test_readiness_follows_the_kubelets(world: World) -> None:
    """A server whose kubelets all fail for good is not ready any more, and ready again when they work."""
    nobody = world.direct()
    for node in NODE_NAMES:
        world.cluster.fleet[node].fault = KubeletFault.UNAUTHORIZED
    body = (await eventually(lambda: unready(nobody))).splitlines()
    assert any(line.startswith("[-]metric-storage-ready") and "3 × 401 Unauthorized" in line for line in body)
    for node in NODE_NAMES:
        world.cluster.fleet[node].fault = None
    await world.measured()
    assert (await nobody.ask("/readyz")).body == "ok"


async def unready(caller: Caller) -> str:
    answer = await caller.ask("/readyz?verbose")
    assert answer.code == 500
    text: str = answer.body
    return text
