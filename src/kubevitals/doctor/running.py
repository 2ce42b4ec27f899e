"""The provider as it runs: its flags, its Deployment, and the commands that change them. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from kubevitals.doctor.evidence import Evidence, Unseen, some
from kubevitals.doctor.objects import Container, Node, Pod, PodSpec, seconds
from kubevitals.errors import QuantityError, SelectorError
from kubevitals.quantity import parse_duration
from kubevitals.selectors import parse_labels

_NAMES = ("metrics-server", "kubevitals")


def provider_pod(evidence: Evidence) -> Pod | None:
    """Return the provider's pod, the first of several."""
    return next((pod for pod in some(evidence.pods) if not pod.finished), None)


def container_at(spec: PodSpec, names: Sequence[str] = _NAMES) -> int:
    """Return which of its containers is the metrics server: the one that is called so, else the first.

    Args:
        spec: of a pod.
        names: parts of what another one is called that is looked for.
    """
    found = enumerate(spec.containers)
    return next((at for at, item in found if any(name in f"{item.name} {item.image}" for name in names)), 0)


def is_ours(evidence: Evidence) -> bool:
    """Return whether the provider is kubevitals."""
    return not isinstance(evidence.status, Unseen) or "kubevitals" in _text(evidence)


def reads_kubelets(evidence: Evidence) -> bool:
    """Return whether the provider is one that asks kubelets, rather than Prometheus."""
    return is_ours(evidence) or "metrics-server" in _text(evidence)


def is_adapter(evidence: Evidence) -> bool:
    """Return whether the provider is prometheus-adapter."""
    return "prometheus-adapter" in _text(evidence)


def leaves_out(evidence: Evidence, node: Node) -> bool:
    """Return whether the provider was told by --node-selector to leave a node out."""
    try:
        return not parse_labels(flag(evidence, "--node-selector")).matches(node.metadata.labels)
    except SelectorError:
        return False


def _text(evidence: Evidence) -> str:
    container = _container(evidence)
    return "" if container is None else " ".join((container.name, container.image, *container.argv))


def _container(evidence: Evidence) -> Container | None:
    pod = provider_pod(evidence)
    return pod.spec.containers[container_at(pod.spec)] if pod is not None and pod.spec.containers else None


def flag(evidence: Evidence, name: str) -> str:
    """Return the value of a flag of the provider's container; empty when it has none. The last one counts."""
    container = _container(evidence)
    return "" if container is None else flag_of(container, name)


def flag_of(container: Container, name: str) -> str:
    """Return the value of a flag of any container, likewise."""
    values = [after for item in container.argv for before, _, after in [item.partition("=")] if before == name]
    return values[-1] if values else ""


def duration(evidence: Evidence, name: str, default: float) -> float:
    """Return a flag that is a Go duration in seconds."""
    try:
        return parse_duration(flag(evidence, name)) / 1e9
    except QuantityError:
        return default


def resolution(evidence: Evidence) -> float:
    """Return the seconds between two scrapes."""
    return duration(evidence, "--metric-resolution", 60.0)


def request_timeout(evidence: Evidence) -> float:
    """Return the seconds that a kubelet has to answer."""
    return duration(evidence, "--kubelet-request-timeout", 10.0)


def age(evidence: Evidence) -> float | None:
    """Return for how many seconds the provider's container has run; None when it does not."""
    pod = provider_pod(evidence)
    if pod is None:
        return None
    states = [found.state.running for found in pod.status.container_statuses or ()]
    started = [moment for state in states if state and (moment := seconds(state.started_at)) is not None]
    since = max(started, default=seconds(pod.status.start_time))
    return None if since is None else evidence.now - since


def namespace(evidence: Evidence) -> str:
    """Return where the provider runs."""
    pod = provider_pod(evidence)
    known = pod.metadata.namespace if pod is not None else ""
    return known or (evidence.reference.namespace if evidence.reference else "kube-system")


def account(evidence: Evidence) -> str:
    """Return the name of its ServiceAccount."""
    pod = provider_pod(evidence)
    return (pod.spec.service_account_name if pod is not None else "") or "default"


def workload(evidence: Evidence) -> str:
    """Return what its pods are made by, as kubectl takes it: ``deployment/metrics-server``."""
    pod = provider_pod(evidence)
    owners = pod.metadata.owner_references if pod is not None else ()
    if owners and owners[0].kind != "ReplicaSet":
        return f"{owners[0].kind.lower()}/{owners[0].name}"
    name = owners[0].name if owners else pod.metadata.name if pod is not None else ""
    known = [item.metadata.name for item in some(evidence.workloads)]
    made = [item for item in known if name.startswith(f"{item}-")]
    return f"deployment/{min(made, key=len, default=name.rpartition('-')[0] or 'metrics-server')}"


def with_flags(evidence: Evidence, *flags: str) -> str:
    """Return the command that sets flags of the provider; it restarts the pods.

    Args:
        evidence: what is known of its container.
        flags: such as ``--metric-resolution=30s``; they take the place of those of the same name.
    """
    pod = provider_pod(evidence)
    where = f"kubectl -n {namespace(evidence)} patch {workload(evidence)}"
    return patched(where, pod.spec if pod is not None else PodSpec(), container_at(pod.spec) if pod else 0, *flags)


def patched(where: str, spec: PodSpec, at: int, *flags: str) -> str:
    """Return the command that sets flags of a container.

    Args:
        where: the command's beginning, which names the workload.
        spec: of its pods.
        at: which of their containers.
        flags: they take the place of those of the same name.
    """
    container = spec.containers[at] if spec.containers else Container()
    args, command = container.args or (), container.command or ()
    place = f"/spec/template/spec/containers/{at}"
    changes: list[dict[str, object]] = [_change(place, command, args, item) for item in flags]
    if not args and not any(str(change["path"]).startswith(f"{place}/command") for change in changes):
        changes = [{"op": "add", "path": f"{place}/args", "value": list(flags)}]
    patch = shlex.quote(json.dumps(changes, separators=(",", ":")))
    return f"{where} --type json -p {patch}"


def _change(place: str, command: Sequence[str], args: Sequence[str], item: str) -> dict[str, object]:
    name = item.partition("=")[0]
    for kind, found in (("args", args), ("command", command)):
        for at in reversed(range(len(found))):
            if found[at].partition("=")[0] == name:
                return {"op": "replace", "path": f"{place}/{kind}/{at}", "value": item}
    return {"op": "add", "path": f"{place}/args/-", "value": item}


def mounted_authority(evidence: Evidence, path: str) -> str:
    """Return the commands that put ``ca.crt`` of this directory into the provider's pods.

    Args:
        evidence: what is known of its container.
        path: of the file in its container.
    """
    container = _container(evidence)
    mount = {"name": "kubelet-ca", "mountPath": path.rpartition("/")[0], "readOnly": True}
    of = {"name": container.name if container is not None else "metrics-server", "volumeMounts": [mount]}
    volume = {"name": "kubelet-ca", "configMap": {"name": "kubelet-ca"}}
    change = {"spec": {"template": {"spec": {"volumes": [volume], "containers": [of]}}}}
    patch = shlex.quote(json.dumps(change, separators=(",", ":")))
    where = f"kubectl -n {namespace(evidence)}"
    return f"{where} create configmap kubelet-ca --from-file=ca.crt\n{where} patch {workload(evidence)} -p {patch}"


def restart(evidence: Evidence) -> str:
    """Return the command that replaces its pods."""
    return f"kubectl -n {namespace(evidence)} rollout restart {workload(evidence)}"
