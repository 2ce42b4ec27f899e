"""Does the provider get a connection to the kubelets, and an answer in time? Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network

from kubevitals.doctor.evidence import Evidence, some
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.groups import Group, finding, group, how_many, named, node_objects
from kubevitals.doctor.objects import Node
from kubevitals.doctor.running import flag, provider_pod, request_timeout, resolution, with_flags
from kubevitals.doctor.troubles import failure
from kubevitals.quantity import format_duration

_TYPES = "--kubelet-preferred-address-types"
_GOOD_TYPES = f"{_TYPES}=InternalIP,ExternalIP,Hostname"
_UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized"
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")


def name_unknown(evidence: Evidence) -> Iterator[Finding]:
    """D23: the provider dials a node's name, and the cluster's DNS does not know nodes."""
    found = group(evidence, "D23")
    if found:
        summary = (
            f"The provider dials {how_many(evidence, found)} by a name that the cluster's DNS does not know; "
            "nodes are usually not in it."
        )
        have = [node.metadata.name for node in node_objects(evidence, found) if node.addresses("InternalIP")]
        lines = [_flag_line(evidence), *([f"an InternalIP is known of {named(have)}"] if have else [])]
        text = "Let it dial addresses, and names only where a node has no address."
        yield finding(evidence, found, summary, [Remedy(text, with_flags(evidence, _GOOD_TYPES))], lines)


def no_address(evidence: Evidence) -> Iterator[Finding]:
    """D24: a node has no address of the types that the provider dials, or it was given addresses for types."""
    found = group(evidence, "D24")
    if not found:
        return
    wrong = [item for item in flag(evidence, _TYPES).split(",") if _is_address(item)]
    if wrong:
        summary = f"{_TYPES} was given {wrong[0]}, which is an address; it takes types, such as InternalIP."
    else:
        summary = f"{how_many(evidence, found)} have no address of a type that the provider dials."
    bare = [node for node in node_objects(evidence, found) if _uninitialized(node)]
    remedies = [Remedy("Name the types that nodes have.", with_flags(evidence, _GOOD_TYPES))]
    if bare:
        cloud = Remedy(
            "Mend the cloud controller manager, which has not given these nodes their addresses yet.",
            "kubectl -n kube-system get pods | grep cloud-controller-manager",
        )
        remedies.insert(0 if not wrong else 1, cloud)
    lines = [_flag_line(evidence), *_types(evidence, found)]
    lines += [f"taint {_UNINITIALIZED} on {named([node.metadata.name for node in bare])}"] if bare else []
    yield finding(evidence, found, summary, remedies, lines)


def not_reached(evidence: Evidence) -> Iterator[Finding]:
    """D25: no connection to the kubelet's port, from the pod's network or from anywhere."""
    found = group(evidence, "D25")
    if not found:
        return
    views = {trouble.node: evidence.kubelets.get(trouble.node) for trouble in found}
    down = [name for name, view in views.items() if view and failure(view)]
    up = [name for name, view in views.items() if view and not failure(view) and view.seconds]
    overlaps = list(_overlaps(evidence, found))
    asked = f"the API server, asked for /metrics/resource of {{}}: {'no answer either' if down else 'got an answer'}"
    lines = [*([asked.format(named(down or up))] if down or up else []), *_places(evidence, found), *overlaps]
    who = f"the kubelets of {how_many(evidence, found)}"
    if down and not up:
        summary = f"Neither the provider nor the API server can connect to {who}."
        remedies = [_look_at_kubelets(found)]
    else:
        summary = f"The provider cannot connect to {who}{', though the API server can' if up and not down else ''}."
        remedies = [_pool(), _open_port(evidence, found)] if overlaps else [_open_port(evidence, found)]
        remedies += [_look_at_kubelets([item for item in found if item.node in down])] if down else []
    yield finding(evidence, found, summary, remedies, lines)


def too_slow(evidence: Evidence) -> Iterator[Finding]:
    """D26: a kubelet takes longer to answer than the provider waits."""
    found = group(evidence, "D26")
    if not found:
        return
    timeout, every = request_timeout(evidence), resolution(evidence)
    times = {item.node: view.seconds for item in found if (view := evidence.kubelets.get(item.node)) and view.seconds}
    lines = [f"the provider waits {timeout:g} s for a kubelet, and asks every {every:g} s"]
    lines += [f"the API server, asked for the same: {name} took {took:.1f} s" for name, took in _slowest(times)]
    lines += _pressed(node_objects(evidence, found))
    summary = f"The kubelets of {how_many(evidence, found)} do not answer within the {timeout:g} s that they are given."
    remedies = [
        Remedy("Look at the load of these nodes and their container runtime: a kubelet usually takes milliseconds."),
        _wait_longer(evidence, max([2 * timeout, *(2 * took for took in times.values())])),
    ]
    yield finding(evidence, found, summary, remedies, lines)


# --- what was seen ------------------------------------------------------------------------------------------


def _flag_line(evidence: Evidence) -> str:
    value = flag(evidence, _TYPES)
    return f"the provider's flags: {f'{_TYPES}={value}' if value else f'no {_TYPES}, so Hostname comes first'}"


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text.strip().strip("[]")))
    except ValueError:
        return False


def _uninitialized(node: Node) -> bool:
    return any(taint.key == _UNINITIALIZED for taint in node.spec.taints or ())


def _types(evidence: Evidence, found: Group) -> Iterator[str]:
    for node in node_objects(evidence, found)[:1]:
        types = ", ".join(dict.fromkeys(item.type for item in node.status.addresses or ()))
        yield f"addresses of node {node.metadata.name}: {types or 'none'}"


def _places(evidence: Evidence, found: Group) -> Iterator[str]:
    """Yield how the failing nodes lie to the provider's own."""
    pod = provider_pod(evidence)
    here = pod.spec.node_name if pod is not None else ""
    nodes = {node.metadata.name for node in some(evidence.nodes)}
    failing = {trouble.node for trouble in found}
    if here in nodes and failing == nodes - {here}:
        yield f"only {here}, where the provider runs, is reached: what crosses nodes is blocked"
    elif failing == {here}:
        yield f"the provider runs on {here} itself: a pod does not reach its own node there"
    elif here:
        yield f"the provider runs on {here}"


def _overlaps(evidence: Evidence, found: Group) -> Iterator[str]:
    """Yield the nodes whose own address is in a range that pods have."""
    ranges = [(node.metadata.name, cidr) for node in some(evidence.nodes) for cidr in node.spec.pod_cidrs or ()]
    for node in node_objects(evidence, found):
        for address in node.addresses("InternalIP"):
            owner = next(((name, cidr) for name, cidr in ranges if _within(address, cidr)), None)
            if owner:
                name = node.metadata.name
                yield f"InternalIP {address} of {name} lies in {owner[1]}, which {owner[0]} has for its pods"
                return


def _within(address: str, cidr: str) -> bool:
    try:
        return ip_address(address) in ip_network(cidr, strict=False)
    except ValueError:
        return False


def _slowest(times: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(times.items(), key=lambda item: -item[1])[:3]


def _pressed(nodes: Sequence[Node]) -> list[str]:
    found = ((node.metadata.name, node.status.condition(kind)) for node in nodes for kind in _PRESSURES)
    return [f"node {name}: {item.type}, {item.message}" for name, item in found if item and item.status == "True"][:3]


# --- what helps ---------------------------------------------------------------------------------------------


def _open_port(evidence: Evidence, found: Group) -> Remedy:
    nodes = node_objects(evidence, found)
    port = nodes[0].kubelet_port if nodes else 10250
    ranges = list(dict.fromkeys(cidr for node in some(evidence.nodes) for cidr in node.spec.pod_cidrs or ()))
    pods = ranges[0] if len(ranges) == 1 else "POD_CIDR"
    text = (
        f"Let pods reach TCP {port} of these nodes: firewalls of the nodes, security groups, network policies; the "
        "overlay's own port, too, where only what crosses nodes fails."
    )
    rule = f'rule family="ipv4" source address="{pods}" port port="{port}" protocol="tcp" accept'
    return Remedy(text, f"firewall-cmd --permanent --add-rich-rule='{rule}' && firewall-cmd --reload  # on each")


def _pool() -> Remedy:
    return Remedy(
        "Give pods a range that is not the nodes' own network; until then answers go to pods, not to nodes.",
        "kubectl get nodes -o custom-columns=NAME:.metadata.name,PODS:.spec.podCIDRs,"
        "IP:.status.addresses[0].address\nkubectl get ippools.crd.projectcalico.org -o yaml  # with Calico",
    )


def _look_at_kubelets(found: Group) -> Remedy:
    node = found[0].node if len(found) == 1 else "NODE"
    text = "See whether these kubelets run, on which port, and whether a firewall of the node is in the way."
    return Remedy(text, f"kubectl describe node {node}\nsystemctl status kubelet  # on the node")


def _wait_longer(evidence: Evidence, wanted: float) -> Remedy:
    """Return the pair of flags; metrics-server wants a timeout of at most nine tenths of the resolution."""
    timeout = math.ceil(wanted / 10) * 10
    every = max(resolution(evidence), math.ceil(timeout / 0.9 / 15) * 15)
    flags = f"--kubelet-request-timeout={timeout}s", f"--metric-resolution={format_duration(round(every * 1e9))}"
    text = (
        "Or wait longer, and ask less often: metrics-server takes a timeout of at most nine tenths of the resolution, "
        "kubevitals of at most twice as long."
    )
    return Remedy(text, with_flags(evidence, *flags))
