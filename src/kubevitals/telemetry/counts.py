"""Counters that cost one dictionary entry per combination of label values. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.registry import Collector


class Counts(Collector):
    """A counter; the caller bounds the combinations of label values.

    Unlike the library's, its name need not end in ``_total``, as not all of Kubernetes' do.
    """

    def __init__(self, name: str, documentation: str, *labels: str) -> None:
        self._family = name, documentation
        self._labels = labels
        self._values: dict[tuple[str, ...], int] = {} if labels else {(): 0}

    def add(self, *values: str) -> None:
        """Count one event, under its label values in the order of the labels."""
        self._values[values] = self._values.get(values, 0) + 1

    def collect(self) -> Iterator[Metric]:
        """Yield the one family."""
        name, documentation = self._family
        metric = Metric(name, documentation, "counter")
        for values, count in self._values.items():
            metric.add_sample(name, dict(zip(self._labels, values, strict=True)), count)
        yield metric
