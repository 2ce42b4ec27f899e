"""From two points to a rate, or the reason why there is none. Pure."""

from __future__ import annotations

from kubevitals.model import ContainerUsage, NodeUsage, PodRows, PodUsage, Withheld
from kubevitals.store.columns import Columns
from kubevitals.store.previous import REASONS, Point, window_ns

_NS_PER_S = 1_000_000_000


def rate(cpu_ns: int, window: int) -> int:
    """Return nanocores for CPU time used in a window of nanoseconds.

    The arithmetic is metrics-server's to the last bit: a float64 division by Go's ``Duration.Seconds()``,
    truncated.
    """
    seconds, nanoseconds = divmod(window, _NS_PER_S)
    return int(cpu_ns / (seconds + nanoseconds / 1e9))


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
    spans: list[tuple[int, int]] = []
    for row, name in enumerate(pod.containers, pod.start):
        window = window_ns(times[row], start_ns[row], previous_ms[row])
        if not window:
            return withheld(f"container {name}", previous_ms[row])
        nanocores = rate(cpu_ns[row] - previous_cpu_ns[row], window)
        containers.append(ContainerUsage(name, nanocores, memory[row]))
        spans.append((times[row], window))
    return PodUsage(*min(spans), tuple(containers))


def withheld(subject: str, mark: int) -> Withheld:
    """Return the reason that a mark in a column of previous times stands for."""
    return Withheld(f"{subject} {REASONS[mark]}")
