"""Does the API server reach the provider? Pure.

The messages are those of kube-aggregator's availability controller, whose reasons stand in the APIService's condition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kubevitals.doctor.evidence import Evidence, Unseen, some
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.words import condition_line, said

_NETWORK: Final = re.compile(
    r"i/o timeout|deadline exceeded|Client\.Timeout|no route to host|connection refused|network is unreachable"
)
_DIALLED: Final = re.compile(r"https://\[?([0-9a-fA-F.:]+?)\]?:(\d+)/")
_STATUS: Final = re.compile(r"bad status from \S+: (\d{3})|bad status: (\d{3})")
_EARLIER: Final = ("ServiceNotFound", "ServicePortError", "MissingEndpoints", "EndpointsNotFound")
_PROXY: Final = "the same pod through the API server's service proxy: answers"


def message(evidence: Evidence) -> str:
    """Return why the API server cannot use the provider; empty when it can, or when an earlier hop is the reason."""
    condition = evidence.main.available if evidence.main else None
    if condition is None or condition.status == "True" or condition.reason in _EARLIER:
        return ""
    return condition.message or condition.reason


def dialled(evidence: Evidence) -> tuple[str, str]:
    """Return address and port that the API server's message names; empty when it names none."""
    found = _DIALLED.search(message(evidence))
    return (found[1], found[2]) if found else ("", "")


def status(evidence: Evidence) -> str:
    """Return the HTTP status that the API server's message says the provider answers; empty when it says none."""
    found = _STATUS.search(message(evidence))
    return (found[1] or found[2]) if found else ""


def pod_not_reached(evidence: Evidence) -> Iterator[Finding]:
    """D05: the API server dials the pod itself, and something on the way keeps it from there."""
    address, port = dialled(evidence)
    if not _NETWORK.search(message(evidence)) or not address or address == _cluster_ip(evidence):
        return
    if list(kubelet_answers(evidence)):
        return
    yield Finding(
        f"The API server cannot reach the provider's pod at {address} port {port}.",
        _seen(evidence),
        (
            Remedy(
                f"Let the control plane reach TCP {port} of pods: a security group or firewall rule from the control "
                "plane to the nodes, or a network policy that lets it in."
            ),
            Remedy(
                "Or let the provider use its node's network, where the control plane reaches nodes but not pods.",
                "kubevitals manifests --host-network | kubectl apply -f -",
            ),
        ),
    )


def service_not_routed(evidence: Evidence) -> Iterator[Finding]:
    """D06: the API server dials the Service's address, for which its host has no route, while pods are reached."""
    address, _ = dialled(evidence)
    if not _NETWORK.search(message(evidence)) or not address or address != _cluster_ip(evidence):
        return
    if not _probed(evidence):
        return
    yield Finding(
        f"The API server dials the Service's address {address}, and its host cannot route it; it reaches the pod.",
        (*_seen(evidence), _PROXY),
        (
            Remedy(
                "Let the API server dial pods itself.",
                "# in /etc/kubernetes/manifests/kube-apiserver.yaml, below command:\n"
                "- --enable-aggregator-routing=true",
            ),
            Remedy("Or run kube-proxy on the hosts of the control plane, so that they route Service addresses."),
        ),
    )


def overlay_not_reached(evidence: Evidence) -> Iterator[Finding]:
    """D07: neither the Service's address nor the pod is reached from the control plane."""
    address, _ = dialled(evidence)
    if not _NETWORK.search(message(evidence)) or not address or address != _cluster_ip(evidence):
        return
    if _probed(evidence):
        return
    yield Finding(
        "The hosts of the control plane are not on the pods' network: they reach neither the Service nor its pod.",
        (*_seen(evidence), *said("the same through the service proxy", evidence.probe)),
        (
            Remedy(
                "Let the provider use its node's network.", "kubevitals manifests --host-network | kubectl apply -f -"
            ),
            Remedy("Or bring the overlay network to the hosts of the control plane."),
        ),
    )


def no_agent(evidence: Evidence) -> Iterator[Finding]:
    """D08: the API server goes through Konnectivity, and no agent is connected."""
    if "No agent available" not in message(evidence):
        return
    yield Finding(
        "The API server reaches the cluster through Konnectivity, and none of its agents is connected.",
        _seen(evidence),
        (
            Remedy(
                "Look why the agents do not connect: they need the address of the Konnectivity server, and one "
                "connection to each of its replicas.",
                "kubectl -n kube-system get pods -l k8s-app=konnectivity-agent -o wide\n"
                "kubectl -n kube-system logs -l k8s-app=konnectivity-agent --tail=50",
            ),
        ),
    )


def kubelet_answers(evidence: Evidence) -> Iterator[Finding]:
    """D10: the provider shares its node's network and port, and the kubelet is who answers."""
    address, port = dialled(evidence)
    owners = [node for node in some(evidence.nodes) if address and address in node.addresses()]
    if not owners or port != str(owners[0].kubelet_port):
        return
    yield Finding(
        f"Where the API server looks for the provider, at {address} port {port}, is the kubelet of node "
        f"{owners[0].metadata.name}: the provider uses its node's network, and the same port.",
        _seen(evidence),
        (
            Remedy(
                "Give the provider a port of its own, as these manifests do.",
                "kubevitals manifests --host-network | kubectl apply -f -",
            ),
        ),
    )


def through_a_proxy(evidence: Evidence) -> Iterator[Finding]:
    """D09: the API server sends the request through an HTTP proxy of its environment."""
    address, _ = dialled(evidence)
    proxies = [
        (variable.value, pod.metadata.name)
        for pod in some(evidence.api_servers)
        for container in pod.spec.containers
        for variable in container.env or ()
        if variable.name.lower() in ("http_proxy", "https_proxy") and variable.value
    ]
    if not proxies or not message(evidence) or not address:
        return
    yield Finding(
        f"The API server sends what it asks of the provider at {address} through an HTTP proxy.",
        (*_seen(evidence), f"environment of pod {proxies[0][1]}: an HTTP proxy is set"),
        (
            Remedy(
                "Add the networks of Services and pods, and the cluster's names, to NO_PROXY of the API server.",
                "# in /etc/kubernetes/manifests/kube-apiserver.yaml, below env:\n"
                "- name: NO_PROXY\n"
                f"  value: SERVICE_CIDR,POD_CIDR,.svc,.cluster.local   # they hold {address}",
            ),
        ),
    )


def _probed(evidence: Evidence) -> bool:
    """Return whether the pod answered through the service proxy, be it that it is not ready."""
    return isinstance(evidence.probe, str) or evidence.probe.code in (401, 403, 500)


def _cluster_ip(evidence: Evidence) -> str:
    return "" if isinstance(evidence.service, Unseen) else evidence.service.spec.cluster_ip


def _seen(evidence: Evidence) -> tuple[str, ...]:
    return tuple(condition_line(evidence))
