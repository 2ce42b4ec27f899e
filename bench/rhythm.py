"""When a server asks its kubelets, and what it missed. Pure: from the notes of the fleet.

All times are in seconds of CLOCK_MONOTONIC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

LATE = 1.6  # resolutions between two scrapes of one node, from which on the later one was late


class Scrapes(NamedTuple):
    """Nodes and times, in order of time."""

    nodes: Sequence[int]
    times: Sequence[float]

    def between(self, start: float, end: float) -> Scrapes:
        """Return those of an interval."""
        kept = [(node, time) for node, time in zip(self.nodes, self.times, strict=True) if start <= time < end]
        return Scrapes([node for node, _ in kept], [time for _, time in kept])


class Phase(NamedTuple):
    """The quiet part of each cycle: ``start`` is when it once began, ``length`` how long it lasts."""

    start: float
    length: float
    resolution: float

    @property
    def margin(self) -> float:
        """Seconds at either end of the quiet phase in which it is not counted on."""
        return min(0.3, self.length / 5)

    def quiet_left(self, now: float) -> float:
        """Return how many seconds are left in which it is certainly quiet, 0 when it is not."""
        gone = (now - self.start) % self.resolution
        return max(0.0, self.length - self.margin - gone) if gone >= self.margin else 0.0

    def active(self, now: float) -> bool:
        """Tell whether kubelets are being asked."""
        return (now - self.start) % self.resolution >= self.length

    def until(self, now: float, place: float) -> float:
        """Return the seconds until the next moment that is ``place`` seconds after the beginning of a quiet phase."""
        return (self.start + place - now) % self.resolution


class Regularity(NamedTuple):
    """How well nodes were scraped in some whole cycles.

    ``missed`` scrapes did not happen, ``late`` ones came too late after the one before, ``longest`` is the longest
    time between two scrapes of one node, in seconds (0 when none was scraped twice).
    """

    missed: int
    late: int
    longest: float


def quiet(times: Iterable[float], resolution: float) -> Phase:
    """Return the longest interval of a cycle in which nothing is asked.

    Raises:
        ValueError: no scrape is given.
    """
    times = list(times)
    places = sorted({time % resolution for time in times})
    gaps = [(after - before, before) for before, after in pairwise([*places, places[0] + resolution])]
    length, start = max(gaps)
    return Phase(start, length, resolution)


def regularity(scrapes: Scrapes, nodes: int, cycles: int, resolution: float) -> Regularity:
    """Return what was missed in an interval of whole cycles.

    Args:
        scrapes: those of the interval.
        nodes: how many there are.
        cycles: how many the interval holds.
        resolution: seconds.
    """
    counts = Counter(scrapes.nodes)
    missed = sum(max(0, cycles - counts[node]) for node in range(nodes))
    gaps: list[float] = []
    last: dict[int, float] = {}
    for node, time in zip(scrapes.nodes, scrapes.times, strict=True):
        if node in last:
            gaps.append(time - last[node])
        last[node] = time
    late = sum(gap > LATE * resolution for gap in gaps)
    return Regularity(missed, late, max(gaps, default=0.0))
