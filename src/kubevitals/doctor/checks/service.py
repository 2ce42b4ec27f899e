"""Does the Service lead to pods that are ready? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubevitals.doctor.evidence import Evidence, Unseen, some
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.objects import Pod, ServicePort
from kubevitals.doctor.words import condition_line, names


def no_endpoints(evidence: Evidence) -> Iterator[Finding]:
    """D03: the Service selects no pod, or none that is ready, or names a port that no container has."""
    service, reference = evidence.service, evidence.reference
    if isinstance(service, Unseen) or reference is None or isinstance(evidence.pods, Unseen) or _has_ready(evidence):
        return
    if service.leads_out:
        return
    where = f"{reference.namespace}/{reference.name}"
    running = [pod for pod in evidence.pods if not pod.finished]
    port = next((port for port in service.spec.ports or () if port.port == reference.port), None)
    seen = tuple(condition_line(evidence))
    if not running:
        yield _nothing_selected(evidence, where, seen)
    elif not any(pod.ready for pod in running):
        yield _nothing_ready(where, running, seen)
    elif port is not None and isinstance(port.target_port, str) and not _named(running, port.target_port):
        yield _port_unknown(evidence, where, port, running, seen)


def _has_ready(evidence: Evidence) -> bool:
    """Return whether an endpoint is ready, or none could be looked at."""
    if isinstance(evidence.slices, Unseen):
        return True
    return any(
        end.conditions.ready is not False and found.ports for found in evidence.slices for end in found.endpoints or ()
    )


def _nothing_selected(evidence: Evidence, where: str, seen: Sequence[str]) -> Finding:
    assert not isinstance(evidence.service, Unseen), "looked at before"
    selector = ",".join(f"{key}={value}" for key, value in (evidence.service.spec.selector or {}).items())
    namespace = where.partition("/")[0]
    refused = any(event.reason == "FailedCreate" for event in some(evidence.events))
    return Finding(
        f"Service {where} selects {selector or 'nothing'}, and no pod has these labels.",
        (*seen, f"kubectl -n {namespace} get pods -l '{selector}': none"),
        (
            Remedy(
                "See whether the Deployment is there and what its pods are labelled; apply its manifest again.",
                f"kubectl -n {namespace} get deployments,pods --show-labels | grep -i metrics",
            ),
        ),
        "symptom" if refused else "broken",
    )


def _nothing_ready(where: str, pods: Sequence[Pod], seen: Sequence[str]) -> Finding:
    namespace = where.partition("/")[0]
    found = [pod.metadata.name for pod in pods]
    return Finding(
        f"Service {where} has no endpoint: of the pods that it selects, none is ready.",
        (*seen, f"pods that are not ready: {names(found)}"),
        (
            Remedy(
                "Look what the pod waits for.",
                f"kubectl -n {namespace} describe pod {found[0]}\nkubectl -n {namespace} logs {found[0]} --tail=50",
            ),
        ),
        "symptom",
    )


def _named(pods: Sequence[Pod], name: str) -> bool:
    return any(port.name == name for pod in pods for item in pod.spec.containers for port in item.ports or ())


def _port_unknown(
    evidence: Evidence, where: str, port: ServicePort, pods: Sequence[Pod], seen: Sequence[str]
) -> Finding:
    found = [known.name or str(known.container_port) for item in pods[0].spec.containers for known in item.ports or ()]
    namespace, _, name = where.partition("/")
    instead = found[0] if found else "10250"
    target = instead if instead.isdigit() else f'"{instead}"'
    change = f'[{{"op":"replace","path":"/spec/ports/{_at(evidence, port)}/targetPort","value":{target}}}]'
    return Finding(
        f'Service {where} leads to the port named "{port.target_port}", and no container of its pods has one.',
        (*seen, f"ports of pod {pods[0].metadata.name}: {names(found) or 'none'}"),
        (
            Remedy(
                "Let the Service name a port that the pods have.",
                f"kubectl -n {namespace} patch service {name} --type json -p '{change}'",
            ),
        ),
    )


def _at(evidence: Evidence, port: ServicePort) -> int:
    ports = () if isinstance(evidence.service, Unseen) else evidence.service.spec.ports or ()
    return ports.index(port)
