"""Is the Metrics API registered, and does the registration lead somewhere? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kubevitals.doctor.evidence import GROUP, Evidence, Unseen
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.words import condition_line, said

_INSTALL = "kubevitals manifests | kubectl apply -f -"


def nothing_registered(evidence: Evidence) -> Iterator[Finding]:
    """D01: no APIService of the group, so that the API server knows no such API."""
    if isinstance(evidence.api_services, Unseen) or evidence.registered:
        return
    seen = (f"kubectl get apiservices: none of {len(evidence.api_services)} is for {GROUP}",)
    yield Finding(
        "No provider of the Metrics API is installed: the API server defines it and leaves it to others to serve.",
        (*seen, *said("kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes", evidence.node_metrics)),
        (
            Remedy(
                "Install one; this one needs no further steps on a cluster whose kubelets have proper certificates.",
                _INSTALL,
            ),
        ),
    )


def service_not_found(evidence: Evidence) -> Iterator[Finding]:
    """D04: the APIService names a Service or port that is not there."""
    main, reference = evidence.main, evidence.reference
    if main is None or reference is None:
        return
    name, where = main.metadata.name, f"{reference.namespace}/{reference.name}"
    if isinstance(evidence.service, Unseen):
        if not evidence.service.missing:
            return
        summary = f"APIService {name} leads to Service {where}, which does not exist."
    elif not evidence.service.spec.external_name and all(
        port.port != reference.port for port in evidence.service.spec.ports or ()
    ):
        summary = f"APIService {name} leads to port {reference.port} of Service {where}, which has no such port."
    else:
        return
    yield Finding(
        summary,
        tuple(condition_line(evidence)),
        (
            Remedy(
                "If the provider is installed under another name, let the APIService lead there.",
                "kubectl get services -A -l k8s-app=metrics-server\n" + _lead(main.metadata.name),
            ),
            Remedy(
                "If it is no longer installed, remove what is left of it, and install one.",
                f"kubectl delete apiservice {main.metadata.name}\n{_INSTALL}",
            ),
        ),
    )


def _lead(name: str) -> str:
    change = '{"spec":{"service":{"namespace":"NAMESPACE","name":"NAME","port":443}}}'
    return f"kubectl patch apiservice {name} --type merge -p '{change}'"
