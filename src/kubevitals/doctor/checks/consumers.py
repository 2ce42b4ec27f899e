"""Do autoscalers get what they need? Pure.

The messages are those of the horizontal pod autoscaler's controller, in the condition ScalingActive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kubevitals.doctor.evidence import Evidence, Unseen, some
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.objects import Autoscaler, Condition
from kubevitals.doctor.wordings import NO_REQUEST
from kubevitals.doctor.words import count, names, shortened

_NO_METRICS: Final = re.compile(r"did not receive metrics|no metrics returned|unable to get metrics for resource")
_SHOWN: Final = 3
_Starved = tuple[Autoscaler, Condition]


def missing_requests(evidence: Evidence) -> Iterator[Finding]:
    """D38: a percentage of what was requested cannot be computed where nothing was."""
    found = [pair for pair in _inactive(evidence) if NO_REQUEST.search(pair[1].message)]
    if not found:
        return
    match = NO_REQUEST.search(found[0][1].message)
    assert match is not None, "it was found by it"
    resource, container, pod = match[1], match[2], match[3]
    item = found[0][0]
    without = [container] if container else _without(evidence, item, resource)
    which = f"container {container} of pod {pod}" if pod else _which(item, without)
    yield Finding(
        f"{_told(found)} cannot scale on the use of {resource}: {which} requests none.",
        _lines(found),
        (
            Remedy(
                f"Let every container of the pods request {resource}, sidecars included.",
                "\n".join(_request(item, resource, name) for name in without or ["CONTAINER"]),
            ),
            Remedy(
                "Where that pod belongs to something else, such as a Job, give it other labels than the selector's.",
                f"kubectl -n {item.metadata.namespace} get pods --show-labels",
            ),
        ),
        "degraded",
    )


def _without(evidence: Evidence, item: Autoscaler, resource: str) -> list[str]:
    """Return the containers of what is scaled that request none, where it could be looked at."""
    scaled = evidence.scaled.get(item.metadata.key)
    if scaled is None or isinstance(scaled, Unseen):
        return []
    containers = scaled.spec.template.spec.containers
    return [found.name for found in containers if resource not in (found.resources.requests or {})]


def _which(item: Autoscaler, containers: list[str]) -> str:
    target = item.spec.scale_target_ref
    if containers:
        return (
            f"{'container' if len(containers) == 1 else 'each of'} {names(containers)} of {target.kind} {target.name}"
        )
    return "a container that its selector finds"


def _request(item: Autoscaler, resource: str, container: str) -> str:
    target = item.spec.scale_target_ref
    amount = "100m" if resource == "cpu" else "128Mi"
    what = f"{target.kind.lower()}/{target.name}" if target.name else "deployment/NAME"
    return f"kubectl -n {item.metadata.namespace} set resources {what} -c {container} --requests={resource}={amount}"


def no_metrics(evidence: Evidence) -> Iterator[Finding]:
    """D39: autoscalers get no metrics of the pods they scale."""
    found = [pair for pair in _inactive(evidence) if _NO_METRICS.search(pair[1].message)]
    found = [pair for pair in found if not NO_REQUEST.search(pair[1].message)]
    if not found:
        return
    item = found[0][0].metadata
    yield Finding(
        f"{_told(found)} got no metrics of the pods to scale: they are not ready, too young, or not measured.",
        _lines(found),
        (
            Remedy(
                "Look which of the pods are ready, and which have metrics.",
                f"kubectl -n {item.namespace} describe hpa {item.name}\nkubevitals top pods -n {item.namespace}",
            ),
        ),
        "symptom" if not some(evidence.pod_metrics) else "degraded",
    )


def _inactive(evidence: Evidence) -> list[_Starved]:
    found = []
    for item in some(evidence.autoscalers):
        condition = item.status.condition("ScalingActive")
        if condition is not None and condition.status == "False":
            found.append((item, condition))
    return found


def _told(found: list[_Starved]) -> str:
    listed = names([item.metadata.key for item, _ in found])
    return f"Autoscaler {listed}" if len(found) == 1 else f"{count(len(found), 'autoscaler')} ({listed})"


def _lines(found: list[_Starved]) -> tuple[str, ...]:
    return tuple(f"hpa {item.metadata.key}: {said.reason}: {shortened(said.message)}" for item, said in found[:_SHOWN])
