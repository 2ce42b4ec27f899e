"""What was last measured of every node and container, and what it was before. Pure; time is passed in, monotonic.

A scrape replaces what its node reported before, and nothing else: a node whose scrape fails keeps its points
with their true timestamps until ``keep`` seconds have passed, and the next success is computed across the
gap. The clock of a node is never compared with the server's: only differences within one node count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from kubevitals.model import Batch, Capacity, NodeUsage, PodRows, PodUsage, Withheld
from kubevitals.store.derived import Derived
from kubevitals.store.places import Places
from kubevitals.store.report import PodKey, Report, Tally


class WithheldObject(NamedTuple):
    """An object that a kubelet reports and that has no usage; ``kind`` is ``Node`` or ``Pod``."""

    kind: str
    namespace: str
    name: str
    reason: str


def _unknown(_: str) -> Capacity:
    return Capacity()


def _uncounted(_: str) -> None:
    """Nobody counts."""


class Points:
    """The points of a cluster.

    Args:
        resolution: seconds between two scrapes of a node.
        keep: seconds that the points of a node outlive its last successful scrape; 3 resolutions when None.
        first_revision: where ``revision`` starts, so that it can keep growing across restarts of the server.
        capacity: what a node has, by name.
        discard: told why a point got no rate, a value of ``previous.LABELS``, once for each point.

    ``derived`` is for readers, which keep there what they made of the points of an object. It has nothing of a pod
    that several nodes report, provided that readers ask ``reported_once`` first.
    """

    def __init__(
        self,
        *,
        resolution: float,
        keep: float | None = None,
        first_revision: int = 1,
        capacity: Callable[[str], Capacity] = _unknown,
        discard: Callable[[str], None] = _uncounted,
    ) -> None:
        self._resolution_ns = round(resolution * 1_000_000_000)
        self._keep_ms = round((3 * resolution if keep is None else keep) * 1000)
        self._capacity = capacity
        self._discard = discard
        self._reports: dict[str, Report] = {}
        self._places = Places()
        self._bound: dict[PodKey, str] = {}  # of pods that several nodes report
        self._tally = Tally()
        self.revision = first_revision
        self.derived = Derived()

    @property
    def node_points(self) -> int:
        """How many nodes have a previous point, and so a usage."""
        return self._tally.nodes

    @property
    def container_points(self) -> int:
        """How many containers have a previous point."""
        return self._tally.containers

    @property
    def pods_with_usage(self) -> int:
        """How many pods have a usage; a pod that two nodes report may count twice."""
        return self._tally.pods

    def absorb(self, node: str, batch: Batch, now_ms: int) -> None:
        """Take in a successful scrape of a node; the batch's arrays are kept and must not change any more."""
        self.revision += 1
        report = self._reports.get(node)
        if report is None:
            report = self._reports[node] = Report(node, self._keep_ms)
        before, named_before = report.tally, None if report.names_same_pods(batch) else report.pods()
        report.absorb(batch, now_ms, self._resolution_ns, self._capacity(node))
        for reason in report.discarded():
            self._discard(reason)
        self._recount(before, report.tally)
        if named_before is not None:
            self._move(named_before, report)
        self.derived.drop((pod.namespace, pod.name) for pod in batch.dropped)

    def forget_node(self, node: str) -> None:
        """Drop a node and all that its kubelet reported; unknown ones are ignored."""
        report = self._reports.pop(node, None)
        if report is not None:
            self.revision += 1
            self._recount(report.tally, Tally())
            self._places.discard(report.pods(), report.place)
            self._unbind()
            self.derived.drop([("", node), *report.pods()])

    def forget_pod(self, namespace: str, name: str) -> None:
        """Drop a pod's points, so that a new pod of that name starts afresh; unknown ones are ignored."""
        for node in self._places.of(namespace, name):
            self.revision += 1
            report = self._reports[node]
            before = report.tally
            report.forget_pod(namespace, name)
            self._recount(before, report.tally)
            self._places.discard([(namespace, name)], report.place)
        self._bound.pop((namespace, name), None)
        self.derived.drop([(namespace, name)])

    def expire(self, now_ms: int) -> None:
        """Drop every node whose last successful scrape is longer ago than ``keep``."""
        limit = now_ms - self._keep_ms
        for node in [node for node, report in self._reports.items() if report.absorbed_ms < limit]:
            self.forget_node(node)

    def node_usage(self, name: str) -> NodeUsage | Withheld:
        """Return a node's use, or why there is none."""
        report = self._reports.get(name)
        return self._unreported("the node was not scraped successfully") if report is None else report.node_usage()

    def pod_usage(self, namespace: str, name: str) -> PodUsage | Withheld:
        """Return a pod's use, or why there is none."""
        report = self.report(namespace, name)
        found = None if report is None else report.pod_usage(namespace, name)
        return self._unreported("no kubelet reported the pod") if found is None else found

    def report(self, namespace: str, name: str) -> Report | None:
        """Return the report that speaks for a pod, or for a node when the namespace is empty; None when none does."""
        if not namespace:
            return self._reports.get(name)
        nodes = self._places.of(namespace, name)
        if len(nodes) == 1:
            return self._reports[nodes[0]]
        bound = self._bound.get((namespace, name)) if nodes else None
        if bound in nodes:
            return self._reports[bound]
        reports = [self._reports[node] for node in nodes]
        return choose(reports, namespace, name, self._resolution_ns // 1_000_000) if reports else None

    def reported_once(self, namespace: str, name: str) -> bool:
        """Return whether one node alone speaks for an object; a node always does for itself."""
        return not namespace or len(self._places.of(namespace, name)) == 1

    def disputed(self) -> Sequence[PodKey]:
        """Return the pods that several nodes report and of which it was not told yet where they run."""
        return sorted(self._places.shared - self._bound.keys())

    def bind(self, namespace: str, name: str, node: str) -> None:
        """Take in on which node a pod runs: among several that report it, that one speaks for it."""
        if (namespace, name) in self._places.shared:
            self.revision += 1
            self._bound[namespace, name] = node

    def withheld(self) -> Iterator[WithheldObject]:
        """Yield every node and pod that is reported and has no usage; nodes by name, each with its pods."""
        for node, report in sorted(self._reports.items()):
            if not report.is_complete():
                yield from self._withheld_of(node, report)

    def _withheld_of(self, node: str, report: Report) -> Iterator[WithheldObject]:
        found = report.node_usage()
        if isinstance(found, Withheld):
            yield WithheldObject("Node", "", node, found.reason)
        for namespace, name in sorted(report.pods()):
            if self.report(namespace, name) is report:
                pod = report.pod_usage(namespace, name)
                if isinstance(pod, Withheld):
                    yield WithheldObject("Pod", namespace, name, pod.reason)

    def _move(self, before: set[PodKey], report: Report) -> None:
        after = report.pods()
        self._places.discard(before - after, report.place)
        self._places.add(after - before, report.place)
        self._unbind()
        self.derived.drop(before ^ after)

    def _unbind(self) -> None:
        for key in self._bound.keys() - self._places.shared:
            del self._bound[key]

    def _recount(self, before: Tally, after: Tally) -> None:
        if before == after:
            return
        self._tally = Tally(*(total - old + new for total, old, new in zip(self._tally, before, after, strict=True)))

    def _unreported(self, what: str) -> Withheld:
        return Withheld(f"{what} in the last {self._keep_ms / 1000:g} seconds")


def choose(reports: Sequence[Report], namespace: str, name: str, resolution_ms: int) -> Report:
    """Return the one of several reports, in node name order, that speaks for a pod.

    Points that are a resolution or more behind the newest are out. Of the rest the later start wins, because
    two nodes that both report the pod are scraped in turns, and the newest point alone would change sides
    with each scrape. Then the newer point wins, then the smaller node name.
    """
    times = [_times(report, rows) for report in reports if (rows := report.rows(namespace, name)) is not None]
    newest = max((time_ms for _, time_ms, _ in times), default=0)
    current = [entry for entry in times if newest - entry[1] < resolution_ms]
    return max(current, key=lambda entry: entry[:2])[2] if current else reports[0]


def _times(report: Report, rows: PodRows) -> tuple[int, int, Report]:
    """Return a pod's latest start, the time of its earliest point, and the report."""
    columns, where = report.columns, slice(rows.start, rows.stop)
    return max(columns.start_ns[where]), min(columns.time_ms[where]), report
