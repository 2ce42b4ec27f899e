"""Points that cannot be true get no rate, and all others do."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.model import Capacity, PodUsage, Withheld
from kubevitals.store.points import Points

WEB, API = "default/web/app", "default/api/app"
CORES, MEMORY = 4, 8 << 30


class Node:
    """A node as the store sees it: four cores and 8 GiB, a container and itself, and a clock that may be off."""

    def __init__(self, kubelet, *, resolution=15.0, off=0.0):
        self.kubelet, self.off, self.resolution = kubelet, off, resolution
        self.discarded: Counter[str] = Counter()
        self.points = Points(
            resolution=resolution,
            capacity=lambda node: Capacity(CORES * 10**9, MEMORY) if node == "n" else Capacity(),
            discard=lambda reason: self.discarded.update([reason]),
        )
        self.second = 0.0
        self.cpu = {WEB: 100.0, API: 100.0, "node": 1000.0}

    def scrape(self, after=15.0, cores=1.0, *, memory=1 << 20, age=5.0, stuck=(), **changes):
        """Let time pass, in which everything uses so many cores, and take in what the kubelet then says."""
        self.second += after
        for key in self.cpu:
            self.cpu[key] += after * cores
        at = self.second - age + self.off
        rows = {
            key: changes.get(key.split("/")[1], (at, self.cpu[key], None, memory))
            for key in (WEB, API)
            if key not in stuck
        }
        batch = self.kubelet.batch(rows, changes.get("node", (at, self.cpu["node"], memory)))
        self.points.absorb("n", batch, self.kubelet.EPOCH_MS + round(self.second * 1000))

    def cores(self, name="web"):
        """The CPU served for a pod in cores, or why there is none."""
        usage = self.points.pod_usage("default", name) if name != "node" else self.points.node_usage("n")
        if isinstance(usage, Withheld):
            return usage.reason
        return (usage.containers[0].nanocores if isinstance(usage, PodUsage) else usage.nanocores) / 1e9


@pytest.mark.parametrize("off", [0.0, 3600.0, -86400.0])
def test_a_clock_that_is_off_but_runs_evenly_is_believed(make_kubelet, off):
    """Only differences within a node count: however wrong its clock is, its rates are right."""
    node = Node(make_kubelet(), off=off)
    for _ in range(5):
        node.scrape()
    assert (node.cores(), node.cores("node")) == (1.0, 1.0)
    assert not node.discarded


@pytest.mark.parametrize("leap", [3600.0, 30.0, -25.0, -3600.0])
def test_a_clock_that_jumps_gives_no_rate(make_kubelet, leap):
    """Time that did not pass is not divided by, also where node and server are one machine; then all is right again."""
    node = Node(make_kubelet())
    for _ in range(3):
        node.scrape()
    node.off = leap
    node.scrape()
    reason = "was measured by a clock that has jumped since the scrape before"
    assert (node.cores(), node.cores("node")) == (f"container app {reason}", f"the node {reason}")
    assert node.discarded == {"clock_jumped": 3}
    node.scrape()
    assert (node.cores(), node.cores("node")) == (1.0, 1.0)


def test_more_than_the_node_has_is_not_served(make_kubelet):
    """A counter that leaps, as with the leftovers of a cgroup, costs one point; full load costs none."""
    node = Node(make_kubelet())
    node.scrape()
    node.scrape(cores=CORES)
    assert (node.cores(), node.cores("node")) == (CORES, CORES)
    node.cpu[WEB] += 1e9
    node.scrape()
    assert node.cores() == "container app seems to use more CPU than the node has"
    assert (node.cores("api"), node.cores("node")) == (1.0, 1.0)
    node.scrape(memory=2 * MEMORY)
    assert node.cores() == "container app seems to use more memory than the node has"
    assert node.discarded == {"beyond_cpu": 1, "beyond_memory": 3}
    node.scrape()
    assert node.cores() == 1.0


def test_a_node_of_unknown_size_may_use_anything(make_kubelet):
    """Where the Node object names no capacity, nothing is beyond it."""
    node = Node(make_kubelet())
    node.points = Points(resolution=15.0)
    node.scrape()
    node.scrape(cores=1000.0, memory=1 << 50)
    assert node.cores() == 1000.0


def test_what_the_kubelet_no_longer_measures_is_not_served_for_ever(make_kubelet):
    """A container whose numbers stand still is served for three resolutions, with their true time, and not longer."""
    node = Node(make_kubelet())
    node.scrape()
    node.scrape()
    stuck = (node.second - 5.0, node.cpu[WEB], None, 1 << 20)
    seen = []
    for _ in range(5):
        node.scrape(web=stuck)
        seen.append(node.cores())
    assert seen[:2] == [1.0, 1.0]
    assert seen[-1] in (
        "container app has not been measured by the kubelet for too long",
        "container app has no measurement newer than those before",
    )
    assert (node.cores("api"), node.cores("node")) == (1.0, 1.0)
    assert node.discarded["stale"]


def test_a_point_ahead_of_its_node_is_not_served(make_kubelet):
    """One container that is dated an hour after all others of its node has a wrong date."""
    node = Node(make_kubelet())
    node.scrape()
    node.scrape()
    node.scrape(web=(node.second + 3600.0, 200.0, None, 1 << 20))
    assert node.cores() == "container app has a measurement dated later than the node's own time"
    assert (node.cores("api"), node.discarded) == (1.0, {"ahead_of_the_node": 1})


scrapes = st.tuples(
    st.sampled_from([15.0, 14.0, 16.0, 30.0, 45.0]),  # seconds after the one before
    st.sampled_from([0.0, 0.0, 0.0, 3600.0, 25.0, -40.0, -3600.0]),  # the clock leaps
    st.floats(0.0, CORES),  # cores used
    st.sampled_from([0.0, 0.0, 0.0, 1e9, -50.0, 1e3]),  # the counter leaps
    st.sampled_from([1 << 20, MEMORY, 16 * MEMORY]),
    st.floats(0.0, 10.0),  # age of the measurement
)


@given(history=st.lists(scrapes, max_size=12))
def test_nothing_impossible_is_ever_served(make_kubelet, history):
    """Whatever clocks and counters do, what is served is between nothing and what the node has, and of late."""
    node = Node(make_kubelet())
    for after, leap, cores, glitch, memory, age in history:
        node.off += leap
        node.cpu[WEB] = max(0.0, node.cpu[WEB] + glitch)
        node.scrape(after, cores, memory=memory, age=age)
        for name in ("web", "api"):
            usage = node.points.pod_usage("default", name)
            if isinstance(usage, PodUsage):
                [container] = usage.containers
                assert 0 <= container.nanocores <= 1.5 * CORES * 10**9
                assert 0 < container.memory <= 1.5 * MEMORY
                assert 0 < usage.window_ns <= 120 * 10**9
                own_now = node.kubelet.EPOCH_MS + (node.second + node.off) * 1000
                assert own_now - 60_000 <= usage.time_ms <= own_now + 20_000


def test_windows_are_what_passed(make_kubelet):
    """Over any even run the windows served are those between the scrapes."""
    node = Node(make_kubelet())
    seconds = [15.0, 15.0, 14.5, 30.0, 15.5]
    for after in seconds:
        node.scrape(after)
    moments = [0.0]
    for after in seconds:
        moments.append(moments[-1] + after)
    usage = node.points.pod_usage("default", "web")
    assert isinstance(usage, PodUsage)
    assert usage.window_ns == [round((b - a) * 1e9) for a, b in pairwise(moments)][-1]
