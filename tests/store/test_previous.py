"""Which earlier point a new one is compared with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.store import previous
from kubevitals.store.previous import NS_PER_MS, Point, previous_of, window_ns

RESOLUTION_NS = 15_000_000_000
BASE_MS = 1_790_000_000_000


def at(seconds):
    return BASE_MS + round(seconds * 1000)


def start(seconds):
    return at(seconds) * NS_PER_MS


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (9.999, previous.FIRST_SEEN),
        (10, previous.FROM_START),
        (14.999, previous.FROM_START),
        (15, previous.FIRST_SEEN),
        (-1, previous.FIRST_SEEN),
    ],
)
def test_fresh_means_ten_seconds_to_one_resolution(age, expected):
    """A container counts as fresh from an age of 10 s until it is a resolution old."""
    assert previous_of(at(100), 1, start(100 - age), None, RESOLUTION_NS) == (expected, 0)


@pytest.mark.parametrize("seconds", [5, 10])
def test_at_a_short_resolution_nothing_is_fresh(seconds):
    """With a resolution of 10 s or less no container is measured from its start."""
    assert previous_of(at(12), 1, start(0), None, seconds * 1_000_000_000) == (previous.FIRST_SEEN, 0)


def test_a_start_at_the_time_of_the_last_point_is_a_restart():
    """A container that started no earlier than its last point cannot have made that point."""
    last = Point(at(100), 10, 1, start(0))

    assert previous_of(at(130), 20, start(100), last, RESOLUTION_NS) == (previous.RESTARTED, 0)
    assert previous_of(at(130), 20, start(100) - 1, last, RESOLUTION_NS) == (at(100), 10)


def test_an_unknown_start_is_never_a_restart():
    """Old kubelets tell no start times; their containers are measured like nodes."""
    last = Point(at(100), 10, 1, 0)

    assert previous_of(at(115), 20, 0, last, RESOLUTION_NS) == (at(100), 10)


def test_a_start_time_that_goes_back_is_no_continuation():
    """Points of which the newer claims the earlier start are not compared, nor is one that lost its start."""
    last = Point(at(100), 10, 1, start(50))

    assert previous_of(at(115), 20, start(40), last, RESOLUTION_NS) == (previous.START_WENT_BACK, 0)
    assert previous_of(at(115), 20, 0, last, RESOLUTION_NS) == (previous.START_WENT_BACK, 0)


def test_a_late_point_can_be_measured_from_the_start():
    """A late point takes over the start as its previous point, just as it takes over an earlier scrape."""
    last = Point(at(14), 8, 1, start(0), previous.FROM_START, 0)

    chosen = previous_of(at(9), 5, start(0), last, RESOLUTION_NS)

    assert chosen == (previous.FROM_START, 0)
    assert window_ns(at(9), start(0), chosen[0]) == 9_000_000_000


def test_a_late_point_needs_one_that_is_older():
    """A point measured together with the one before the last is not compared with it."""
    last = Point(at(140), 8, 1, 0, at(125), 4)

    assert previous_of(at(125), 9, 0, last, RESOLUTION_NS) == (previous.NOT_NEWER, 0)


def test_a_late_point_of_another_start_has_no_previous_point():
    """A late point from another start than the last one is compared with nothing."""
    last = Point(at(140), 8, 1, start(0), at(125), 4)

    assert previous_of(at(135), 9, start(1), last, RESOLUTION_NS) == (previous.NOT_NEWER, 0)


def test_a_late_point_with_less_cpu_than_the_one_before_it_is_a_restart():
    """The counter rule holds for late points, too."""
    last = Point(at(140), 8, 1, 0, at(125), 4)

    assert previous_of(at(135), 3, 0, last, RESOLUTION_NS) == (previous.COUNTER_WENT_BACK, 0)


def test_every_mark_is_explained():
    """Each mark but the start has a clause for people."""
    marks = {value for name, value in vars(previous).items() if name.isupper() and isinstance(value, int) and value < 0}

    assert set(previous.REASONS) == marks - {previous.FROM_START}


times = st.integers(0, 4_000_000_000_000)
starts = st.one_of(st.just(0), st.integers(1, 4_000_000_000_000_000_000))
counters = st.integers(0, 2**64 - 1)


@given(
    time_ms=times,
    cpu_ns=counters,
    start_ns=starts,
    last=st.none() | st.builds(Point, times, counters, st.just(0), starts, st.just(previous.FIRST_SEEN)),
    resolution_ns=st.integers(1, 10**12),
)
def test_a_chosen_point_is_earlier_and_has_used_no_more(time_ms, cpu_ns, start_ns, last, resolution_ns):
    """Whatever the kubelets tell, a window is positive and the CPU time in it is not negative."""
    previous_ms, previous_cpu_ns = previous_of(time_ms, cpu_ns, start_ns, last, resolution_ns)
    window = window_ns(time_ms, start_ns, previous_ms)

    assert (window > 0) == previous.has_previous(previous_ms)
    assert 0 <= previous_cpu_ns <= cpu_ns
