"""Which nodes the provider cannot measure, and why: from its own status, its log, and what kubelets answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kubevitals.doctor.evidence import Evidence, KubeletView, Unseen, some, text_of
from kubevitals.doctor.loglines import troubled
from kubevitals.doctor.running import leaves_out, provider_pod
from kubevitals.doctor.wordings import OTHER, row_of_cause, row_of_text

_OWN_REFUSAL = re.compile(r"\bnodes(/\w+)? \"?[\w.-]+\"? is forbidden|cannot get resource")
_PROXY_WORDS = "error trying to reach service: "
_QUICK = 2.0  # seconds: a kubelet that answers the API server sooner is not slow
_OVERLOADED = ("D25", "D26", OTHER)  # what a look through the API server may explain better


@dataclass(frozen=True, slots=True)
class NodeTrouble:
    """Why one node cannot be measured.

    Args:
        node: its name.
        row: the row of the catalogue.
        said: what was said of it.
        seen: where that was said.
    """

    node: str
    row: str
    said: str
    seen: str


def troubles(evidence: Evidence) -> list[NodeTrouble]:
    """Return at most one trouble for each node, by name of the node."""
    reported = {found.node: found for found in (*_from_logs(evidence), *_from_status(evidence))}
    measured = _measured(evidence)
    measured |= {node.metadata.name for node in some(evidence.nodes) if leaves_out(evidence, node)}
    answered = {found.node: found for found in _from_kubelets(evidence) if found.node not in measured}
    for name, found in answered.items():
        before = reported.get(name)
        if before is None or (before.row in _OVERLOADED and found.row in ("D21", OTHER)):
            reported[name] = found
    return [_refined(evidence, found) for _, found in sorted(reported.items())]


def _measured(evidence: Evidence) -> set[str]:
    return {found.metadata.name for found in some(evidence.node_metrics)}


def _from_status(evidence: Evidence) -> Iterator[NodeTrouble]:
    for entry in node_status(evidence).values():
        if entry.get("state") == "failing":
            cause, detail = str(entry.get("cause", "")), str(entry.get("detail", ""))
            yield NodeTrouble(str(entry["name"]), row_of_cause(cause, detail), detail or cause, "scrapestatus")
        elif reason := entry.get("nodeWithheld"):
            yield NodeTrouble(str(entry["name"]), OTHER, str(reason), "scrapestatus")


def node_status(evidence: Evidence) -> Mapping[str, Mapping[str, Any]]:
    """Return the entries of ``scrapestatus`` by node; only kubevitals has them."""
    if isinstance(evidence.status, Unseen):
        return {}
    entries = evidence.status.get("nodes")
    found = entries if isinstance(entries, list) else []
    return {str(entry["name"]): entry for entry in found if isinstance(entry, dict) and entry.get("name")}


def _from_logs(evidence: Evidence) -> Iterator[NodeTrouble]:
    """Yield what logs say of nodes that exist and have no metrics; lines may be old."""
    if not isinstance(evidence.status, Unseen):
        return
    known = None if isinstance(evidence.nodes, Unseen) else {node.metadata.name for node in evidence.nodes}
    measured = _measured(evidence)
    for pod, log in evidence.logs.items():
        for node, (row, said) in troubled(text_of(log)).items():
            if node not in measured and (known is None or node in known):
                yield NodeTrouble(node, row, said, f"log of {pod}")


def _from_kubelets(evidence: Evidence) -> Iterator[NodeTrouble]:
    for name, view in evidence.kubelets.items():
        if said := failure(view):
            row = row_of_text(said)
            seen = f"kubectl get --raw /api/v1/nodes/{name}/proxy/metrics/resource"
            yield NodeTrouble(name, row, said, seen)
        elif not isinstance(view.metrics, Unseen) and view.metrics and not _has_node(view.metrics):
            said = "node_cpu_usage_seconds_total or node_memory_working_set_bytes is missing or 0"
            yield NodeTrouble(name, OTHER, said, "the kubelet's /metrics/resource")


def failure(view: KubeletView) -> str:
    """Return why the API server gets no metrics from a kubelet; empty when it does, or when we may not ask."""
    seen = view.metrics
    if not isinstance(seen, Unseen) or not seen.path:
        return ""
    if _OWN_REFUSAL.search(seen.message) or seen.code == 401 or seen.message.startswith("Forbidden (user="):
        return ""
    said = seen.message.partition(_PROXY_WORDS)[2] or seen.message
    return said if seen.code <= 0 else f"HTTP {seen.code}: {said}"


_NODE_SERIES = tuple(
    re.compile(rb"^%s(?:\{[^}]*\})? (?!0(?:\.0*)?(?:\s|$))[0-9]" % name, re.MULTILINE)
    for name in (b"node_cpu_usage_seconds_total", b"node_memory_working_set_bytes")
)


def _has_node(body: bytes) -> bool:
    return all(series.search(body) for series in _NODE_SERIES)


def _refined(evidence: Evidence, found: NodeTrouble) -> NodeTrouble:
    """Return the trouble under the row that the kubelet's configuration or quick answer shows it to be."""
    view = evidence.kubelets.get(found.node, KubeletView())
    if found.row in ("D25", "D26") and _is_own_fargate(evidence, found.node):
        return replace(found, row="D48")
    if found.row == "D29" and _lets_anybody_in(view):
        return replace(found, row="D28")
    answered = not isinstance(view.metrics, Unseen) and bool(view.metrics)
    if found.row == "D26" and found.seen.startswith("log of ") and answered and view.seconds < _QUICK:
        return replace(found, row="D25")  # it is not the kubelet that is slow
    return found


def _is_own_fargate(evidence: Evidence, name: str) -> bool:
    """Return whether a node is the one of the provider on Fargate, where no pod reaches its own kubelet."""
    pod = provider_pod(evidence)
    node = next((item for item in some(evidence.nodes) if item.metadata.name == name), None)
    if pod is None or node is None or pod.spec.node_name != name:
        return False
    return node.metadata.labels.get("eks.amazonaws.com/compute-type") == "fargate"


def _lets_anybody_in(view: KubeletView) -> bool:
    webhook = setting(view, "authentication", "webhook", "enabled")
    return webhook is False and setting(view, "authentication", "anonymous", "enabled") is True


def setting(view: KubeletView, *path: str) -> object:
    """Return a setting of a kubelet's configuration, such as ``authentication``, ``webhook``; None when unseen."""
    value: object = None if isinstance(view.config, Unseen) else view.config
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value
