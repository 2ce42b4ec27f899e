"""Which points cannot be true, whatever a kubelet says. Pure.

A number that is withheld is noticed; a wrong one scales a workload. So a point has no rate when

- the node's clock has jumped since the scrape before: time that did not pass would be divided by;
- it was measured later than the node's own now, or longer ago than points are kept;
- it uses more than the node has.

A node's clock may be off, by any amount, as long as it runs evenly: it is compared with the time that passes here, not
with a clock, which on a cluster of one machine would jump along.
"""

from __future__ import annotations

from array import array
from operator import sub
from typing import Final, NamedTuple

from kubevitals.model import Batch, Capacity
from kubevitals.store.columns import Columns, counted
from kubevitals.store.previous import (
    AHEAD,
    BEYOND_CPU,
    BEYOND_MEMORY,
    CLOCK_JUMPED,
    FROM_START,
    NS_PER_MS,
    STALE,
    Point,
    has_previous,
    window_ns,
)

LEAP_MS: Final = 20_000  # kubelets measure every 10 to 15 s, so that what is new may differ in age by so much
BEYOND: Final = 1.5  # times what the node has: the two ends of a short window are read at uncertain moments
_ANY: Final = 1 << 63


class Bounds(NamedTuple):
    """What a believable point keeps to; ``nanocores`` and ``memory`` are of one container or of the node."""

    earliest_ms: int
    latest_ms: int
    nanocores: int
    memory: int


class Clock:
    """A node's clock, as its scrapes show it.

    Args:
        keep_ms: how long points are kept.
    """

    __slots__ = ("_ahead_ms", "_keep_ms", "_newest_ms")

    def __init__(self, keep_ms: int) -> None:
        self._keep_ms = keep_ms
        self._newest_ms: int | None = None
        self._ahead_ms = 0

    def read(self, batch: Batch, now_ms: int) -> bool:
        """Take in a scrape, and the monotonic time of it; return whether the clock has jumped since the one before."""
        newest = batch.node.time_ms if batch.node else max(batch.time_ms, default=None)
        if newest is None:
            return False
        before, self._newest_ms = self._newest_ms, newest
        ahead = newest - now_ms
        if before is None:
            self._ahead_ms = ahead
            return False
        # Without the node's own point the newest container may have gone, which is no jump.
        back = newest < before - (0 if batch.node else LEAP_MS) and ahead <= self._ahead_ms - LEAP_MS
        jumped = back or ahead > self._ahead_ms + LEAP_MS
        self._ahead_ms = ahead if jumped else max(self._ahead_ms, ahead)
        return jumped

    def bounds(self, now_ms: int, capacity: Capacity) -> Bounds:
        """Return what the node's points of now keep to."""
        own_now_ms = now_ms + self._ahead_ms
        return Bounds(
            own_now_ms - self._keep_ms,
            own_now_ms + LEAP_MS,
            int(capacity.nanocores * BEYOND) or _ANY,
            int(capacity.memory * BEYOND) or _ANY,
        )


def after_a_jump(columns: Columns) -> Columns:
    """Return points of which none was known before, for the reason that the clock has jumped."""
    marks = [mark if has_previous(mark) else CLOCK_JUMPED for mark in columns.previous_ms]
    return columns._replace(previous_ms=array("q", marks))


def believable(columns: Columns, batch: Batch, before: Columns, bounds: Bounds) -> Columns:
    """Return the points, those without a rate that are out of bounds.

    Args:
        columns: what is known after the scrape.
        batch: the scrape.
        before: what was known before it.
        bounds: what is believed.
    """
    if not columns.containers or _all_within(columns, batch, before, bounds):
        return columns  # nothing has a rate that could be wrong, or none is
    rows = range(columns.layout.rows)
    previous_ms = array("q", [_judged(columns.point(row), bounds).previous_ms for row in rows])
    return columns if previous_ms == columns.previous_ms else counted(columns._replace(previous_ms=previous_ms))


def believable_node(point: Point, bounds: Bounds) -> Point:
    """Return the node's point, without a rate if it is out of bounds."""
    return _judged(point, bounds)


def _all_within(columns: Columns, batch: Batch, before: Columns, bounds: Bounds) -> bool:
    """Return whether nothing needs a closer look, as in nearly every scrape: by all together, or by the extremes."""
    if batch.earliest_ms < bounds.earliest_ms or batch.latest_ms > bounds.latest_ms:
        return False
    if batch.most_memory > bounds.memory:
        return False
    if bounds.nanocores == _ANY:
        return True
    used_ns, at_least_ms = columns.total_ns - before.total_ns, batch.earliest_ms - before.latest_ms
    if columns.previous_cpu_ns is before.cpu_ns and used_ns * 1000 <= bounds.nanocores * at_least_ms:
        return True
    most_ns = max(map(sub, columns.cpu_ns, columns.previous_cpu_ns))
    shortest_ms = min(map(sub, columns.time_ms, columns.previous_ms))
    return min(columns.previous_ms) >= 0 and most_ns * 1000 <= bounds.nanocores * shortest_ms


def _judged(point: Point, bounds: Bounds) -> Point:
    if point.previous_ms < FROM_START:
        return point
    window = window_ns(point.time_ms, point.start_ns, point.previous_ms)
    if point.time_ms > bounds.latest_ms:
        mark = AHEAD
    elif point.time_ms < bounds.earliest_ms:
        mark = STALE
    elif point.memory > bounds.memory:
        mark = BEYOND_MEMORY
    elif (point.cpu_ns - point.previous_cpu_ns) * 1000 * NS_PER_MS > bounds.nanocores * window:
        mark = BEYOND_CPU
    else:
        return point
    return point._replace(previous_ms=mark)
