"""Each node has its place in the cycle."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kubevitals.scraper.stagger import length, spread, stagger


@pytest.mark.parametrize(
    ("nodes", "resolution", "seconds"),
    [(0, 15, 0), (1, 15, 0.008), (100, 15, 0.8), (1000, 15, 4), (5000, 15, 10), (5000, 60, 10), (10_000, 60, 20)],
)
def test_the_spread_follows_the_number_of_nodes(nodes: int, resolution: float, seconds: float) -> None:
    """Few nodes are scraped within a moment, many within 4 s, and very many over as much of the cycle as they need."""
    assert spread(nodes, resolution) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("nodes", "strangers", "cycle", "scrapes"),
    [(1000, 1000, 15, 4), (2000, 2000, 15, 8), (5000, 5000, 30, 20), (5000, 2500, 15, 10), (5000, 0, 15, 10)],
)
def test_many_handshakes_take_their_time(nodes: int, strangers: int, cycle: float, scrapes: float) -> None:
    """A first cycle of 5,000 nodes takes as long as two; where most are known already, nothing changes."""
    seconds = length(15.0, strangers)
    assert seconds == pytest.approx(cycle)
    assert spread(nodes, seconds, strangers) == pytest.approx(scrapes)


def test_every_node_has_one_place() -> None:
    """Groups are small, evenly apart, and hold each node once, in order."""
    nodes = [f"n{number}" for number in range(1001)]
    groups = stagger(nodes, 15.0)
    offsets = [offset for offset, _ in groups]
    gaps = [after - before for before, after in pairwise(offsets)]

    assert [node for _, group in groups for node in group] == nodes
    assert max(len(group) for _, group in groups) == 10
    assert offsets[0] == 0
    assert offsets[-1] < 4.0
    assert min(gaps) == pytest.approx(max(gaps))


def test_a_node_keeps_its_place_in_every_cycle() -> None:
    """The same nodes give the same offsets, and one node more moves none by more than a few milliseconds."""
    nodes = [f"n{number:03}" for number in range(500)]
    before = {node: offset for offset, group in stagger(nodes, 15.0) for node in group}
    after = {node: offset for offset, group in stagger(["a", *nodes], 15.0) for node in group}
    assert before == {node: offset for offset, group in stagger(nodes, 15.0) for node in group}
    assert max(abs(after[node] - before[node]) for node in nodes) < 0.1


def test_without_nodes_there_is_nothing_to_do() -> None:
    """A cluster without nodes has a cycle without scrapes."""
    assert stagger([], 15.0) == []
