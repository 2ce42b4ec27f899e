"""What is worth saying of the one node, pod or autoscaler that was asked about, and which findings concern it. Pure."""

from __future__ import annotations

from kubevitals.doctor.evidence import Evidence
from kubevitals.doctor.finding import Finding
from kubevitals.doctor.scope import Scope
from kubevitals.doctor.subjects.hpa import hpa_concerned, hpa_missing, hpa_subject
from kubevitals.doctor.subjects.node import node_concerned, node_missing, node_subject
from kubevitals.doctor.subjects.pod import pod_concerned, pod_missing, pod_subject
from kubevitals.doctor.subjects.subject import Subject

__all__ = ["Subject", "concerned", "missing", "subject"]


def subject(evidence: Evidence, scope: Scope) -> Subject | None:
    """Return what was seen of the subject; None when the whole pipeline is examined."""
    if scope.node:
        return node_subject(evidence, scope.node)
    if scope.pod:
        return pod_subject(evidence, *scope.pod)
    if scope.hpa:
        return hpa_subject(evidence, *scope.hpa)
    return None


def missing(evidence: Evidence, scope: Scope) -> str:
    """Return a sentence when the subject is known not to exist, an empty text otherwise."""
    if scope.node:
        return node_missing(evidence, scope.node)
    if scope.pod:
        return pod_missing(evidence, *scope.pod)
    if scope.hpa:
        return hpa_missing(evidence, *scope.hpa)
    return ""


def concerned(evidence: Evidence, scope: Scope, finding: Finding) -> bool:
    """Return whether a finding concerns the subject; all do when the whole pipeline is examined."""
    if finding.level == "broken":  # nothing gets past it, the subject's metrics neither
        return True
    if scope.node:
        return node_concerned(evidence, scope.node, finding)
    if scope.pod:
        return pod_concerned(evidence, *scope.pod, finding)
    if scope.hpa:
        return hpa_concerned(*scope.hpa, finding)
    return True
