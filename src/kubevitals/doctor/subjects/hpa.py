"""A HorizontalPodAutoscaler that was asked about. Pure."""

from __future__ import annotations

from kubevitals.doctor.evidence import Evidence
from kubevitals.doctor.finding import Finding
from kubevitals.doctor.subjects.subject import Subject


def hpa_subject(evidence: Evidence, namespace: str, name: str) -> Subject:
    """Return what was seen of it."""
    return Subject(f"hpa {namespace}/{name}", ())


def hpa_missing(evidence: Evidence, namespace: str, name: str) -> str:
    """Return a sentence when it is known not to exist."""
    return ""


def hpa_concerned(evidence: Evidence, namespace: str, name: str, finding: Finding) -> bool:
    """Return whether a finding concerns it."""
    return True
