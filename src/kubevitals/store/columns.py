"""The container points of one node: one array per number, row ``i`` of each is one container. Pure.

A scrape that names the same containers in the same order brings the same Layout object. Its arrays then take
the place of the last ones, which become the previous ones: no copy, and no object per container.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from operator import ge, gt
from typing import NamedTuple

from kubevitals.model import NO_LAYOUT, Batch, Layout, PodRows
from kubevitals.store.previous import FROM_START, NS_PER_MS, Point, has_previous, previous_of

_NONE = -1  # stands for "no row" among row numbers


class Columns(NamedTuple):
    """The last points of a node's containers, and the previous time and CPU of each.

    ``previous_ms`` holds times or marks of ``store.previous``. ``settled`` says that every container had
    run for a resolution or more. ``containers`` counts those with a previous point, ``pods`` those that have
    one for each of their containers. ``latest_ms`` is
    the latest time, and ``total_ns`` all CPU time together.
    """

    layout: Layout
    time_ms: array[int]
    cpu_ns: array[int]
    memory: array[int]
    start_ns: array[int]
    previous_ms: array[int]
    previous_cpu_ns: array[int]
    settled: bool
    containers: int
    pods: int
    latest_ms: int
    total_ns: int

    def point(self, row: int) -> Point:
        """Return one row."""
        return Point(
            self.time_ms[row],
            self.cpu_ns[row],
            self.memory[row],
            self.start_ns[row],
            self.previous_ms[row],
            self.previous_cpu_ns[row],
        )

    def without(self, position: int) -> Columns:
        """Return the points less those of the pod at this position; its rows go with the next scrape."""
        pods, rows = self.layout
        layout = Layout(pods[:position] + pods[position + 1 :], rows)
        containers, complete = _count(layout, self.previous_ms)
        return self._replace(layout=layout, containers=containers, pods=complete)


def counted(columns: Columns) -> Columns:
    """Return the same points with their counts made anew."""
    containers, pods = _count(columns.layout, columns.previous_ms)
    return columns._replace(containers=containers, pods=pods)


NO_COLUMNS = Columns(
    NO_LAYOUT, array("q"), array("Q"), array("Q"), array("q"), array("q"), array("Q"), False, 0, 0, 0, 0
)


def follow(columns: Columns, batch: Batch, resolution_ns: int) -> Columns:
    """Return what is known after a scrape, given what was known before it."""
    run_on = _run_on(columns, batch)
    odd = _odd_rows(columns, batch) if run_on else range(batch.layout.rows)
    previous_ms, previous_cpu_ns = columns.time_ms, columns.cpu_ns
    containers, pods = batch.layout.rows, len(batch.layout.pods)
    if odd or not run_on:
        previous_ms, previous_cpu_ns = _previous(columns, batch, odd, resolution_ns)
        if min(previous_ms, default=0) < FROM_START:
            containers, pods = _count(batch.layout, previous_ms)
    return Columns(
        batch.layout,
        batch.time_ms,
        batch.cpu_ns,
        batch.memory,
        batch.start_ns,
        previous_ms,
        previous_cpu_ns,
        run_on or _settled(batch, resolution_ns),
        containers,
        pods,
        batch.latest_ms,
        sum(batch.cpu_ns),
    )


def _run_on(columns: Columns, batch: Batch) -> bool:
    """Return whether all containers are the same and too old to be fresh, and none has restarted."""
    return batch.layout is columns.layout and columns.settled and batch.start_ns == columns.start_ns


def _settled(batch: Batch, resolution_ns: int) -> bool:
    youngest_ns = min(batch.time_ms, default=0) * NS_PER_MS - max(batch.start_ns, default=0)
    return youngest_ns >= max(resolution_ns, 1)


def _odd_rows(columns: Columns, batch: Batch) -> Sequence[int]:
    """Return the rows whose previous point is not simply the last one: no newer time, or less CPU."""
    if all(map(gt, batch.time_ms, columns.time_ms)) and all(map(ge, batch.cpu_ns, columns.cpu_ns)):
        return ()
    pairs = zip(batch.time_ms, columns.time_ms, batch.cpu_ns, columns.cpu_ns, strict=True)
    return [row for row, (time, last, cpu, last_cpu) in enumerate(pairs) if time <= last or cpu < last_cpu]


def _previous(columns: Columns, batch: Batch, odd: Sequence[int], resolution_ns: int) -> tuple[array[int], array[int]]:
    """Return the columns of previous times and CPU: the last ones, but for the odd rows."""
    before = rows_before(columns.layout, batch.layout)
    previous_ms, previous_cpu_ns = columns.time_ms[:], columns.cpu_ns[:]
    if batch.layout is not columns.layout:
        empty = bytes(8 * batch.layout.rows)
        previous_ms, previous_cpu_ns = array("q", empty), array("Q", empty)
    for row in odd:
        last = None if before[row] == _NONE else columns.point(before[row])
        previous_ms[row], previous_cpu_ns[row] = previous_of(
            batch.time_ms[row], batch.cpu_ns[row], batch.start_ns[row], last, resolution_ns
        )
    return previous_ms, previous_cpu_ns


def rows_before(old: Layout, new: Layout) -> Sequence[int]:
    """Return for each row of a layout the row of the same container in an older one; -1 where it had none."""
    if new is old:
        return range(new.rows)
    known = {(pod.namespace, pod.name): pod for pod in old.pods}
    return [row for pod in new.pods for row in _pod_rows_before(known.get((pod.namespace, pod.name)), pod)]


def _pod_rows_before(old: PodRows | None, new: PodRows) -> Iterator[int]:
    rows = {} if old is None else dict(zip(old.containers, range(old.start, old.stop), strict=True))
    return (rows.get(container, _NONE) for container in new.containers)


def _count(layout: Layout, previous_ms: array[int]) -> tuple[int, int]:
    """Return how many containers have a previous point, and how many pods have one for every container."""
    containers = pods = 0
    for pod in layout.pods:
        found = sum(map(has_previous, previous_ms[pod.start : pod.stop]))
        containers += found
        pods += found == pod.stop - pod.start
    return containers, pods
