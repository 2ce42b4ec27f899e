"""A node that was asked about. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kubevitals.doctor.evidence import Evidence, Unseen, some
from kubevitals.doctor.finding import Finding
from kubevitals.doctor.objects import Node, seconds
from kubevitals.doctor.subjects.subject import Subject
from kubevitals.doctor.troubles import failure, node_status, setting
from kubevitals.doctor.words import names, shortened

Fact = tuple[str, str]


def node_subject(evidence: Evidence, name: str) -> Subject:
    """Return what was seen of the node: itself, its metrics, how it is scraped, and its kubelet."""
    facts = [*_node(evidence, name), *_metrics(evidence, name), *_scraped(evidence, name), *_kubelet(evidence, name)]
    return Subject(f"node {name}", tuple(facts))


def node_missing(evidence: Evidence, name: str) -> str:
    """Return a sentence when the nodes were listed and it is none of them."""
    if isinstance(evidence.nodes, Unseen) or any(node.metadata.name == name for node in evidence.nodes):
        return ""
    return f'there is no node "{name}"; kubectl get nodes lists the {len(evidence.nodes)} that exist'


def node_concerned(evidence: Evidence, name: str, finding: Finding) -> bool:
    """Return whether a finding names the node, or is a symptom seen on no node in particular."""
    return name in finding.nodes or (finding.level == "symptom" and not finding.nodes)


def _node(evidence: Evidence, name: str) -> Iterator[Fact]:
    node = next((item for item in some(evidence.nodes) if item.metadata.name == name), None)
    if node is not None:
        info = node.status.node_info
        yield "state", _state(node)
        yield "addresses", ", ".join(f"{item.type} {item.address}" for item in node.status.addresses or ()) or "none"
        yield "runs", ", ".join(part for part in (info.kubelet_version, info.container_runtime_version) if part)


def _state(node: Node) -> str:
    condition = node.status.condition("Ready")
    if node.ready or condition is None:
        return "Ready" if node.ready else "NotReady"
    return f"NotReady, {condition.reason}: {shortened(condition.message)}" if condition.reason else "NotReady"


def _metrics(evidence: Evidence, name: str) -> Iterator[Fact]:
    if isinstance(evidence.node_metrics, Unseen):
        return
    found = next((item for item in evidence.node_metrics if item.metadata.name == name), None)
    moment = seconds(found.timestamp) if found is not None else None
    yield "metrics", "none" if moment is None else f"{max(0, round(evidence.now - moment))} s old"


def _scraped(evidence: Evidence, name: str) -> Iterator[Fact]:
    entry = node_status(evidence).get(name)
    if entry is None:
        return
    cause = f": {entry['cause']}, {shortened(str(entry.get('detail', '')))}" if entry.get("cause") else ""
    yield "scraped", f"{entry.get('state', 'unknown')}{cause}"
    if entry.get("address"):
        yield "address tried", str(entry["address"])
    shown = entry.get("certificate")
    if isinstance(shown, dict):
        for_ = names([str(item) for item in shown.get("names") or ()]) or "nothing"
        yield "certificate", f"for {for_}, issued by {shown.get('issuer')}, until {shown.get('notAfter')}"


def _kubelet(evidence: Evidence, name: str) -> Iterator[Fact]:
    """Yield what its kubelet answered the API server, and how it is configured."""
    view = evidence.kubelets.get(name)
    if view is None:
        return
    if said := failure(view):
        yield "kubelet", f"no metrics through the API server: {shortened(said)}"
    elif isinstance(view.metrics, Unseen):
        yield "kubelet", f"could not be asked: {shortened(view.metrics.message)}"
    else:
        yield "kubelet", f"answers the API server in {view.seconds:.1f} s, {len(view.metrics):,} bytes"
    if not isinstance(view.config, Unseen):
        parts = (("serverTLSBootstrap",), ("authentication", "webhook", "enabled"), ("authorization", "mode"))
        yield "configured", ", ".join(f"{'.'.join(path)}={_word(setting(view, *path))}" for path in parts)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "unset" if value is None else str(value)
