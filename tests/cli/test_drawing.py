"""Small pictures of numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.cli import drawing


@given(st.floats(-1, 3), st.integers(0, 60), st.booleans())
def test_a_bar_has_exactly_its_width(fraction, width, ascii_only):
    """Whatever the load, a bar fills its cells and no more."""
    assert drawing.bar(fraction, width, ascii_only=ascii_only).cell_len == width


@pytest.mark.parametrize(
    ("fraction", "ascii_only", "expected"),
    [
        (0.0, False, "╌╌╌╌"),
        (0.5, False, "██╌╌"),
        (0.03125, False, "▏╌╌╌"),
        (1.0, False, "████"),
        (9.9, False, "████"),
        (0.5, True, "##.."),
    ],
)
def test_bars(fraction, ascii_only, expected):
    """A bar is filled from the left, to an eighth of a cell where there are such characters."""
    assert drawing.bar(fraction, 4, ascii_only=ascii_only).plain == expected


def test_a_curve_shows_the_latest_values():
    """The newest value is at the right, and what does not fit is left out."""
    assert drawing.curve([0.9, 0.0, 0.5, 1.0, 7.0], 4).plain == "▁▅██"
    assert drawing.curve([], 4).plain == ""


@pytest.mark.parametrize(("fraction", "expected"), [(0.1, "green"), (0.6, "yellow"), (0.85, "red"), (2.0, "red")])
def test_colors(fraction, expected):
    """Loads are calm, warm or hot."""
    assert drawing.color(fraction) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, "0m"), (0.0124, "12m"), (0.0999, "100m"), (0.1, "0.10"), (12.345, "12.35")]
)
def test_cores(value, expected):
    """Small loads are in thousandths of a core."""
    assert drawing.cores(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1536, "1.5 KiB"),
        (64 << 20, "64 MiB"),
        (1000 << 20, "1.0 GiB"),
        (5 << 60, "5242880 TiB"),
    ],
)
def test_memory(value, expected):
    """Bytes come in the largest unit that leaves a number above one."""
    assert drawing.memory(value) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(-1, "0s"), (2.4, "2s"), (99.0, "99s"), (180.0, "3m")])
def test_age(seconds, expected):
    """Ages are in seconds, long ones in minutes."""
    assert drawing.age(seconds) == expected


def test_names_from_a_cluster_cannot_command_the_terminal():
    """Escape sequences lose their escape."""
    assert drawing.plain("a\x1b[2Jb\n").plain == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}"
