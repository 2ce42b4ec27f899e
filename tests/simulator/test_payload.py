"""The body of /metrics/resource."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.simulator.payload import Row, container_labels, number, pod_labels, render
from kubevitals.simulator.workload import Reading


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.25, "0.25"),
        (123.456789012, "123.456789012"),
        (3.1e-05, "3.1e-05"),
        (999999.0, "999999"),
        (1e6, "1e+06"),
        (1626515.3072539, "1.6265153072539e+06"),
        (21000000.5, "2.10000005e+07"),
        (1750607841.8297591, "1.7506078418297591e+09"),
        (1e15, "1e+15"),
    ],
)
def test_numbers_are_printed_as_go_prints_them(value, expected):
    """The shortest form, with an exponent below 1e-4 and from 1e6."""
    assert number(value) == expected


@given(st.one_of(st.integers(0, 10**15).map(float), st.floats(0, 1e15)))
def test_every_number_reads_back_as_itself(value):
    """No digit is lost in print."""
    assert float(number(value)) == value


def test_a_whole_body():
    """Families come in order, each series with its own timestamp but for the start time."""
    body = render(
        [Row(container_labels("ns", "p", "c"), Reading(5000, 1_500_000_000, 2 << 20), 1.7e9)],
        [Row(pod_labels("ns", "p"), Reading(5001, 1_600_000_000, 3 << 20))],
        Reading(5002, 9_000_000_000, 4 << 20),
    )
    lines = [line for line in body.decode().splitlines() if not line.startswith("#")]
    assert lines == [
        'container_cpu_usage_seconds_total{container="c",namespace="ns",pod="p"} 1.5 5000',
        'container_memory_working_set_bytes{container="c",namespace="ns",pod="p"} 2.097152e+06 5000',
        'container_start_time_seconds{container="c",namespace="ns",pod="p"} 1.7e+09',
        "node_cpu_usage_seconds_total 9 5002",
        "node_memory_working_set_bytes 4.194304e+06 5002",
        'pod_cpu_usage_seconds_total{namespace="ns",pod="p"} 1.6 5001',
        'pod_memory_working_set_bytes{namespace="ns",pod="p"} 3.145728e+06 5001',
        "resource_scrape_error 0",
    ]
    assert body.endswith(b"\n")


def test_families_without_series_are_not_printed():
    """A kubelet without statistics says only that there was an error."""
    assert render([], [], None).decode().splitlines() == [
        "# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise",
        "# TYPE resource_scrape_error gauge",
        "resource_scrape_error 1",
    ]


def test_help_and_type_precede_their_family():
    """Each family has its two comment lines, with the stability level."""
    lines = render([], [], Reading(1, 1, 1)).decode().splitlines()
    assert lines[:2] == [
        "# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds",
        "# TYPE node_cpu_usage_seconds_total counter",
    ]
