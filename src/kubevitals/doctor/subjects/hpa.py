"""A HorizontalPodAutoscaler that was asked about. Pure."""

from __future__ import annotations

from kubevitals.doctor.evidence import Evidence, Unseen, some
from kubevitals.doctor.finding import Finding
from kubevitals.doctor.objects import Autoscaler
from kubevitals.doctor.subjects.subject import Subject
from kubevitals.doctor.words import shortened


def hpa_subject(evidence: Evidence, namespace: str, name: str) -> Subject:
    """Return what was seen of it: what it scales, and what its controller says."""
    item = _found(evidence, namespace, name)
    facts: list[tuple[str, str]] = []
    if item is not None:
        target = item.spec.scale_target_ref
        conditions = item.status.conditions or ()
        facts = [(said.type, shortened(f"{said.status}, {said.reason}: {said.message}")) for said in conditions]
        facts.insert(0, ("scales", f"{target.kind} {target.name}"))
    return Subject(f"hpa {namespace}/{name}", tuple(facts))


def hpa_missing(evidence: Evidence, namespace: str, name: str) -> str:
    """Return a sentence when the autoscalers were listed and it is none of them."""
    if isinstance(evidence.autoscalers, Unseen) or _found(evidence, namespace, name) is not None:
        return ""
    return f'there is no autoscaler "{name}" in namespace "{namespace}"; kubectl get hpa -A lists those that exist'


def hpa_concerned(namespace: str, name: str, finding: Finding) -> bool:
    """Return whether a finding names it."""
    return any(line.startswith(f"hpa {namespace}/{name}: ") for line in finding.evidence)


def _found(evidence: Evidence, namespace: str, name: str) -> Autoscaler | None:
    wanted = f"{namespace}/{name}"
    return next((item for item in some(evidence.autoscalers) if item.metadata.key == wanted), None)
