"""Which APIServices cannot be used, whoever serves them? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubevitals.doctor.checks import authorization, front_proxy, path, pod
from kubevitals.doctor.checks.path import message
from kubevitals.doctor.evidence import Evidence, some
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.objects import ApiService
from kubevitals.doctor.words import shortened

_ROWS: Final = (
    path.pod_not_reached,
    path.service_not_routed,
    path.overlay_not_reached,
    path.no_agent,
    path.through_a_proxy,
    path.kubelet_answers,
    pod.no_aggregation,
    front_proxy.refused,
    front_proxy.expired,
    front_proxy.not_for_clients,
    authorization.names_not_allowed,
)
_HELD_UP: Final = "NamespaceDeletionDiscoveryFailure"
_SHOWN: Final = 3


def unavailable(evidence: Evidence) -> Iterator[Finding]:
    """D40: an APIService is not available, which holds up whoever needs a list of all APIs."""
    found = [item for item in some(evidence.api_services) if _down(item)]
    if _explained(evidence) or not message(evidence):  # then another row tells why
        found = [item for item in found if item not in evidence.registered]
    if not found:
        return
    names = [item.metadata.name for item in found]
    ours = any(item in evidence.registered for item in found)
    yield Finding(
        f"{'APIService' if len(names) == 1 else 'APIServices'} {', '.join(names)} cannot be used: namespaces then stay "
        "in Terminating, and tools that list all APIs complain.",
        (*map(_line, found), *_stuck(evidence)),
        (
            Remedy("Mend what it leads to: the message says where the API server fails."),
            Remedy("Or remove it, where what it led to is gone.", f"kubectl delete apiservice {' '.join(names)}"),
        ),
        "symptom" if ours else "degraded",
    )


def _explained(evidence: Evidence) -> bool:
    """Return whether a row about the way to the provider tells why it is not available."""
    return any(list(row(evidence)) for row in _ROWS)


def _stuck(evidence: Evidence) -> Iterator[str]:
    """Yield which namespaces are held up, of a few."""
    for item in [item for item in some(evidence.namespaces) if item.metadata.deletion_timestamp][:_SHOWN]:
        said = item.status.condition(_HELD_UP)
        if said is not None and said.status == "True":
            yield f"namespace {item.metadata.name}: Terminating, {said.reason}: {shortened(said.message)}"


def _down(item: ApiService) -> bool:
    return item.available is not None and item.available.status != "True"


def _line(item: ApiService) -> str:
    condition = item.available
    assert condition is not None, "only those that are down are told"
    return f"APIService {item.metadata.name}: {condition.reason}: {shortened(condition.message)}"
