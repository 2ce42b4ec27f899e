"""A pod that was asked about. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kubevitals.doctor.evidence import Evidence, Unseen, some
from kubevitals.doctor.finding import Finding
from kubevitals.doctor.objects import ContainerMetrics, Metrics, Pod, seconds
from kubevitals.doctor.subjects.subject import Subject
from kubevitals.doctor.words import names, shortened

Fact = tuple[str, str]


def pod_subject(evidence: Evidence, namespace: str, name: str) -> Subject:
    """Return what was seen of the pod: itself, its metrics, why they are withheld, and what its kubelet reports."""
    facts: list[Fact] = []
    if not isinstance(evidence.pod, Unseen):
        facts += [*_pod(evidence.pod), *_metrics(evidence), *_withheld(evidence), *_kubelet(evidence, evidence.pod)]
    return Subject(f"pod {namespace}/{name}", tuple(facts))


def pod_missing(evidence: Evidence, namespace: str, name: str) -> str:
    """Return a sentence when it is known not to exist."""
    if isinstance(evidence.pod, Unseen) and evidence.pod.missing:
        return f'there is no pod "{name}" in namespace "{namespace}"; kubectl get pods -n {namespace} lists those there'
    return ""


def pod_concerned(evidence: Evidence, namespace: str, name: str, finding: Finding) -> bool:
    """Return whether a finding is about it, or about its node."""
    node = "" if isinstance(evidence.pod, Unseen) else evidence.pod.spec.node_name
    named = any(line.startswith(f"{namespace}/{name}: ") for line in finding.evidence)
    return named or node in finding.nodes or (finding.level == "symptom" and not finding.nodes)


def metrics_of(evidence: Evidence) -> Metrics | None:
    """Return what the Metrics API answers for the pod that was asked about."""
    wanted = "" if isinstance(evidence.pod, Unseen) else evidence.pod.metadata.key
    return next((item for item in some(evidence.pod_metrics) if item.metadata.key == wanted), None)


def entry_of(evidence: Evidence) -> dict[str, Any] | None:
    """Return what kubevitals says of the pod when it withholds it."""
    entries = None if isinstance(evidence.status, Unseen) else evidence.status.get("withheld")
    if isinstance(evidence.pod, Unseen) or not isinstance(entries, list):
        return None
    place = evidence.pod.metadata.namespace, evidence.pod.metadata.name
    found = (item for item in entries if isinstance(item, dict) and (item.get("namespace"), item.get("name")) == place)
    return next(found, None)


def _pod(pod: Pod) -> Iterator[Fact]:
    yield "state", f"{pod.status.phase or 'unknown'}, {'ready' if pod.ready else 'not ready'}"
    yield "node", pod.spec.node_name or "none yet"


def _metrics(evidence: Evidence) -> Iterator[Fact]:
    if isinstance(evidence.pod_metrics, Unseen):
        return
    found = metrics_of(evidence)
    moment = seconds(found.timestamp) if found is not None else None
    if found is None or moment is None:
        yield "metrics", "none"
        return
    yield "metrics", f"{max(0, round(evidence.now - moment))} s old, over {found.window}"
    yield "use", "; ".join(map(_used, found.containers))


def _used(item: ContainerMetrics) -> str:
    return f"{item.name} {item.usage.get('cpu', '?')} CPU, {item.usage.get('memory', '?')}"


def _withheld(evidence: Evidence) -> Iterator[Fact]:
    entry = entry_of(evidence)
    if entry is not None:
        yield "withheld", shortened(str(entry.get("reason", "")))


def _kubelet(evidence: Evidence, pod: Pod) -> Iterator[Fact]:
    view = evidence.kubelets.get(pod.spec.node_name)
    if view is None:
        return
    if isinstance(view.metrics, Unseen):
        yield "kubelet", f"could not be asked: {shortened(view.metrics.message)}"
        return
    place = re.escape(f'namespace="{pod.metadata.namespace}",pod="{pod.metadata.name}"'.encode())
    series = re.findall(rb'^container_cpu_usage_seconds_total\{container="([^"]+)",' + place, view.metrics, re.M)
    found = sorted({name.decode(errors="replace") for name in series})
    yield "kubelet", f"reports {names(found)}" if found else "reports none of its containers"
