"""A kubelet's ``/metrics/resource`` body in, one batch of points out. Pure.

Any bytes give a Batch or an ExpositionError, in linear time. Strict where a number could change: a body cut
short, a broken value or timestamp, bytes that are no UTF-8. Tolerant elsewhere: order of labels and lines,
carriage returns, comments, families that are not used.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from kubevitals.errors import ExpositionError
from kubevitals.model import NO_LAYOUT, Batch, DroppedPod, Layout, NodePoint, PodRows
from kubevitals.scraper import lines
from kubevitals.scraper.causes import CAUSES
from kubevitals.scraper.lines import Key, Readings, Sample
from kubevitals.scraper.rows import Clock, Row, UnusableError, container_row, node_point

# Warnings of a batch. The first is trouble on the node, the others tell what was tolerated.
SCRAPE_ERROR: Final = "the kubelet reports an error while gathering container metrics"
EMPTY: Final = "the body is empty"
NOTHING_KNOWN: Final = "the body holds no series of the resource metrics"
OLD_NAMES: Final = "metric names of Kubernetes 1.18.0, without _total, are ignored"
ONLY_PODS: Final = "pod series without any container series: container stats come from the CRI before 1.36"
NO_TIMESTAMPS: Final = "series without timestamps are taken as of the request"
REPEATED: Final = "a series came more than once; the last one counts"
UNNAMED: Final = "container series without container, namespace or pod are ignored"
NEGATIVE_START: Final = "a start time with a negative timestamp is ignored"
CARRIAGE_RETURNS: Final = "lines end with carriage returns"

_SCRAPE_ERRORS: Final = ("resource_scrape_error", "scrape_error")
_OLD_NAMES: Final = frozenset({"container_cpu_usage_seconds", "node_cpu_usage_seconds"})
_POD_FAMILIES: Final = frozenset({"pod_cpu_usage_seconds_total", "pod_memory_working_set_bytes"})
_TEXT_MEDIA: Final = frozenset({"", "text/plain", "application/openmetrics-text"})


class Decoder:
    """Decodes one node's bodies. While the names in them stay the same, its batches share one layout."""

    def __init__(self) -> None:
        self._layout = NO_LAYOUT

    def decode(self, body: bytes, *, requested_ms: int, content_type: str = "") -> Batch:
        """Return the points of a body.

        Args:
            body: as served, already decompressed.
            requested_ms: when the request was sent; the time of series that carry no timestamp.
            content_type: decides between text format and OpenMetrics, whose timestamps are seconds.

        Raises:
            ExpositionError: the body cannot be read; there are no partial results.
        """
        media = content_type.partition(";")[0].strip().lower()
        openmetrics = media == "application/openmetrics-text"
        try:
            text = _text(body)
            readings = lines.read(text, openmetrics=openmetrics)
        except ExpositionError as error:
            if media in _TEXT_MEDIA:
                raise
            raise ExpositionError(error.cause, f"the body is {media}: {error.detail}", error.remedy) from error
        batch = self._batch(readings, Clock(requested_ms, openmetrics))
        batch.warnings = tuple(_warnings(text, readings))
        return batch

    def _batch(self, readings: Readings, clock: Clock) -> Batch:
        pods, rows, dropped = _pods(readings, clock)
        node, reason = _node(readings, clock)
        return Batch(
            layout=self._same_layout(Layout(tuple(pods), len(rows))),
            time_ms=array("q", [row.time_ms for row in rows]),
            cpu_ns=array("Q", [row.cpu_ns for row in rows]),
            memory=array("Q", [row.memory for row in rows]),
            start_ns=array("q", [row.start_ns for row in rows]),
            node=node,
            node_reason=reason,
            dropped=tuple(dropped),
        )

    def _same_layout(self, layout: Layout) -> Layout:
        if layout != self._layout:
            self._layout = Layout(tuple(map(_interned, layout.pods)), layout.rows)
        return self._layout


def _interned(pod: PodRows) -> PodRows:
    # Namespaces and container names repeat from pod to pod and node to node; one copy serves all.
    containers = tuple(map(sys.intern, pod.containers))
    return pod._replace(namespace=sys.intern(pod.namespace), containers=containers)


def _pods(readings: Readings, clock: Clock) -> tuple[list[PodRows], list[Row], list[DroppedPod]]:
    pods: list[PodRows] = []
    rows: list[Row] = []
    dropped: list[DroppedPod] = []
    for (namespace, name), keys in groupby(_container_keys(readings), key=lambda key: key[:2]):
        try:
            found = _containers(readings, list(keys), clock)
        except UnusableError as why:
            dropped.append(DroppedPod(namespace, name, str(why)))
            continue
        containers = tuple([row.container for row in found])
        pods.append(PodRows(namespace, name, len(rows), len(rows) + len(found), containers))
        rows += found
    return pods, rows, dropped


def _container_keys(readings: Readings) -> list[Key]:
    families = readings.families
    return sorted(
        families[lines.CONTAINER_CPU].keys()
        | families[lines.CONTAINER_MEMORY].keys()
        | families[lines.CONTAINER_START].keys()
    )


def _containers(readings: Readings, keys: list[Key], clock: Clock) -> list[Row]:
    """Return one pod's rows: all, or none, since a partial sum would make an autoscaler scale down."""
    rows = []
    for key in keys:
        try:
            rows.append(container_row(readings, key, clock))
        except UnusableError as why:
            raise UnusableError(f"container {key[2]}: {why}" if len(keys) > 1 else str(why)) from None
    return rows


def _node(readings: Readings, clock: Clock) -> tuple[NodePoint | None, str]:
    try:
        return node_point(readings, clock), ""
    except UnusableError as why:
        return None, str(why)


def _text(body: bytes) -> str:
    """Return the body as text; comments may hold bytes that are no UTF-8, samples may not."""
    if b"\0" in body:
        raise ExpositionError("parse", "the body holds a zero byte", CAUSES["parse"].remedy)
    try:
        return body.decode()
    except UnicodeDecodeError:
        return "\n".join(_line_text(number, line) for number, line in enumerate(body.split(b"\n"), 1))


def _line_text(number: int, line: bytes) -> str:
    if line.lstrip(b" \t").startswith(b"#"):
        return line.decode(errors="replace")
    try:
        return line.decode()
    except UnicodeDecodeError:
        remedy = CAUSES["parse"].remedy
        raise ExpositionError("parse", f"line {number} is not UTF-8", remedy) from None


def _warnings(text: str, readings: Readings) -> Iterator[str]:
    if any(_is_set(readings.skipped.get(name)) for name in _SCRAPE_ERRORS):
        yield SCRAPE_ERROR
    yield from _missing(text, readings)
    yield from _tolerated(text, readings)


def _is_set(line: str | None) -> bool:
    return line is not None and line.split()[1:2] not in ([], ["0"])


def _missing(text: str, readings: Readings) -> Iterator[str]:
    found = any(readings.families.values())
    if not text:
        yield EMPTY
    elif not found and not readings.skipped:
        yield NOTHING_KNOWN
    if not _OLD_NAMES.isdisjoint(readings.skipped) and not _cpu_samples(readings):
        yield OLD_NAMES
    if not _POD_FAMILIES.isdisjoint(readings.skipped) and not _container_keys(readings):
        yield ONLY_PODS


def _cpu_samples(readings: Readings) -> list[Sample]:
    families = readings.families
    return [*families[lines.CONTAINER_CPU].values(), *families[lines.NODE_CPU].values()]


def _tolerated(text: str, readings: Readings) -> Iterator[str]:
    cpu = _cpu_samples(readings)
    if cpu and all(time is None for _, time in cpu):
        yield NO_TIMESTAMPS
    if readings.repeated:
        yield REPEATED
    if readings.unnamed:
        yield UNNAMED
    if readings.negative_start:
        yield NEGATIVE_START
    if "\r" in text:
        yield CARRIAGE_RETURNS
