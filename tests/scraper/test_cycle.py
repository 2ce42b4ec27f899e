"""Rounds of scrapes: when, in which order, how many at once, and what becomes of each."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from tests import virtual_time

from kubevitals.model import Address, Node
from kubevitals.scraper.causes import failure
from kubevitals.scraper.client import Reply
from kubevitals.scraper.cycle import PASSING, Cycle, in_order, next_tick
from kubevitals.scraper.target import resolve

NOW = 1_790_000_000.0
BODY = b"node_cpu_usage_seconds_total 1.5\nnode_memory_working_set_bytes 4096\n"


def node(name, *addresses, **fields):
    addresses = addresses or (f"{name}.test",)
    return Node(name, addresses=tuple(Address("InternalIP", address) for address in addresses), **fields)


class Kubelets:
    """A Fetcher: every address answers, but for those that ``faults`` names."""

    def __init__(self, **faults):
        self.faults = dict(faults)
        self.asked = []
        self.limits = []
        self.forgotten = []
        self.in_flight = self.most_in_flight = 0
        self.gate = None

    async def fetch(self, target, address, *, timeout=None, connect_timeout=None):
        self.asked.append((target.node, address))
        self.limits.append((timeout, connect_timeout))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.gate is not None:
                await self.gate.wait()
            else:
                await asyncio.sleep(0)
        finally:
            self.in_flight -= 1
        fault = self.faults.get(address)
        if isinstance(fault, bytes):
            return Reply(fault, "text/plain", int(NOW * 1000))
        if fault is not None:
            raise failure(fault, f"{address} {fault}")
        return Reply(BODY, "text/plain", int(NOW * 1000))

    def forget(self, node):
        self.forgotten.append(node)

    @property
    def connections(self):
        return 0


class Store:
    """A Sink that remembers what it was given."""

    def __init__(self):
        self.batches = {}
        self.forgotten = []
        self.expired = []

    def absorb(self, node, batch, now_ms):
        self.batches.setdefault(node, []).append(batch)

    def forget_node(self, node):
        self.forgotten.append(node)

    def expire(self, now_ms):
        self.expired.append(now_ms)


class Counter:
    """An Observer that remembers what it was told."""

    def __init__(self):
        self.requests = []
        self.began = {}
        self.unsent = 0
        self.cycles = 0
        self.forgotten = []

    def observe_kubelet_request(self, node, *, seconds, success, at):
        self.requests.append((node, success))
        self.began[node] = at

    def count_unsent_kubelet_request(self):
        self.unsent += 1

    def observe_cycle(self, seconds):
        self.cycles += 1

    def forget_node(self, node):
        self.forgotten.append(node)


class World:
    """A cycle and everything around it."""

    def __init__(self, *nodes, client=None, **settings):
        self.nodes = list(nodes)
        self.client = client or Kubelets()
        self.store = Store()
        self.counter = Counter()
        usual = {
            "resolve": partial(resolve, address_types=("InternalIP",), port=10250, use_status_port=False),
            "resolution": 10.0,
            "timeout": 5.0,
            "now": lambda: NOW,
            "retry_after": 0.0,
        }
        self.cycle = Cycle(
            nodes=lambda: list(self.nodes),
            client=self.client,
            sink=self.store,
            observer=self.counter,
            **(usual | settings),
        )


async def test_one_cycle_scrapes_every_node_once():
    """Each node is asked once, its batch absorbed, counted and remembered."""
    world = World(node("a"), node("b"))
    assert not world.cycle.completed.is_set()
    await world.cycle.once()

    assert world.cycle.completed.is_set()
    assert sorted(world.client.asked) == [("a", "a.test"), ("b", "b.test")]
    assert {name: len(batches) for name, batches in world.store.batches.items()} == {"a": 1, "b": 1}
    assert sorted(world.counter.requests) == [("a", True), ("b", True)]
    assert world.counter.began == {"a": NOW, "b": NOW}
    assert world.counter.cycles == 1
    assert len(world.store.expired) == 1
    assert world.cycle.summary() == "2 of 2 nodes scraped"


async def test_a_failure_is_counted_and_kept_as_status():
    """A node that fails has a status with cause and remedy, and gives no batch."""
    world = World(node("a"), node("b"), client=Kubelets(**{"a.test": "http_403"}))
    await world.cycle.once()
    status = world.cycle.status["a"]

    assert (status.ok, status.cause, status.address) == (False, "http_403", "a.test")
    assert list(world.store.batches) == ["b"]
    assert sorted(world.counter.requests) == [("a", False), ("b", True)]
    assert world.cycle.summary() == "1 of 2 nodes scraped: 1 × 403 Forbidden"


async def test_a_node_without_an_address_counts_as_a_failed_request():
    """A node that cannot even be dialled is a failure like any other."""
    world = World(Node("bare"))
    await world.cycle.once()

    assert world.cycle.status["bare"].cause == "no_address"
    assert (world.counter.unsent, world.counter.requests) == (1, [])


async def test_a_body_that_cannot_be_read_is_a_failure():
    """A broken body is a failed scrape of that node only."""
    world = World(node("a"), node("b"), client=Kubelets(**{"a.test": b"<html>\n"}))
    await world.cycle.once()

    assert world.cycle.status["a"].cause == "parse"
    assert list(world.store.batches) == ["b"]


async def test_layouts_last_from_cycle_to_cycle():
    """Each node has a decoder of its own, which remembers its layout."""
    body = (
        b'container_cpu_usage_seconds_total{container="c",namespace="n",pod="p"} 1\n'
        b'container_memory_working_set_bytes{container="c",namespace="n",pod="p"} 1\n'
    )
    world = World(node("a"), client=Kubelets(**{"a.test": body}))
    await world.cycle.once()
    await world.cycle.once()
    first, second = world.store.batches["a"]

    assert first.layout is second.layout


async def test_nodes_that_are_not_ready_are_scraped_too():
    """A kubelet may answer while its node is not ready; metrics-server asks as well."""
    world = World(node("a", ready=False), node("b", terminating=True))
    await world.cycle.once()

    assert world.cycle.summary() == "2 of 2 nodes scraped"


@pytest.mark.parametrize("fields", [{"ready": False}, {"terminating": True}])
async def test_their_failures_are_expected(fields):
    """What fails because the node is going or not ready is marked as no news."""
    world = World(node("a", **fields), client=Kubelets(**{"a.test": "refused"}))
    await world.cycle.once()

    assert world.cycle.status["a"].expected
    assert world.cycle.summary() == "0 of 1 node scraped: 1 × node not ready"


# --- addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", ["dns", "refused", "no_route", "timeout_connect"])
async def test_another_address_is_tried_when_the_first_cannot_be_reached(cause):
    """The most common misconfiguration heals itself: the next address is tried once."""
    world = World(node("a", "first", "second", "third"), client=Kubelets(first=cause))
    await world.cycle.once()

    assert world.client.asked == [("a", "first"), ("a", "second")]
    assert world.cycle.status["a"].address == "second"
    assert world.counter.requests == [("a", True)]


async def test_the_address_that_worked_is_remembered():
    """The next cycle begins with what worked, and forgets it when the node no longer has it."""
    world = World(node("a", "first", "second"), client=Kubelets(first="dns"))
    await world.cycle.once()
    await world.cycle.once()
    world.nodes = [node("a", "new")]
    await world.cycle.once()

    assert [address for _, address in world.client.asked] == ["first", "second", "second", "new"]


@pytest.mark.parametrize("cause", ["san_ip", "http_403", "timeout_headers", "closed"])
async def test_a_kubelet_that_was_reached_is_not_asked_elsewhere(cause):
    """Only DNS and connecting are a matter of the address."""
    world = World(node("a", "first", "second"), client=Kubelets(first=cause))
    await world.cycle.once()

    assert set(world.client.asked) == {("a", "first")}
    assert world.cycle.status["a"].cause == cause


async def test_two_unreachable_addresses_are_both_told():
    """The first address decides the cause, and the detail names both."""
    world = World(node("a", "first", "second"), client=Kubelets(first="dns", second="refused"))
    await world.cycle.once()
    status = world.cycle.status["a"]

    assert (status.cause, status.address, status.detail) == (
        "dns",
        "first",
        "first dns; and at second: second refused",
    )


async def test_the_second_address_decides_when_it_was_reached():
    """A kubelet that answered at the second address is diagnosed there."""
    world = World(node("a", "first", "second"), client=Kubelets(first="dns", second="self_signed"))
    await world.cycle.once()
    status = world.cycle.status["a"]

    assert (status.cause, status.address) == ("self_signed", "second")


async def test_half_of_the_time_is_left_for_the_second_address():
    """While there is another address, connecting may take half of a scrape's time, and no more."""
    world = World(node("a", "first", "second"), node("b"), client=Kubelets(first="refused"))
    await world.cycle.once()
    limits = dict(zip(world.client.asked, world.client.limits, strict=True))

    assert limits["a", "first"][1] == pytest.approx(2.5, abs=0.1)
    assert limits["a", "second"] == (pytest.approx(5.0, abs=0.1), None)
    assert limits["b", "b.test"] == (pytest.approx(5.0, abs=0.1), None)


# --- concurrency and time -----------------------------------------------------------------------------------


async def test_scrapes_at_once_are_bounded():
    """No more scrapes are in flight than allowed, and all get their turn."""
    world = World(*(node(f"n{number}") for number in range(40)), concurrency=1)
    await world.cycle.once()

    assert world.client.most_in_flight == 1  # two would be, as two start together
    assert world.cycle.summary() == "40 of 40 nodes scraped"


async def test_nodes_that_time_out_do_not_keep_others_waiting():
    """Ill nodes have a lane of their own: however long they hang, the healthy ones are scraped."""
    ill = [node(f"ill{number}", ready=False) for number in range(8)]
    well = [node(f"well{number}") for number in range(8)]
    client = Kubelets()
    hanging = asyncio.Event()
    fetch = client.fetch

    async def hang(target, address, **limits):
        if target.node.startswith("ill"):
            await hanging.wait()
        elif len(client.asked) == 7:
            hanging.set()
        return await fetch(target, address, **limits)

    client.fetch = hang
    world = World(*ill, *well, client=client, concurrency=2)
    async with asyncio.timeout(5):
        await world.cycle.once()

    assert world.cycle.summary() == "16 of 16 nodes scraped"


async def test_a_node_without_a_turn_in_its_cycle_is_told():
    """Whoever still waits when the cycle ends has failed, with a cause that blames this side."""
    client = Kubelets()
    client.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.call_later(0.3, client.gate.set)
    world = World(node("a"), node("b"), client=client, concurrency=1, resolution=0.3)
    await world.cycle.once()

    assert [world.cycle.status[name].cause for name in ("a", "b")] == ["", "queued"]
    assert world.counter.requests == [("a", True)]


@pytest.mark.parametrize("cause", sorted(PASSING))
async def test_what_may_be_over_in_a_moment_is_tried_once_more(cause):
    """A kubelet that restarts costs no scrape: the second attempt counts, and the log never knew."""
    client = Kubelets(**{"a.test": cause})
    world = World(node("a"), client=client, retry_after=0.01)
    asyncio.get_running_loop().call_later(0.005, client.faults.clear)
    await world.cycle.once()
    assert (world.cycle.status["a"].ok, len(world.store.batches["a"])) == (True, 1)
    assert world.counter.requests == [("a", False), ("a", True)]


async def test_who_failed_before_or_fails_for_good_is_asked_once_a_cycle():
    """A second attempt is for nodes that worked, and for causes that pass; and it begins within the cycle."""
    client = Kubelets(**{"a.test": "refused", "b.test": "http_401"})
    world = World(node("a"), node("b"), client=client)
    await world.cycle.once()
    assert sorted(client.asked) == [("a", "a.test"), ("a", "a.test"), ("b", "b.test")]
    await world.cycle.once()
    assert sorted(client.asked[3:]) == [("a", "a.test"), ("b", "b.test")]

    late = World(node("a"), client=Kubelets(**{"a.test": "refused"}), resolution=0.3, retry_after=0.25)
    await late.cycle.once()
    assert late.client.asked == [("a", "a.test")]


def test_a_kubelet_slower_than_the_cycle_keeps_its_own_pace():
    """It is never asked twice at once, its answers count when they come, and the others keep theirs."""

    async def main():
        client = Kubelets()
        fetch = client.fetch

        async def slow(target, address, **limits):
            await asyncio.sleep(24.0 if target.node == "slow" else 0.1)
            return await fetch(target, address, **limits)

        client.fetch = slow
        world = World(node("fast"), node("slow"), client=client, resolution=10.0, timeout=30.0)
        synced = asyncio.Event()
        synced.set()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(world.cycle.run(synced))
            await asyncio.sleep(125.0)
            task.cancel()
        assert world.client.most_in_flight == 1  # within fetch: a slow scrape waits before it
        return {name: len(batches) for name, batches in world.store.batches.items()}, world.counter.cycles

    batches, cycles = virtual_time.run(main())
    assert cycles == 12
    assert batches == {"fast": 13, "slow": 4}


def test_a_slow_kubelet_whose_node_goes_is_no_longer_waited_for():
    """Its scrape is given up with the node, and nothing of it is absorbed afterwards."""

    async def main():
        client = Kubelets()
        client.gate = asyncio.Event()
        world = World(node("a"), client=client, resolution=10.0, timeout=30.0)
        synced = asyncio.Event()
        synced.set()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(world.cycle.run(synced))
            await asyncio.sleep(5.0)
            assert client.in_flight == 1
            world.nodes = []
            await asyncio.sleep(10.0)
            assert client.in_flight == 0
            client.gate.set()
            await asyncio.sleep(10.0)
            task.cancel()
        return world

    world = virtual_time.run(main())
    assert (world.store.batches, world.cycle.status) == ({}, {})


async def test_cycles_follow_each_other_once_the_nodes_are_known():
    """Nothing is scraped before the inventories are synced; then every resolution."""
    world = World(node("a"), resolution=0.05)
    synced = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(world.cycle.run(synced))
        for _ in range(5):
            await asyncio.sleep(0)
        assert (world.client.asked, world.cycle.last_start) == ([], None)
        assert world.cycle.summary() == "no cycle has started yet"

        synced.set()
        while world.counter.cycles < 3:
            await asyncio.sleep(0.01)
        task.cancel()

    assert len(world.client.asked) == world.counter.cycles
    assert world.cycle.last_start is not None


async def test_cancelling_a_cycle_cancels_its_scrapes():
    """No scrape outlives its cycle."""
    client = Kubelets()
    client.gate = asyncio.Event()
    world = World(*(node(f"n{number}") for number in range(5)), client=client)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(world.cycle.once())
        while client.in_flight < 5:
            await asyncio.sleep(0)
        task.cancel()

    assert task.cancelled()
    assert client.in_flight == 0


@pytest.mark.parametrize(
    ("now", "expected"),
    [(100.0, 115.0), (101.0, 115.0), (114.9, 115.0), (115.0, 115.0), (115.2, 115.0), (131.0, 130.0), (160.0, 160.0)],
)
def test_missed_ticks_are_dropped(now, expected):
    """A tick that has just passed is made up for at once, older ones are not."""
    assert next_tick(100.0, now, 15.0) == expected


@pytest.mark.parametrize(
    ("works", "expected"), [("", ["a", "b"]), ("b", ["b", "a"]), ("gone", ["a", "b"]), ("a", ["a", "b"])]
)
def test_the_address_that_worked_comes_first(works, expected):
    """Addresses keep their order behind the one that worked."""
    assert in_order(["a", "b"], works) == expected


# --- nodes that go ------------------------------------------------------------------------------------------


async def test_a_node_that_is_gone_is_forgotten_everywhere():
    """Status, connection, points and telemetry of a node go with it, at the next cycle."""
    world = World(node("a"), node("b"))
    await world.cycle.once()
    world.nodes = [node("b")]

    assert world.cycle.summary() == "1 of 1 node scraped"
    await world.cycle.once()
    assert list(world.cycle.status) == ["b"]
    assert [world.client.forgotten, world.store.forgotten, world.counter.forgotten] == [["a"], ["a"], ["a"]]


# --- the real client ----------------------------------------------------------------------------------------


async def test_two_hundred_kubelets_are_scraped_within_seconds(kubelets, tls, client_of):
    """A first cycle with 200 TLS handshakes, and a second one over the kept connections, take little time."""
    nodes = [node(f"node-{number}") for number in range(200)]
    loop = asyncio.get_running_loop()
    async with kubelets(tls=tls) as kubelet, client_of() as client:
        world = World(*nodes, client=client, resolve=lambda one: kubelet.target(one.name))
        began = loop.time()
        await world.cycle.once()
        await world.cycle.once()
        took = loop.time() - began

        assert world.cycle.summary() == "200 of 200 nodes scraped"
        assert (kubelet.connections, len(kubelet.heads), client.connections) == (200, 400, 200)
        assert took < 10


async def test_a_node_that_is_gone_leaves_no_connection(kubelets, tls, client_of):
    """With its node a kept connection goes, too."""
    async with kubelets(tls=tls) as kubelet, client_of() as client:
        world = World(node("a"), client=client, resolve=lambda one: kubelet.target(one.name))
        await world.cycle.once()
        assert client.connections == 1
        world.nodes = []
        await world.cycle.once()

        assert (client.connections, world.cycle.summary()) == (0, "no nodes to scrape")
