"""A simulated node as its kubelet sees it."""

from __future__ import annotations

import pytest

from kubevitals.simulator.machine import SimulatedMachine, measured_at
from kubevitals.simulator.workload import Fixed, Reading, Steady

CORE = 10**9
IDLE = Steady(0.0, 0, 0)


def values(body: bytes) -> dict[str, str]:
    """Return what each series says, by name and labels."""
    lines = (line for line in body.decode().splitlines() if not line.startswith("#"))
    return {name: rest for name, _, rest in (line.partition(" ") for line in lines)}


def cpu(machine: SimulatedMachine, now: float) -> float:
    return float(values(machine.body(now))["node_cpu_usage_seconds_total"].split()[0])


@pytest.fixture
def machine():
    made = SimulatedMachine(IDLE, housekeeping=0)
    made.run_pod("ns", "p", [("b", Steady(10.0, CORE, 100)), ("a", Steady(10.0, CORE // 2, 50))])
    return made


def test_a_body_holds_what_containers_use(machine):
    """Containers, their pod and the node are all measured at the time of the scrape."""
    found = values(machine.body(20.0))
    assert found['container_cpu_usage_seconds_total{container="a",namespace="ns",pod="p"}'] == "5 20000"
    assert found['container_cpu_usage_seconds_total{container="b",namespace="ns",pod="p"}'] == "10 20000"
    assert found['pod_memory_working_set_bytes{namespace="ns",pod="p"}'] == "150 20000"
    assert found["node_cpu_usage_seconds_total"] == "15 20000"


def test_series_come_in_the_order_of_their_labels(machine):
    """Containers are sorted by name, then namespace, then pod."""
    machine.run_pod("a", "z", [("b", Steady(10.0, 1, 1))])
    names = [key for key in values(machine.body(20.0)) if key.startswith("container_cpu")]
    assert [name.split('"')[1::2] for name in names] == [["a", "ns", "p"], ["b", "a", "z"], ["b", "ns", "p"]]


def test_a_container_that_just_started_is_not_measured_yet(machine):
    """Without statistics neither the container nor its pod is printed."""
    machine.run_pod("ns", "new", [("c", Steady(20.0, CORE, 1))])
    assert not [name for name in values(machine.body(20.1)) if "new" in name]
    assert [name for name in values(machine.body(20.6)) if "new" in name]


def test_the_nodes_counter_never_goes_back(machine):
    """What pods have used stays in the node's counter when they stop or restart."""
    before = cpu(machine, 20.0)
    machine.restart("ns", "p", "b", Steady(20.0, CORE, 100), 20.0)
    assert cpu(machine, 20.0) == before
    machine.stop_pod("ns", "p", 21.0)
    assert cpu(machine, 21.0) == before + 1.5
    assert cpu(machine, 30.0) == before + 1.5
    machine.stop_pod("ns", "unknown", 22.0)


def test_a_test_can_set_exact_values(machine):
    """Readings of containers and of the node can be given, timestamps included."""
    machine.set_usage("ns", "p", "a", Fixed(10.0, Reading(19_123, 7, 8)))
    machine.set_node(Reading(19_000, 2 * CORE, 9))
    found = values(machine.body(20.0))
    assert found['container_cpu_usage_seconds_total{container="a",namespace="ns",pod="p"}'] == "7e-09 19123"
    assert found["node_memory_working_set_bytes"] == "9 19000"


@pytest.mark.parametrize(
    ("now", "phase", "start", "expected"),
    [
        (100.0, 0.0, 0.0, 100.0),
        (109.9, 0.0, 0.0, 100.0),
        (109.9, 0.5, 0.0, 105.0),
        (103.0, 0.5, 0.0, 95.0),
        (109.0, 0.0, 107.0, 107.5),
        (107.2, 0.0, 107.0, 107.2),
    ],
)
def test_containers_are_measured_once_per_housekeeping_period(now, phase, start, expected):
    """A measurement is up to a period old, but never from before the start."""
    assert measured_at(now, 10.0, phase, start) == expected


def test_timestamps_spread_over_a_period():
    """Containers of one node are measured at different moments, as by a real kubelet."""
    machine = SimulatedMachine(IDLE, housekeeping=10.0)
    machine.run_pod("ns", "p", [(f"c{i}", Steady(0.0, CORE, 1)) for i in range(8)])
    times = {v.split()[1] for k, v in values(machine.body(1000.0)).items() if k.startswith("container_cpu")}
    assert len(times) == 8
    assert all(990_000 < int(time) <= 1_000_000 for time in times)


def test_scrapers_that_ask_at_once_get_the_same_bytes():
    """A body is kept for a moment, and made anew when anything changes."""
    machine = SimulatedMachine(IDLE, housekeeping=10.0)
    first = machine.body(1000.0)
    assert machine.body(1000.1) is first
    machine.run_pod("ns", "p", [("c", Steady(0.0, CORE, 1))])
    assert machine.body(1000.1) != first
