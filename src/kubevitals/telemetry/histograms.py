"""Histograms that cost little where there are many series or many observations. Pure.

prometheus_client keeps a lock and several objects per bucket (kilobytes per node), and takes one call per value.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TypeVar

from prometheus_client import Metric
from prometheus_client.core import HistogramMetricFamily
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
    """A histogram without labels that counts many equal values in one step."""

    def __init__(self, name: str, documentation: str, bounds: Sequence[float]) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = [*map(promtext.go_float, bounds), "+Inf"]
        self.buckets = Buckets(bounds)

    def collect(self) -> Iterator[Metric]:
        """Yield the one family."""
        metric = HistogramMetricFamily(self._name, self._documentation)
        counts = map(float, accumulate(self.buckets.counts))
        metric.add_metric([], list(zip(self._bounds, counts, strict=True)), self.buckets.total)
        yield metric


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
        moments = list(self._moments.items())
        yield promtext.header(
            self._MOMENT,
            "gauge",
            "[ALPHA] Time of last request performed to Kubelet API since unix epoch in seconds",
        )
        for latest in _slices(moments):
            yield "".join(self._moment(node, at) for node, at in latest)

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

    def _moment(self, node: str, at: int) -> str:
        return f'{self._MOMENT}{{node="{promtext.escape(node)}"}} {promtext.go_float(at)}\n'


def _slices(items: Sequence[tuple[str, _T]]) -> Iterator[Sequence[tuple[str, _T]]]:
    for start in range(0, len(items), _NODES_PER_CHUNK):
        yield items[start : start + _NODES_PER_CHUNK]
