"""A pod that was asked about. Pure."""

from __future__ import annotations

from kubevitals.doctor.evidence import Evidence
from kubevitals.doctor.finding import Finding
from kubevitals.doctor.subjects.subject import Subject


def pod_subject(evidence: Evidence, namespace: str, name: str) -> Subject:
    """Return what was seen of it."""
    return Subject(f"pod {namespace}/{name}", ())


def pod_missing(evidence: Evidence, namespace: str, name: str) -> str:
    """Return a sentence when it is known not to exist."""
    return ""


def pod_concerned(evidence: Evidence, namespace: str, name: str, finding: Finding) -> bool:
    """Return whether a finding concerns it."""
    return True
