"""Histograms that cost little where there are many series or many observations. Pure.

prometheus_client keeps a lock and several objects per bucket (kilobytes per node), and takes one call per value.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

from prometheus_client import Metric
from prometheus_client.registry import Collector

from kubevitals.telemetry import promtext

_T = TypeVar("_T")

DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NODES_PER_CHUNK = 250  # some three milliseconds of formatting


class Buckets:
    """The counts and the sum of one histogram."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = array("Q", bytes(8 * (len(bounds) + 1)))
        self.total = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value; one equal to a bound belongs below it."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times


class Histogram(Collector):
    """A histogram, with a set of buckets for every combination of label values that was observed.

    The caller bounds the combinations. Without labels there is one set from the start, as in Go.
    """

    def __init__(self, name: str, documentation: str, bounds: Sequence[float], labels: Sequence[str] = ()) -> None:
        self._family = name, documentation
        self._labels = tuple(labels)
        self._bounds = bounds
        self._series: dict[tuple[str, ...], Buckets] = {}
        if not labels:
            self.of()

    def of(self, *values: str) -> Buckets:
        """Return the buckets of one combination of label values, in the order of the labels."""
        held = self._series.get(values)
        if held is None:
            held = self._series[values] = Buckets(self._bounds)
        return held

    def collect(self) -> Iterator[Metric]:
        """Yield the one family."""
        metric = Metric(*self._family, "histogram")
        for values, held in list(self._series.items()):
            add_histogram(metric, dict(zip(self._labels, values, strict=True)), self._bounds, held.counts, held.total)
        yield metric


class Timed(Histogram):
    """A histogram of durations, and beside it a counter of the same events under a name of its own."""

    def __init__(
        self,
        counter: tuple[str, str],
        histogram: tuple[str, str],
        bounds: Sequence[float],
        labels: Sequence[str],
    ) -> None:
        super().__init__(*histogram, bounds, labels)
        self._counter = counter

    def collect(self) -> Iterator[Metric]:
        """Yield the counter, then the histogram."""
        name, documentation = self._counter
        metric = Metric(name, documentation, "counter")
        for values, held in list(self._series.items()):
            metric.add_sample(name, dict(zip(self._labels, values, strict=True)), sum(held.counts))
        yield metric
        yield from super().collect()


def add_histogram(
    metric: Metric, labels: dict[str, str], bounds: Sequence[float], counts: Sequence[int], total: float
) -> None:
    """Add the samples of one histogram to its family; ``counts`` holds one more number than there are bounds."""
    running = list(accumulate(counts))
    for bound, count in zip([*map(promtext.go_float, bounds), "+Inf"], running, strict=True):
        metric.add_sample(f"{metric.name}_bucket", {**labels, "le": bound}, count)
    metric.add_sample(f"{metric.name}_sum", labels, total)
    metric.add_sample(f"{metric.name}_count", labels, running[-1])


class KubeletRequests:
    """The two families with one set of series per node: 5,000 nodes are 75,000 lines.

    A node costs a few hundred bytes here, where the library's objects take several thousand.
    """

    _SECONDS = "metrics_server_kubelet_request_duration_seconds"
    _MOMENT = "metrics_server_kubelet_last_request_time_seconds"

    def __init__(self) -> None:
        self._buckets: dict[str, Buckets] = {}
        self._moments: dict[str, int] = {}
        self._bounds = [*map(promtext.go_float, DEFAULT_BUCKETS), "+Inf"]

    def observe(self, node: str, seconds: float, at: float) -> None:
        """Record one request and the moment it began, in whole seconds."""
        buckets = self._buckets.get(node)
        if buckets is None:
            buckets = self._buckets[node] = Buckets(DEFAULT_BUCKETS)
        buckets.observe(seconds)
        self._moments[node] = int(at)

    def forget(self, node: str) -> None:
        """Remove a node's series."""
        self._buckets.pop(node, None)
        self._moments.pop(node, None)

    def text(self) -> Iterator[str]:
        """Yield both families in pieces; nodes that come or go in between are not looked for."""
        if not self._buckets:
            return
        buckets = list(self._buckets.items())
        yield promtext.header(self._SECONDS, "histogram", "[ALPHA] Duration of requests to Kubelet API in seconds")
        for some in _slices(buckets):
            yield "".join(self._histogram(node, held) for node, held in some)
        help_ = "[ALPHA] Time of last request performed to Kubelet API since unix epoch in seconds"
        yield from of_nodes(self._MOMENT, help_, self._moments)

    def _histogram(self, node: str, held: Buckets) -> str:
        name, label = self._SECONDS, f'node="{promtext.escape(node)}"'
        counts = list(accumulate(held.counts))
        lines = [
            f'{name}_bucket{{{label},le="{bound}"}} {count}\n'
            for bound, count in zip(self._bounds, counts, strict=True)
        ]
        lines.append(f"{name}_sum{{{label}}} {promtext.go_float(held.total)}\n")
        lines.append(f"{name}_count{{{label}}} {counts[-1]}\n")
        return "".join(lines)


def of_nodes(name: str, documentation: str, values: Mapping[str, float]) -> Iterator[str]:
    """Yield a gauge with one series per node, in pieces; nothing where there is no node."""
    if not values:
        return
    held = list(values.items())
    yield promtext.header(name, "gauge", documentation)
    for some in _slices(held):
        yield "".join(f'{name}{{node="{promtext.escape(node)}"}} {promtext.go_float(value)}\n' for node, value in some)


def _slices(items: Sequence[tuple[str, _T]]) -> Iterator[Sequence[tuple[str, _T]]]:
    for start in range(0, len(items), _NODES_PER_CHUNK):
        yield items[start : start + _NODES_PER_CHUNK]
