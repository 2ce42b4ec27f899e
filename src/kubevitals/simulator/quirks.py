"""How a kubelet's metrics can be wrong though the kubelet answers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kubevitals.simulator.payload import Row, container_labels
from kubevitals.simulator.workload import Reading, Usage

Key = tuple[str, str, str]  # namespace, pod, container


@dataclass(frozen=True, slots=True)
class Quirks:
    """What is wrong with what a node's kubelet reports; nothing at first.

    Args:
        without_containers: there are no series of containers, as with an old cri-dockerd.
        only_node: there are no series of pods either.
        without_node: there are no series of the node, and the kubelet says that there was an error.
        zero_node: the node's series are zero, as with a cgroup driver that reports nothing.
        zeros: these containers report zero, as a dead one or one that the runtime does not measure.
        duplicates: these containers are reported twice, the second time with this, as of a cgroup that was left over.
        stuck_at: seconds since the epoch after which nothing was measured any more.
        clock_ahead: seconds that the node's clock is ahead of the cluster's; negative when it is behind.
    """

    without_containers: bool = False
    only_node: bool = False
    without_node: bool = False
    zero_node: bool = False
    zeros: Sequence[Key] = ()
    duplicates: Mapping[Key, Usage] = field(default_factory=dict)
    stuck_at: float | None = None
    clock_ahead: float = 0.0

    def measured(self, now: float) -> float:
        """Return when the latest measurement can have been made."""
        return now if self.stuck_at is None else min(now, self.stuck_at)

    def containers(self, rows: Sequence[Row], now: float) -> list[Row]:
        """Return the containers' rows as they are reported."""
        if self.without_containers or self.only_node:
            return []
        zeros = {container_labels(*key) for key in self.zeros}
        doubles = {container_labels(*key): usage for key, usage in self.duplicates.items()}
        return [self._dated(row) for row in _distorted(rows, zeros, doubles, now)]

    def pods(self, rows: Sequence[Row]) -> list[Row]:
        """Return the pods' rows as they are reported."""
        return [] if self.only_node else [self._dated(row) for row in rows]

    def node(self, reading: Reading) -> Reading | None:
        """Return what is reported about the node."""
        if self.without_node:
            return None
        return self._dated(Row("", _zero(reading) if self.zero_node else reading)).reading

    def _dated(self, row: Row) -> Row:
        """Return a row with the times of the node's own clock."""
        if not self.clock_ahead:
            return row
        time_ms = row.reading.time_ms + int(self.clock_ahead * 1000)
        return Row(row.labels, row.reading._replace(time_ms=time_ms), row.start and row.start + self.clock_ahead)


def _distorted(rows: Sequence[Row], zeros: set[str], doubles: Mapping[str, Usage], now: float) -> Iterator[Row]:
    for row in rows:
        yield row._replace(reading=_zero(row.reading)) if row.labels in zeros else row
        if (double := doubles.get(row.labels)) is not None:
            yield Row(row.labels, double.at(now), double.start)


def _zero(reading: Reading) -> Reading:
    return Reading(reading.time_ms, 0, 0)
