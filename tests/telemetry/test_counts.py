"""Counters under names that the library would not have."""

from __future__ import annotations

from kubevitals.telemetry import promtext
from kubevitals.telemetry.counts import Counts


def lines(counts: Counts) -> list[str]:
    return [line for metric in counts.collect() for line in promtext.family(metric)]


def test_a_counter_without_labels_is_there_from_the_start() -> None:
    """It begins at zero, as in Go."""
    counts = Counts("events_total", "d")
    before = lines(counts)[1:]

    counts.add()

    assert before == ["events_total 0\n"]
    assert lines(counts)[1:] == ["events_total 1\n"]


def test_each_combination_of_values_counts_alone() -> None:
    """Series appear with their first event, under a name that need not end in _total."""
    counts = Counts("events", "d", "kind", "code")
    assert lines(counts) == []

    for event in (("a", "1"), ("a", "2"), ("a", "1")):
        counts.add(*event)

    assert lines(counts) == [
        "# HELP events d\n# TYPE events counter\n",
        'events{kind="a",code="1"} 2\n',
        'events{kind="a",code="2"} 1\n',
    ]
