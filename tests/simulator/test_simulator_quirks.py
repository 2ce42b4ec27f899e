"""Metrics that are wrong though the kubelet answers."""

from __future__ import annotations

import pytest

from kubevitals.simulator.machine import SimulatedMachine
from kubevitals.simulator.quirks import Quirks
from kubevitals.simulator.workload import Steady

CORE = 10**9
A = ("ns", "p", "a")
CPU_OF_A = 'container_cpu_usage_seconds_total{container="a",namespace="ns",pod="p"}'
MEMORY_OF_A = 'container_memory_working_set_bytes{container="a",namespace="ns",pod="p"}'
START_OF_A = 'container_start_time_seconds{container="a",namespace="ns",pod="p"}'


@pytest.fixture
def machine():
    made = SimulatedMachine(Steady(0.0, 0, 0), housekeeping=0)
    made.run_pod("ns", "p", [("a", Steady(10.0, CORE, 100)), ("b", Steady(10.0, CORE, 50))])
    return made


def lines(machine: SimulatedMachine, now: float, start: str) -> list[str]:
    """Return the series whose line begins so."""
    return [line for line in machine.body(now).decode().splitlines() if line.startswith(start)]


def test_without_containers(machine):
    """Pods and node are reported, no container is."""
    machine.set_quirks(Quirks(without_containers=True))
    assert lines(machine, 20.0, "container_") == []
    assert (len(lines(machine, 20.0, "pod_")), len(lines(machine, 20.0, "node_"))) == (2, 2)


def test_only_the_node(machine):
    """Neither containers nor pods are reported, until the quirk is taken back."""
    machine.set_quirks(Quirks(only_node=True))
    assert lines(machine, 20.0, "container_") + lines(machine, 20.0, "pod_") == []
    assert lines(machine, 20.0, "node_cpu") == ["node_cpu_usage_seconds_total 20 20000"]
    machine.set_quirks(Quirks())
    assert len(lines(machine, 20.0, "container_")) == 6


def test_without_the_node(machine):
    """The kubelet reports an error, and containers all the same."""
    machine.set_quirks(Quirks(without_node=True))
    assert lines(machine, 20.0, "node_") == []
    assert lines(machine, 20.0, "resource_scrape_error") == ["resource_scrape_error 1"]
    assert len(lines(machine, 20.0, "container_")) == 6


def test_a_node_of_zero(machine):
    """The node's series are there, and say nothing."""
    machine.set_quirks(Quirks(zero_node=True))
    assert lines(machine, 20.0, "node_") == [
        "node_cpu_usage_seconds_total 0 20000",
        "node_memory_working_set_bytes 0 20000",
    ]


def test_zeros_for_one_container(machine):
    """One container reports zero at the right time, the other what it uses."""
    machine.set_quirks(Quirks(zeros=[A]))
    assert lines(machine, 20.0, CPU_OF_A) + lines(machine, 20.0, MEMORY_OF_A) == [
        f"{CPU_OF_A} 0 20000",
        f"{MEMORY_OF_A} 0 20000",
    ]
    other = CPU_OF_A.replace('"a"', '"b"')
    assert lines(machine, 20.0, other) == [f"{other} 10 20000"]


def test_a_container_twice(machine):
    """The same series comes a second time with other numbers, as of a cgroup that was left over."""
    machine.set_quirks(Quirks(duplicates={A: Steady(5.0, 2 * CORE, 7)}))
    assert lines(machine, 20.0, CPU_OF_A) == [f"{CPU_OF_A} 10 20000", f"{CPU_OF_A} 30 20000"]
    assert lines(machine, 20.0, START_OF_A) == [f"{START_OF_A} 10", f"{START_OF_A} 5"]


def test_a_kubelet_that_is_stuck(machine):
    """Two reads far apart are the same bytes, as of the last measurement."""
    machine.set_quirks(Quirks(stuck_at=30.0))
    assert machine.body(40.0) == machine.body(80.0)
    assert lines(machine, 80.0, CPU_OF_A) == [f"{CPU_OF_A} 20 30000"]
    assert lines(machine, 20.0, CPU_OF_A) == [f"{CPU_OF_A} 10 20000"]


@pytest.mark.parametrize("seconds", [90.0, -5.0])
def test_a_clock_that_is_off(machine, seconds):
    """Every time is off by the same, start times too; the numbers are right."""
    machine.set_quirks(Quirks(clock_ahead=seconds))
    time = int(20_000 + seconds * 1000)
    assert lines(machine, 20.0, CPU_OF_A) == [f"{CPU_OF_A} 10 {time}"]
    assert lines(machine, 20.0, "node_cpu") == [f"node_cpu_usage_seconds_total 20 {time}"]
    assert lines(machine, 20.0, START_OF_A) == [f"{START_OF_A} {int(10 + seconds)}"]
