"""The body of a kubelet's /metrics/resource, as Kubernetes 1.33 writes it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kubevitals.simulator.workload import Reading

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Row(NamedTuple):
    """One container, pod or node: its labels as printed, what was read, and its start (0: not printed)."""

    labels: str
    reading: Reading
    start: float = 0.0


class _Family(NamedTuple):
    head: str
    name: str


def _family(name: str, kind: str, help_text: str) -> _Family:
    return _Family(f"# HELP {name} [STABLE] {help_text}\n# TYPE {name} {kind}\n", name)


_CPU, _MEMORY = "Cumulative cpu time consumed by the", "Current working set of the"
_CONTAINER_CPU = _family("container_cpu_usage_seconds_total", "counter", f"{_CPU} container in core-seconds")
_CONTAINER_MEMORY = _family("container_memory_working_set_bytes", "gauge", f"{_MEMORY} container in bytes")
_CONTAINER_START = _family(
    "container_start_time_seconds", "gauge", "Start time of the container since unix epoch in seconds"
)
_NODE_CPU = _family("node_cpu_usage_seconds_total", "counter", f"{_CPU} node in core-seconds")
_NODE_MEMORY = _family("node_memory_working_set_bytes", "gauge", f"{_MEMORY} node in bytes")
_POD_CPU = _family("pod_cpu_usage_seconds_total", "counter", f"{_CPU} pod in core-seconds")
_POD_MEMORY = _family("pod_memory_working_set_bytes", "gauge", f"{_MEMORY} pod in bytes")
_ERRORS = _family(
    "resource_scrape_error", "gauge", "1 if there was an error while getting container metrics, 0 otherwise"
)


def container_labels(namespace: str, pod: str, container: str) -> str:
    """Return a container's labels; Kubernetes names need no escapes."""
    return f'{{container="{container}",namespace="{namespace}",pod="{pod}"}}'


def pod_labels(namespace: str, pod: str) -> str:
    """Return a pod's labels."""
    return f'{{namespace="{namespace}",pod="{pod}"}}'


def render(containers: Iterable[Row], pods: Iterable[Row], node: Reading | None) -> bytes:
    """Return the body: families in alphabetical order, each series with its own timestamp.

    Args:
        containers: in the order of (container, namespace, pod), as the kubelet prints them.
        pods: in the order of (namespace, pod).
        node: None leaves the node out and reports an error, as a kubelet without statistics does.
    """
    containers, pods = list(containers), list(pods)
    nodes = [Row("", node)] if node else []
    parts = [
        *_cpu(_CONTAINER_CPU, containers),
        *_memory(_CONTAINER_MEMORY, containers),
        *_starts(containers),
        *_cpu(_NODE_CPU, nodes),
        *_memory(_NODE_MEMORY, nodes),
        *_cpu(_POD_CPU, pods),
        *_memory(_POD_MEMORY, pods),
        f"{_ERRORS.head}{_ERRORS.name} {0 if node else 1}\n",
    ]
    return "".join(parts).encode()


def _cpu(family: _Family, rows: list[Row]) -> list[str]:
    lines = [f"{family.name}{labels} {number(reading.cpu_ns / 1e9)} {reading.time_ms}\n" for labels, reading, _ in rows]
    return [family.head, *lines] if lines else []


def _memory(family: _Family, rows: list[Row]) -> list[str]:
    lines = [
        f"{family.name}{labels} {number(float(reading.memory))} {reading.time_ms}\n" for labels, reading, _ in rows
    ]
    return [family.head, *lines] if lines else []


def _starts(rows: list[Row]) -> list[str]:
    lines = [f"{_CONTAINER_START.name}{labels} {number(start)}\n" for labels, _, start in rows if start]
    return [_CONTAINER_START.head, *lines] if lines else []


def number(value: float) -> str:
    """Return a number as Go's ``strconv.FormatFloat(value, 'g', -1, 64)`` does; not negative, below 1e16."""
    text = repr(value)
    if value < 1e6:
        if "e" in text:  # below 1e-4, where both use an exponent of at least two digits
            return text
        return text[:-2] if text.endswith(".0") else text
    whole, _, fraction = text.partition(".")
    digits = (whole + fraction).rstrip("0")
    mantissa = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{mantissa}e+{len(whole) - 1:02d}"
