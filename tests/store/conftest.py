"""Kubelets as the store sees them: scrapes as batches."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from kubevitals.model import Batch, DroppedPod, Layout, NodePoint, PodRows

EPOCH_MS = 1_790_000_000_000  # second 0 of every test; a start time of 0 ns would mean "unknown"

# "namespace/pod/container" -> (seconds, CPU core-seconds, start in seconds or None[, bytes])
Containers = Mapping[str, tuple[float | None, ...]]
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Kubelet:
    """Turns containers into batches, and keeps the same Layout object while their names stay the same.

    With ``remap`` every batch has a layout of its own, as after a decoder lost its memory.
    """

    EPOCH_MS = EPOCH_MS

    def __init__(self, *, remap: bool = False) -> None:
        self._remap = remap
        self._layout = Layout((), 0)

    def batch(
        self,
        containers: Containers = NOTHING,
        node: tuple[float, ...] | None = None,
        *,
        node_reason: str = "",
        dropped: Mapping[str, str] = NOTHING,
    ) -> Batch:
        """Make a batch.

        Args:
            containers: the rows.
            node: (seconds, CPU core-seconds[, bytes]).
            node_reason: why there is no node point.
            dropped: "namespace/pod" -> reason.
        """
        keys = sorted(tuple(key.split("/")) for key in containers)
        rows = [containers["/".join(key)] for key in keys]
        return Batch(
            layout=self._layout_of(keys),
            time_ms=array("q", [ms(row[0]) for row in rows]),
            cpu_ns=array("Q", [round(row[1] * 1e9) for row in rows]),
            memory=array("Q", [row[3] if len(row) > 3 else 1024 for row in rows]),
            start_ns=array("q", [0 if row[2] is None else ms(row[2]) * 1_000_000 for row in rows]),
            node=None if node is None else NodePoint(ms(node[0]), round(node[1] * 1e9), (*node, 4096)[2]),
            node_reason=node_reason,
            dropped=tuple(DroppedPod(*pod.split("/"), reason) for pod, reason in dropped.items()),
        )

    def _layout_of(self, keys: list[tuple[str, ...]]) -> Layout:
        layout = Layout(tuple(_pods(keys)), len(keys))
        if self._remap or layout != self._layout:
            self._layout = layout
        return self._layout


def ms(seconds: float) -> int:
    return EPOCH_MS + round(seconds * 1000)


def _pods(keys: list[tuple[str, ...]]) -> Iterable[PodRows]:
    pods = sorted({key[:2] for key in keys})
    start = 0
    for namespace, name in pods:
        containers = tuple(key[2] for key in keys if key[:2] == (namespace, name))
        yield PodRows(namespace, name, start, start + len(containers), containers)
        start += len(containers)


@pytest.fixture(scope="session")
def make_kubelet() -> Callable[..., Kubelet]:
    """Makes kubelets."""
    return Kubelet


@pytest.fixture
def kubelet() -> Kubelet:
    """A kubelet whose names are remembered from scrape to scrape."""
    return Kubelet()
