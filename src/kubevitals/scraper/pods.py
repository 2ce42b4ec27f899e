"""All samples of a body in, its pods, its node and what had to be withheld out. Pure."""

from __future__ import annotations

from itertools import groupby

from kubevitals.model import DroppedPod, NodePoint, PodRows
from kubevitals.scraper import lines
from kubevitals.scraper.lines import Key, Readings
from kubevitals.scraper.rows import Clock, Row, UnusableError, container_row, node_point


def pods_of(readings: Readings, clock: Clock) -> tuple[list[PodRows], list[Row], list[DroppedPod]]:
    """Return the pods and rows of a body in order, and the pods that have series but no usable point."""
    pods: list[PodRows] = []
    rows: list[Row] = []
    dropped: list[DroppedPod] = []
    for (namespace, name), keys in groupby(container_keys(readings), key=lambda key: key[:2]):
        try:
            found = _containers(readings, list(keys), clock)
        except UnusableError as why:
            dropped.append(DroppedPod(namespace, name, str(why)))
            continue
        containers = tuple([row.container for row in found])
        pods.append(PodRows(namespace, name, len(rows), len(rows) + len(found), containers))
        rows += found
    return pods, rows, dropped


def container_keys(readings: Readings) -> list[Key]:
    """Return every container that has a sample of any family, sorted."""
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


def node_of(readings: Readings, clock: Clock) -> tuple[NodePoint | None, str]:
    """Return the node's point, or None and the reason."""
    try:
        return node_point(readings, clock), ""
    except UnusableError as why:
        return None, str(why)
