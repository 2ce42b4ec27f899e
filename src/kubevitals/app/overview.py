"""What the server knows about its own work, as entries for ``scrapestatus``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubevitals.quantity import format_time
from kubevitals.scraper.certificate import Certificate
from kubevitals.scraper.status import NodeStatus
from kubevitals.store.points import Points

Entry = dict[str, Any]


def node_entries(
    names: list[str], statuses: Mapping[str, NodeStatus], certificates: Mapping[str, Certificate], now: float
) -> Iterator[Entry]:
    """Yield an entry for each node, by name; one that was not scraped yet has state ``unknown``."""
    for name in names:
        status = statuses.get(name)
        entry: Entry = {"name": name, "state": "unknown"} if status is None else _node(status)
        shown = certificates.get(name)
        if shown is not None:
            entry["certificate"] = _certificate(shown, now)
        yield entry


def withheld_entries(points: Points) -> Iterator[Entry]:
    """Yield an entry for each node and pod that a kubelet reports and that has no usage."""
    for found in points.withheld():
        place = {"namespace": found.namespace} if found.namespace else {}
        yield {"kind": found.kind, **place, "name": found.name, "reason": found.reason}


def _node(status: NodeStatus) -> Entry:
    entry: Entry = {
        "name": status.node,
        "state": "ok" if status.ok else "failing",
        "since": _time(status.since),
        "address": status.address,
    }
    if status.last_success is not None:
        entry["lastSuccess"] = _time(status.last_success)
    if not status.ok:
        entry |= {"cause": status.cause, "detail": status.detail, "remedy": status.remedy, "expected": status.expected}
    if status.node_reason:
        entry["nodeWithheld"] = status.node_reason
    if status.warnings:
        entry["remarks"] = list(status.warnings)
    return entry


def _certificate(shown: Certificate, now: float) -> Entry:
    return {
        "subject": shown.subject,
        "issuer": shown.issuer,
        "names": list(shown.names),
        "fingerprint": f"sha256:{shown.fingerprint}",
        "notAfter": _time(shown.not_after),
        "daysLeft": round(shown.days_left(now), 1),
    }


def _time(seconds: float) -> str:
    return format_time(int(seconds * 1000))
