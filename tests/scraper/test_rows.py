"""Samples in, one row of numbers out."""

from __future__ import annotations

import pytest

from kubevitals.model import NodePoint
from kubevitals.scraper.lines import (
    CONTAINER_CPU,
    CONTAINER_MEMORY,
    CONTAINER_START,
    NODE,
    NODE_CPU,
    NODE_MEMORY,
    Readings,
)
from kubevitals.scraper.rows import Clock, Row, UnusableError, container_row, node_point

NOW = 1_790_000_000_000
CLOCK = Clock(NOW, seconds=False)
KEY = ("ns", "p", "c")


def row(cpu=("1.5", None), memory=("4096", None), start=None, clock=CLOCK):
    readings = Readings()
    for family, sample in ((CONTAINER_CPU, cpu), (CONTAINER_MEMORY, memory), (CONTAINER_START, start)):
        if sample is not None:
            readings.families[family][KEY] = sample
    return container_row(readings, KEY, clock)


def reason(**samples):
    with pytest.raises(UnusableError) as raised:
        row(**samples)
    return str(raised.value)


def test_row_has_nanoseconds_bytes_and_the_cpu_samples_time():
    """Units are nanoseconds and bytes, and the point's time is the CPU sample's."""
    assert row(("8.2", "1789999998000"), ("3.92847388672e+11", "1789999998013"), ("1789999500.5", None)) == Row(
        "c", 1789999998000, 8_199_999_999, 392847388672, 1789999500500000000
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "no cpu"),
        ("0", "cpu is 0"),
        ("-0", "cpu is 0"),
        ("-1", "cpu is negative"),
        ("NaN", "cpu is NaN"),
        ("+Inf", "cpu is infinite"),
        ("-Inf", "cpu is infinite"),
        ("1e300", "cpu value out of range"),
        ("1.8446744073709552e+10", "cpu value out of range"),
        ("4.9e-324", "cpu rounds to 0 ns"),
    ],
)
def test_cpu_that_makes_no_point_says_why(value, expected):
    """Zero, missing and impossible CPU make no point; the reason is kept."""
    assert reason(cpu=None if value is None else (value, None)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "no memory"),
        ("0", "memory is 0"),
        ("0.5", "memory rounds to 0 bytes"),
        ("1e19", "memory value out of range"),
    ],
)
def test_memory_that_makes_no_point_says_why(value, expected):
    """Memory follows the same rules as CPU."""
    assert reason(memory=None if value is None else (value, None)) == expected


def test_largest_cpu_fits_its_column():
    """The largest value below 2**64 nanoseconds is kept as it is."""
    assert row(("18446744073.70955", None)).cpu_ns == int(18446744073.70955 * 1e9)


@pytest.mark.parametrize("time", ["0", "946684799999", str(NOW + 86_400_001), "9223372036854775807", "9" * 5000])
def test_times_before_2000_or_after_tomorrow_are_out_of_range(time):
    """A time that cannot be one makes no point, however many digits it has."""
    assert reason(cpu=("1", time)) == "timestamp out of range"


def test_memorys_timestamp_is_never_used():
    """Only the CPU sample's time counts."""
    assert row(("1", "1789999998000"), ("1", "5")).time_ms == 1789999998000


def test_a_sample_without_a_time_is_of_the_request():
    """Where no timestamp is printed, the time of the request stands in."""
    assert row(("1", None)).time_ms == NOW


@pytest.mark.parametrize(
    ("written", "expected"), [("1789999998.123", 1789999998123), ("1.789999999e+09", 1789999999000)]
)
def test_openmetrics_times_are_seconds(written, expected):
    """Seconds with a fraction become milliseconds."""
    assert row(("1", written), clock=Clock(NOW, seconds=True)).time_ms == expected


@pytest.mark.parametrize("written", ["1e400", "1789999998000"])
def test_openmetrics_times_out_of_range_are_seen(written):
    """Milliseconds where seconds belong are out of range."""
    with pytest.raises(UnusableError):
        row(("1", written), clock=Clock(NOW, seconds=True))


@pytest.mark.parametrize("start", ["71.25", "0", "-6.79e9", "NaN", "Inf", "1e300"])
def test_a_start_that_cannot_be_one_is_unknown(start):
    """KWOK prints an age, old kubelets Go's zero time; neither spoils the point."""
    assert row(start=(start, None)).start_ns == 0


def test_a_node_follows_the_same_rules():
    """A node's point has the CPU sample's time, nanoseconds and bytes."""
    readings = Readings()
    readings.families[NODE_CPU][NODE] = ("100.5", "1789999999000")
    readings.families[NODE_MEMORY][NODE] = ("1.048576e+09", "1789999999001")

    assert node_point(readings, CLOCK) == NodePoint(1789999999000, 100_500_000_000, 1_048_576_000)
