"""The Prometheus text format, against what Go prints."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric

from kubevitals.telemetry import promtext


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (-2.0, "-2"),
        (0.005, "0.005"),
        (1.8604960000000004, "1.8604960000000004"),
        (364.31163045936864, "364.31163045936864"),
        (999999.0, "999999"),
        (1000000.0, "1e+06"),
        (1234567.0, "1.234567e+06"),
        (1763831640.5, "1.7638316405e+09"),
        (-1500000.0, "-1.5e+06"),
        (1e16, "1e+16"),
        (1.5e300, "1.5e+300"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_are_printed_as_go_prints_them(value: float, text: str) -> None:
    """Numbers have the shortest form, with an exponent from a million on."""
    assert promtext.go_float(value) == text


@given(st.floats(allow_nan=False))
def test_printed_numbers_read_back(value: float) -> None:
    """The printed form is exact."""
    assert float(promtext.go_float(value)) == value


def test_a_family_is_printed_with_help_and_type() -> None:
    """Labels are escaped, the suffix of a counter belongs to its name, _created series are left out."""
    metric = Metric("a", "What it is.", "counter")
    metric.add_sample("a_total", {"x": 'q"\\\n'}, 3.0)
    metric.add_sample("a_created", {"x": "1"}, 1.7e9)

    text = "".join(promtext.family(metric))

    assert text == '# HELP a_total What it is.\n# TYPE a_total counter\na_total{x="q\\"\\\\\\n"} 3\n'


def test_bucket_bounds_are_printed_as_go_prints_them() -> None:
    """The bound of a bucket has no needless decimals."""
    metric = Metric("h", "d", "histogram")
    metric.add_sample("h_bucket", {"le": "1.0"}, 0.0)
    metric.add_sample("h_bucket", {"le": "+Inf"}, 0.0)

    assert list(promtext.family(metric))[1:] == ['h_bucket{le="1"} 0\n', 'h_bucket{le="+Inf"} 0\n']


def test_a_family_without_samples_is_not_printed() -> None:
    """A vector that was never used leaves no lines."""
    assert list(promtext.family(Metric("a", "d", "gauge"))) == []
