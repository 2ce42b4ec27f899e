"""A node that was asked about. Pure."""

from __future__ import annotations

from kubevitals.doctor.evidence import Evidence, Unseen
from kubevitals.doctor.finding import Finding
from kubevitals.doctor.subjects.subject import Subject


def node_subject(evidence: Evidence, name: str) -> Subject:
    """Return what was seen of the node."""
    return Subject(f"node {name}", ())


def node_missing(evidence: Evidence, name: str) -> str:
    """Return a sentence when the nodes were listed and it is none of them."""
    if isinstance(evidence.nodes, Unseen) or any(node.metadata.name == name for node in evidence.nodes):
        return ""
    return f'there is no node "{name}"; kubectl get nodes lists the {len(evidence.nodes)} that exist'


def node_concerned(evidence: Evidence, name: str, finding: Finding) -> bool:
    """Return whether a finding names the node, or is a symptom seen on no node in particular."""
    return name in finding.nodes or (finding.level == "symptom" and not finding.nodes)
