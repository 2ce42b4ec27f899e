"""Scrapes are lost, and nobody who reads the API notices."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from tests.whole.callers import NODES, PODS
from tests.whole.waiting import eventually, watching
from tests.whole.world import NODE_NAMES, POD_NAMES, World

from kubevitals.simulator.faults import KubeletFault

FAILED = "Node cannot be scraped"


def one_in_three(cycles: int) -> Iterator[KubeletFault | None]:
    """Of each three requests let one, at random, be answered with an error."""
    chance = random.Random(20261123)
    for _ in range(cycles // 3):
        lost = chance.randrange(3)
        yield from (KubeletFault.ERROR if number == lost else None for number in range(3))


@pytest.mark.timeout(180)
async def test_every_third_scrape_lost_leaves_no_gap(world: World) -> None:
    """For a hundred cycles one scrape in three fails, of every node: every list is complete all the time."""
    master, fleet = world.master(), [world.cluster.fleet[name] for name in NODE_NAMES]
    goals = []
    for kubelet in fleet:
        kubelet.fate = one_in_three(99)
        goals.append(kubelet.requests + 99)
    async with watching(lambda: master.names(NODES)) as nodes, watching(lambda: master.names(PODS)) as pods:
        await eventually(lambda: all(k.requests >= goal for k, goal in zip(fleet, goals, strict=True)), within=120)
    assert [names for names in nodes.answers if names != NODE_NAMES] == []
    assert [names for names in pods.answers if names != POD_NAMES] == []
    assert len(nodes.answers) > 200
    assert {line["cause"] for line in world.log.lines(FAILED)} == {"http_500"}


async def test_a_connection_that_is_cut_costs_no_scrape(world: World) -> None:
    """A kubelet that hangs up without a word is asked again at once, and its node was never seen to fail."""
    for name in NODE_NAMES:
        world.cluster.fleet[name].fate = iter([KubeletFault.NOTHING, None] * 5)
    for _ in range(6):
        await world.scraped()
    assert world.log.lines(FAILED) == []


async def test_a_kubelet_slower_than_the_cycle_holds_up_nobody(world: World) -> None:
    """While one kubelet takes its time, the others are scraped in every cycle."""
    slow = world.cluster.fleet["node-2"]
    slow.delay, slow.fault = 0.3, KubeletFault.SLOW
    before = {name: world.cluster.fleet[name].requests for name in NODE_NAMES}
    master = world.master()
    async with watching(lambda: master.names(NODES)) as nodes:
        for _ in range(6):
            await world.scraped("node-1", "node-3")
    assert [names for names in nodes.answers if names != NODE_NAMES] == []
    assert slow.requests - before["node-2"] <= world.cluster.fleet["node-1"].requests - before["node-1"] + 1
