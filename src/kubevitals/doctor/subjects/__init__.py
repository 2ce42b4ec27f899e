"""What is worth saying of the one node that was asked about, and which findings concern it. Pure."""

from __future__ import annotations

from kubevitals.doctor.evidence import Evidence
from kubevitals.doctor.finding import Finding
from kubevitals.doctor.scope import Scope
from kubevitals.doctor.subjects.node import node_concerned, node_missing, node_subject
from kubevitals.doctor.subjects.subject import Subject

__all__ = ["Subject", "concerned", "missing", "subject"]


def subject(evidence: Evidence, scope: Scope) -> Subject | None:
    """Return what was seen of the subject; None when the whole pipeline is examined."""
    if scope.node:
        return node_subject(evidence, scope.node)
    return None


def missing(evidence: Evidence, scope: Scope) -> str:
    """Return a sentence when the subject is known not to exist, an empty text otherwise."""
    if scope.node:
        return node_missing(evidence, scope.node)
    return ""


def concerned(evidence: Evidence, scope: Scope, finding: Finding) -> bool:
    """Return whether a finding concerns the subject; all do when the whole pipeline is examined."""
    if finding.level == "broken":  # nothing gets past it, the subject's metrics neither
        return True
    if scope.node:
        return node_concerned(evidence, scope.node, finding)
    return True
