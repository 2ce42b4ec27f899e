"""From points to rates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.model import Withheld
from kubevitals.store import previous, usage
from kubevitals.store.previous import Point


@pytest.mark.parametrize(
    ("cpu_ns", "window", "expected"),
    [
        (123_743_000, 15_012_000_000, 8_242_938),
        (734_000_000, 12_250_000_000, 59_918_367),
        (0, 15_000_000_000, 0),
        (1, 60_000_000_000, 0),
        (10_000_000_000, 15_000_000_000, 666_666_666),
        (2**64 - 1, 1_000_000, 18_446_744_073_709_551_616_000),
    ],
)
def test_a_rate_is_a_float64_division_cut_to_whole_nanocores(cpu_ns, window, expected):
    """Rates are what metrics-server computes, to the nanocore; fractions are cut off, never rounded up."""
    assert usage.rate(cpu_ns, window) == expected


def test_a_window_in_seconds_is_whole_seconds_plus_a_fraction():
    """Seconds are summed as Go sums them, which for some windows is not the nearest float64."""
    cpu_ns, window = 545_461_693_100_611_747, 41_817_077_201

    assert usage.rate(cpu_ns, window) == 13_043_993_736_787_700
    assert int(cpu_ns / (window / 1e9)) == 13_043_993_736_787_702


def test_a_node_without_a_previous_point_is_withheld_with_the_reason():
    """The reason names the node, not a container."""
    assert usage.node_usage(Point(1, 1, 1)) == Withheld("the node was first seen in this scrape")


@given(
    cpu_ns=st.integers(0, 2**64 - 1),
    window=st.integers(1, 2**63 - 1),
)
def test_a_rate_is_a_whole_number_of_nanocores(cpu_ns, window):
    """Any CPU time in any window gives a non-negative whole number near the exact quotient."""
    exact = cpu_ns * 1_000_000_000 // window
    actual = usage.rate(cpu_ns, window)

    assert isinstance(actual, int)
    assert abs(actual - exact) <= 1 + exact * 1e-15


@given(mark=st.sampled_from(sorted(previous.REASONS)))
def test_every_reason_reads_as_a_sentence(mark):
    """A subject and a reason make a clause."""
    assert usage.withheld("container app", mark).reason.startswith("container app ")
