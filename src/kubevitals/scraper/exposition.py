"""A kubelet's ``/metrics/resource`` body in, one batch of points out. Pure.

Any bytes give a Batch or an ExpositionError, in linear time. Strict where a number could change: a body cut
short, a broken value or timestamp, bytes that are no UTF-8. Tolerant elsewhere: order of labels and lines,
carriage returns, comments, families that are not used.

A body of the same shape as one before is read with a memory of what its names mean; any other one by the strict
parser, which does not depend on order and whose results refresh the memory. Both give the same batch.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from typing import Final

from kubevitals.errors import ExpositionError
from kubevitals.model import NO_LAYOUT, Batch, Layout, PodRows
from kubevitals.scraper import lines
from kubevitals.scraper.causes import CAUSES
from kubevitals.scraper.lines import Readings, Sample
from kubevitals.scraper.pods import container_keys, node_of, pods_of
from kubevitals.scraper.remembered import Memory
from kubevitals.scraper.rows import Clock
from kubevitals.scraper.sketch import Sketch, sketch

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
        self._memory = Memory()

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
        clock = Clock(requested_ms, seconds=media == "application/openmetrics-text")
        drawn = None if clock.seconds else sketch(body)
        batch = self._recall(drawn, clock)
        return self._parse(body, media, drawn, clock) if batch is None else batch

    def _recall(self, drawn: Sketch | None, clock: Clock) -> Batch | None:
        batch = self._memory.recall(drawn, clock) if drawn else None
        if batch is not None:
            self._layout = batch.layout
        return batch

    def _parse(self, body: bytes, media: str, drawn: Sketch | None, clock: Clock) -> Batch:
        """Return the batch by the strict parser, and remember what the body's names mean."""
        text, readings = _read(body, media, clock)
        batch = self._batch(readings, clock)
        batch.warnings = tuple(_warnings(text, readings))
        if drawn is not None:
            self._memory.learn(drawn, readings, batch, clock)
        return batch

    def _batch(self, readings: Readings, clock: Clock) -> Batch:
        pods, rows, dropped = pods_of(readings, clock)
        node, reason = node_of(readings, clock)
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


def _read(body: bytes, media: str, clock: Clock) -> tuple[str, Readings]:
    try:
        text = _text(body)
        return text, lines.read(text, openmetrics=clock.seconds)
    except ExpositionError as error:
        if media in _TEXT_MEDIA:
            raise
        raise ExpositionError(error.cause, f"the body is {media}: {error.detail}", error.remedy) from error


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
    if not _POD_FAMILIES.isdisjoint(readings.skipped) and not container_keys(readings):
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
