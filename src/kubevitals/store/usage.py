"""From two points to a rate, or the reason why there is none. Pure."""

from __future__ import annotations

from functools import lru_cache

from kubevitals.model import ContainerUsage, NodeUsage, PodRows, PodUsage, Withheld
from kubevitals.store.columns import Columns
from kubevitals.store.previous import NS_PER_MS, REASONS, Point, window_ns

_NS_PER_S = 1_000_000_000


def rate(cpu_ns: int, window: int) -> int:
    """Return nanocores for CPU time used in a window of nanoseconds.

    The arithmetic is metrics-server's to the last bit: a float64 division by Go's ``Duration.Seconds()``,
    truncated.
    """
    return int(cpu_ns / _go_seconds(window))


@lru_cache(maxsize=4096)  # the windows of one cycle are a few hundred
def _go_seconds(window: int) -> float:
    seconds, nanoseconds = divmod(window, _NS_PER_S)
    return seconds + nanoseconds / 1e9


def node_usage(point: Point) -> NodeUsage | Withheld:
    """Return a node's use from its last point, or why it has none."""
    window = window_ns(point.time_ms, point.start_ns, point.previous_ms)
    if not window:
        return withheld("the node", point.previous_ms)
    return NodeUsage(point.time_ms, window, rate(point.cpu_ns - point.previous_cpu_ns, window), point.memory)


def pod_usage(columns: Columns, pod: PodRows) -> PodUsage | Withheld:
    """Return a pod's use, or why it has none: one container without a rate withholds the whole pod.

    Time and window are those of the container measured earliest, and of two such the smaller window.
    """
    _, times, cpu_ns, memory, start_ns, previous_ms, previous_cpu_ns, *_ = columns
    containers: list[ContainerUsage] = []
    first = None
    for row, name in enumerate(pod.containers, pod.start):
        time_ms, before_ms = times[row], previous_ms[row]
        window = (time_ms - before_ms) * NS_PER_MS if before_ms >= 0 else window_ns(time_ms, start_ns[row], before_ms)
        if not window:
            return withheld(f"container {name}", before_ms)
        nanocores = rate(cpu_ns[row] - previous_cpu_ns[row], window)
        containers.append(ContainerUsage(name, nanocores, memory[row]))
        if first is None or (time_ms, window) < first:
            first = time_ms, window
    assert first is not None, "a pod without containers has no rows"
    return PodUsage(*first, tuple(containers))


def withheld(subject: str, mark: int) -> Withheld:
    """Return the reason that a mark in a column of previous times stands for."""
    return Withheld(f"{subject} {REASONS[mark]}")
