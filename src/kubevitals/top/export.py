"""Rows as JSON, YAML and CSV: every key always there, null where nothing is known, units in the names. Pure.

These names are an interface: they are documented in ``docs/top.md``, and none is renamed or removed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import yaml

from kubevitals.quantity import format_time
from kubevitals.quoting import shown
from kubevitals.top.model import Row, Use

Record = dict[str, Any]
NODES, PODS, CONTAINERS, TOTALS = "nodes", "pods", "containers", "totals"


def record(row: Row, what: str) -> Record:
    """Return a row with the keys of ``what``: one of NODES, PODS, CONTAINERS, TOTALS."""
    return {**_names(row, what), **_numbers(row, what), **_times(row, what)}


def written(rows: Sequence[Row], what: str, form: str, *, total: Row | None = None, headings: bool = True) -> str:
    """Return rows as a document.

    Args:
        rows: in their order.
        what: which keys they have.
        form: ``json``, ``yaml`` or ``csv``; CSV has no total.
        total: the sum of all, under ``total``.
        headings: whether CSV begins with the names.
    """
    records = [record(row, what) for row in rows]
    if form == "csv":
        return _csv(records, record(Row(""), what), headings=headings)
    document: Record = {"kind": what, "items": records}
    if total is not None:
        document["total"] = record(total, TOTALS)
    if form == "yaml":
        return yaml.safe_dump(document, sort_keys=False)
    return json.dumps(document, indent=2) + "\n"


def _names(row: Row, what: str) -> Record:
    if what == NODES:
        return {"name": row.name}
    if what == TOTALS:
        counts = {"pods": row.pods or 0, "unmeasured": row.unmeasured}
        return {"namespace": row.namespace or None, "name": row.name, **counts}
    container = {"container": row.container} if what == CONTAINERS else {}
    placed = {"node": row.node or None, "owner": row.owner or None}
    return {"namespace": row.namespace, "name": row.name, **container, **placed}


def _numbers(row: Row, what: str) -> Record:
    use, bounds = row.use or Use(), row.bounds
    found: Record = {
        "cpuNanocores": use.cpu,
        "memoryBytes": use.memory,
        "cpuRequestNanocores": bounds.requests.cpu,
        "memoryRequestBytes": bounds.requests.memory,
        "cpuLimitNanocores": bounds.limits.cpu,
        "memoryLimitBytes": bounds.limits.memory,
    }
    if what == NODES:
        found |= {"cpuAllocatableNanocores": row.allocatable.cpu, "memoryAllocatableBytes": row.allocatable.memory}
        found |= {"pods": row.pods}
    return found


def _times(row: Row, what: str) -> Record:
    use = row.use or Use()
    found: Record = {
        "sampleTime": _time(use.time),
        "windowSeconds": None if use.window is None else use.window / 1e9,
    }
    return found if what == TOTALS else found | {"creationTimestamp": _time(row.created)}


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else format_time(int(seconds * 1000))


def _csv(records: Sequence[Record], keys: Record, *, headings: bool) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(keys), lineterminator="\n")
    if headings:
        writer.writeheader()
    writer.writerows({key: _field(value) for key, value in item.items()} for item in records)
    return file.getvalue()


def _field(value: Any) -> Any:
    # JSON and YAML escape control characters by themselves.
    return shown(value) if isinstance(value, str) else value
