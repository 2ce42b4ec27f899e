"""Is it only that Fargate keeps a pod from its own kubelet? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kubevitals.doctor.evidence import Evidence
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.groups import finding, group
from kubevitals.doctor.running import with_flags


def own_node(evidence: Evidence) -> Iterator[Finding]:
    """D48: the provider runs on Fargate, and does not reach the kubelet of its own node, which it has for itself."""
    for trouble in group(evidence, "D48"):
        summary = (
            f"Node {trouble.node} is the provider's own on Fargate, where no pod reaches its own kubelet: it and the "
            "provider's pod stay without metrics, all others have theirs."
        )
        remedies = [
            Remedy("Nothing has to be done, but to leave this node out of alerts on failed scrapes."),
            Remedy("To have its metrics, too, run the provider on nodes that are not Fargate, if there are any."),
            Remedy(
                "Or leave nodes of Fargate out, all of them: their pods then have no metrics, and do not scale by use.",
                with_flags(evidence, "--node-selector=eks.amazonaws.com/compute-type!=fargate"),
            ),
        ]
        yield finding(evidence, [trouble], summary, remedies, level="note")
