"""What simulated containers use."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from kubevitals.simulator.workload import Fixed, Reading, Steady, Wave, wave

TIMES = st.floats(1e9, 1e9 + 1e6)


@given(cores=st.floats(0.001, 64), period=st.floats(10, 600), phase=st.floats(0, 1), first=TIMES, second=TIMES)
def test_a_cpu_counter_never_goes_back(cores, period, phase, first, second):
    """Of two moments the later one has used no less CPU, and never more than the swings allow."""
    usage = Wave(1e9, cores, 1 << 30, period, phase)
    first, second = sorted((first, second))
    spent = usage.at(second).cpu_ns - usage.at(first).cpu_ns
    assert -1 <= spent <= 1.86 * cores * (second - first) * 1e9 + 1e4 * cores + 2


def test_a_counter_integrates_its_load():
    """Over many periods the mean rate is the load's mean, while short rates swing around it."""
    usage = Wave(1000.0, 0.5, 1 << 20, 60.0)
    long = (usage.at(7000.0).cpu_ns - usage.at(1000.0).cpu_ns) / 6000e9
    assert abs(long - 0.5) < 0.005
    rates = [(usage.at(t + 1.0).cpu_ns - usage.at(t).cpu_ns) / 1e9 for t in range(2000, 2060)]
    assert min(rates) < 0.3
    assert max(rates) > 0.7


def test_memory_moves():
    """Memory swings around its mean and does not stand still."""
    usage = Wave(0.0, 0.1, 1000_000, 60.0)
    seen = [usage.at(float(t)).memory for t in range(0, 200, 5)]
    assert len(set(seen)) > 20
    assert 900_000 < min(seen) < max(seen) < 1_100_000


def test_a_counter_is_zero_before_its_start():
    """A container that has not started has used nothing."""
    assert Wave(100.0, 1.0, 1).at(50.0).cpu_ns == 0
    assert Steady(100.0, 10**9, 1).at(50.0).cpu_ns == 0


@given(nanocores=st.integers(0, 10**11), first=TIMES, second=TIMES)
def test_a_steady_load_has_exactly_its_rate(nanocores, first, second):
    """The rate between any two readings is exact but for the last nanosecond."""
    usage = Steady(1e9, nanocores, 5)
    one, two = usage.at(first), usage.at(second)
    window = two.time_ms - one.time_ms
    assert abs((two.cpu_ns - one.cpu_ns) - nanocores * window // 1000) <= 1


def test_a_fixed_reading_is_always_the_same():
    """Tests can say exactly what is read."""
    reading = Reading(5, 6, 7)
    assert Fixed(0.0, reading).at(99.0) is reading


def test_no_two_containers_are_alike():
    """Generated usages differ in size, period and phase."""
    rng = random.Random(1)
    made = [wave(0.0, 1.0, 1 << 20, rng.random) for _ in range(20)]
    assert len({usage.cores for usage in made}) == len({usage.phase for usage in made}) == 20
