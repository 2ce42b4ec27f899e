"""Which earlier point a new point is compared with. Pure.

A CPU rate needs two points of one uninterrupted counter. The rules are those of metrics-server's storage:

1. a container that started between 10 s and one resolution ago is measured from its start, when it had used
   nothing;
2. a container that has not restarted is measured from its last point, or, when the new point is not newer
   than that, from the one before it, if that is older;
3. all others have no previous point in this scrape, and so no rate.

Two rules are stricter than metrics-server's: a counter or a start time that goes back counts as a restart,
and a late point must come from the same start as the last one.

Previous times lie in columns of milliseconds. A negative number there is no time but a mark: ``FROM_START``,
or a key of ``REASONS``.
"""

from __future__ import annotations

from typing import NamedTuple

NS_PER_MS = 1_000_000
FRESH_AGE_NS = 10_000_000_000  # younger containers are too short-lived for an honest rate

FROM_START = -1  # the previous point is the container's start, with no CPU used
FIRST_SEEN = -2
RESTARTED = -3
NOT_NEWER = -4
COUNTER_WENT_BACK = -5
START_WENT_BACK = -6
CLOCK_JUMPED = -7
AHEAD = -8
STALE = -9
BEYOND_CPU = -10
BEYOND_MEMORY = -11

REASONS = {
    FIRST_SEEN: "was first seen in this scrape",
    RESTARTED: "restarted since the scrape before",
    NOT_NEWER: "has no measurement newer than those before",
    COUNTER_WENT_BACK: "has a CPU counter that went back, as after a restart",
    START_WENT_BACK: "has an earlier start time than in the scrape before",
    CLOCK_JUMPED: "was measured by a clock that has jumped since the scrape before",
    AHEAD: "has a measurement dated later than the node's own time",
    STALE: "has not been measured by the kubelet for too long",
    BEYOND_CPU: "seems to use more CPU than the node has",
    BEYOND_MEMORY: "seems to use more memory than the node has",
}
LABELS = {
    RESTARTED: "restarted",
    NOT_NEWER: "not_newer",
    COUNTER_WENT_BACK: "counter_went_back",
    START_WENT_BACK: "start_went_back",
    CLOCK_JUMPED: "clock_jumped",
    AHEAD: "ahead_of_the_node",
    STALE: "stale",
    BEYOND_CPU: "beyond_cpu",
    BEYOND_MEMORY: "beyond_memory",
}
"""Reasons as label values of a counter; what was first seen is no reason to count."""


class Point(NamedTuple):
    """One measurement of a node or container, and the earlier one it is compared with.

    ``start_ns`` is 0 when unknown, as it always is for a node. ``previous_ms`` is a time or a mark.
    """

    time_ms: int
    cpu_ns: int
    memory: int
    start_ns: int = 0
    previous_ms: int = FIRST_SEEN
    previous_cpu_ns: int = 0


def window_ns(time_ms: int, start_ns: int, previous_ms: int) -> int:
    """Return the nanoseconds between a point and its previous one; 0 when it has none."""
    if previous_ms >= 0:
        return (time_ms - previous_ms) * NS_PER_MS
    if previous_ms == FROM_START:
        return time_ms * NS_PER_MS - start_ns
    return 0


def has_previous(previous_ms: int) -> bool:
    """Return whether a previous time stands for a point, not for the lack of one."""
    return previous_ms >= FROM_START


def previous_of(time_ms: int, cpu_ns: int, start_ns: int, last: Point | None, resolution_ns: int) -> tuple[int, int]:
    """Choose what a new point is compared with.

    Args:
        time_ms: when the new point was measured.
        cpu_ns: its cumulative CPU time.
        start_ns: when its container started; 0 when unknown, and for a node.
        last: the newest point known so far, None when there is none.
        resolution_ns: the time between two scrapes.

    Returns:
        the previous point's time (or FROM_START, or a key of REASONS) and its cumulative CPU time.
    """
    if start_ns and FRESH_AGE_NS <= time_ms * NS_PER_MS - start_ns < resolution_ns:
        return FROM_START, 0
    if last is None:
        return FIRST_SEEN, 0
    if start_ns and start_ns >= last.time_ms * NS_PER_MS:
        return RESTARTED, 0
    if start_ns < last.start_ns:
        return START_WENT_BACK, 0
    chosen = (last.time_ms, last.cpu_ns) if time_ms > last.time_ms else _before(time_ms, start_ns, last)
    return (COUNTER_WENT_BACK, 0) if cpu_ns < chosen[1] else chosen


def _before(time_ms: int, start_ns: int, last: Point) -> tuple[int, int]:
    """Choose for a point that is not newer than the last one: that one's previous point, if it is older."""
    window = window_ns(last.time_ms, last.start_ns, last.previous_ms)
    if window and start_ns == last.start_ns and last.time_ms * NS_PER_MS - window < time_ms * NS_PER_MS:
        return last.previous_ms, last.previous_cpu_ns
    return NOT_NEWER, 0
