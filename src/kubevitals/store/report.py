"""What the kubelet of one node last reported, and what is left of its report before. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from kubevitals.model import Batch, Capacity, DroppedPod, NodePoint, NodeUsage, PodRows, PodUsage, Withheld
from kubevitals.store import usage
from kubevitals.store.columns import NO_COLUMNS, follow
from kubevitals.store.plausible import Bounds, Clock, after_a_jump, believable, believable_node
from kubevitals.store.previous import CLOCK_JUMPED, LABELS, Point, has_previous, previous_of

PodKey = tuple[str, str]  # namespace, name


class Tally(NamedTuple):
    """How many nodes and containers have a previous point, and how many pods have one for every container."""

    nodes: int = 0
    containers: int = 0
    pods: int = 0


class Report:
    """One node's points; its arrays are exchanged by every successful scrape.

    ``place`` is the node's name as the tuple that the index of pods holds for each of its pods.
    ``absorbed_ms`` is when the last scrape was absorbed.
    ``revision`` grows whenever the points change.

    Args:
        node: its name.
        keep_ms: how long points are kept.
    """

    __slots__ = ("_clock", "absorbed_ms", "columns", "dropped", "place", "point", "reason", "revision", "tally")

    def __init__(self, node: str, keep_ms: int) -> None:
        self._clock = Clock(keep_ms)
        self.place = (node,)
        self.columns = NO_COLUMNS
        self.dropped: tuple[DroppedPod, ...] = ()
        self.point: Point | None = None
        self.reason = ""
        self.absorbed_ms = 0
        self.revision = 0
        self.tally = Tally()

    def absorb(self, batch: Batch, now_ms: int, resolution_ns: int, capacity: Capacity) -> None:
        """Take in a scrape; what it does not mention is gone, and what cannot be true gets no rate."""
        jumped = self._clock.read(batch, now_ms)
        bounds = self._clock.bounds(now_ms, capacity)
        before = NO_COLUMNS if jumped else self.columns
        columns = follow(before, batch, resolution_ns)
        self.columns = believable(after_a_jump(columns) if jumped else columns, batch, before, bounds)
        self.dropped = batch.dropped
        self.point = self._node_point(batch.node, resolution_ns, bounds, jumped=jumped)
        self.reason = batch.node_reason
        self.absorbed_ms = now_ms
        self._changed()

    def names_same_pods(self, batch: Batch) -> bool:
        """Return whether a scrape names the pods that are held, as far as that can be told at a glance."""
        return batch.layout is self.columns.layout and batch.dropped == self.dropped

    def pods(self) -> set[PodKey]:
        """Return every pod named in the last scrape, with points or without."""
        held = {(pod.namespace, pod.name) for pod in self.columns.layout.pods}
        return held.union((pod.namespace, pod.name) for pod in self.dropped)

    def rows(self, namespace: str, name: str) -> PodRows | None:
        """Return where a pod's points lie; None when it has none here."""
        position = self._position(namespace, name)
        return None if position is None else self.columns.layout.pods[position]

    def usage(self, namespace: str, name: str) -> NodeUsage | PodUsage | Withheld | None:
        """Return the use of a pod, or of the node when the namespace is empty; None of a pod that is not known here."""
        return self.pod_usage(namespace, name) if namespace else self.node_usage()

    def node_usage(self) -> NodeUsage | Withheld:
        """Return the node's use."""
        if self.point is None:
            return Withheld(self.reason or "the kubelet reported no use of the node itself")
        return usage.node_usage(self.point)

    def pod_usage(self, namespace: str, name: str) -> PodUsage | Withheld | None:
        """Return a pod's use; None when the last scrape did not name it."""
        for pod in self.dropped:
            if pod.name == name and pod.namespace == namespace:
                return Withheld(pod.reason)
        rows = self.rows(namespace, name)
        return None if rows is None else self.usage_in(rows)

    def usage_in(self, rows: PodRows) -> PodUsage | Withheld:
        """Return the use of the pod whose rows these are; they must be of the last scrape."""
        return usage.pod_usage(self.columns, rows)

    def forget_pod(self, namespace: str, name: str) -> None:
        """Drop a pod; the next scrape that names it finds it for the first time."""
        position = self._position(namespace, name)
        if position is not None:
            self.columns = self.columns.without(position)
        self.dropped = tuple(pod for pod in self.dropped if (pod.namespace, pod.name) != (namespace, name))
        self._changed()

    def discarded(self) -> Iterator[str]:
        """Yield, for each point of the last scrape that has no rate, why not: a value of ``previous.LABELS``."""
        marks = [] if self.point is None else [self.point.previous_ms]
        if self.tally.containers < self.columns.layout.rows:
            marks += self.columns.previous_ms
        return (LABELS[mark] for mark in marks if mark in LABELS)

    def is_complete(self) -> bool:
        """Return whether nothing that the last scrape named is withheld."""
        return self.tally.nodes == 1 and self.tally.pods == len(self.columns.layout.pods) and not self.dropped

    def _position(self, namespace: str, name: str) -> int | None:
        pods = self.columns.layout.pods
        position = bisect_left(pods, (namespace, name))
        found = position < len(pods) and pods[position][:2] == (namespace, name)
        return position if found else None

    def _changed(self) -> None:
        self.revision += 1
        counted = self.point is not None and has_previous(self.point.previous_ms)
        self.tally = Tally(int(counted), self.columns.containers, self.columns.pods)

    def _node_point(self, new: NodePoint | None, resolution_ns: int, bounds: Bounds, *, jumped: bool) -> Point | None:
        if new is None:
            return None
        previous_ms, previous_cpu_ns = previous_of(new.time_ms, new.cpu_ns, 0, self.point, resolution_ns)
        point = Point(new.time_ms, new.cpu_ns, new.memory, 0, previous_ms, previous_cpu_ns)
        return point._replace(previous_ms=CLOCK_JUMPED) if jumped else believable_node(point, bounds)
