"""The objects of the simulated cluster, as far as clients look at them. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kubevitals.quantity import format_cpu, format_memory, format_time
from kubevitals.simulator.kinds import Object
from kubevitals.simulator.roles import AUTHENTICATION_CONFIG, SYSTEM

PATH_ANNOTATION = "metrics.k8s.io/resource-metrics-path"
GROUP = "metrics.k8s.io"
SERVICE = "metrics-server"
# In the order of discovery: clients that take the first version they find get the one that all clients know.
VERSIONS = (("v1beta1", 100), ("v1", 50))
FRONT_PROXY_NAME = "front-proxy-client"
KUBELET_CLIENT_NAME = "kube-apiserver-kubelet-client"


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a Node object says. ``cores`` and ``memory`` (bytes) are its capacity."""

    name: str
    address: str
    cores: int
    memory: int
    kubelet_port: int
    system: str = "Debian GNU/Linux 13 (trixie)"
    kernel: str = "6.12.0"
    metrics_path: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def node(facts: NodeFacts, now: float) -> Object:
    """Return a Node that is ready."""
    labels = {"kubernetes.io/hostname": facts.name, "kubernetes.io/os": "linux"} | dict(facts.labels)
    metadata: Object = {"name": facts.name, "labels": labels}
    if facts.metrics_path:
        metadata["annotations"] = {PATH_ANNOTATION: facts.metrics_path}
    return {"metadata": metadata, "spec": {}, "status": _node_status(facts, now)}


def _node_status(facts: NodeFacts, now: float) -> Object:
    resources = {"cpu": str(facts.cores), "memory": format_memory(facts.memory), "pods": "110"}
    addresses = [
        {"type": "InternalIP", "address": facts.address},
        {"type": "Hostname", "address": facts.name},
    ]
    info = {
        "osImage": facts.system,
        "kernelVersion": facts.kernel,
        "kubeletVersion": "v1.36.0",
        "containerRuntimeVersion": "containerd://2.1.4",
        "operatingSystem": "linux",
    }
    return {
        "capacity": resources,
        "allocatable": resources,
        "conditions": [_ready("KubeletReady", "kubelet is posting ready status", now)],
        "addresses": addresses,
        "daemonEndpoints": {"kubeletEndpoint": {"Port": facts.kubelet_port}},
        "nodeInfo": info,
    }


def _ready(reason: str, message: str, now: float, *, ready: bool = True) -> Object:
    time = format_time(int(now * 1000))
    return {
        "type": "Ready",
        "status": "True" if ready else "False",
        "lastHeartbeatTime": time,
        "lastTransitionTime": time,
        "reason": reason,
        "message": message,
    }


def with_readiness(item: Object, now: float, *, ready: bool) -> Object:
    """Return a Node whose Ready condition is this."""
    reason = "KubeletReady" if ready else "KubeletNotReady"
    condition = _ready(reason, "kubelet is posting ready status" if ready else "kubelet stopped", now, ready=ready)
    return {**item, "status": item["status"] | {"conditions": [condition]}}


def pod(
    namespace: str,
    name: str,
    node_name: str,
    containers: Sequence[str],
    *,
    labels: Mapping[str, str],
    started: float,
    requests: Mapping[str, tuple[float, int]] | None = None,
) -> Object:
    """Return a Pod that runs.

    Args:
        namespace: its namespace.
        name: its name.
        node_name: where it runs.
        containers: their names.
        labels: its labels.
        started: when it was created, in seconds since the epoch.
        requests: cores and bytes by container.
    """
    time = format_time(int(started * 1000))
    sizes = requests or {}
    running = {"ready": True, "restartCount": 0, "state": {"running": {"startedAt": time}}}
    statuses = [{"name": container, **running} for container in containers]
    metadata = {"name": name, "namespace": namespace, "labels": dict(labels), "creationTimestamp": time}
    spec = {"nodeName": node_name, "containers": [_container(c, sizes.get(c)) for c in containers]}
    status = {
        "phase": "Running",
        "startTime": time,
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": time}],
        "containerStatuses": statuses,
    }
    return {"metadata": metadata, "spec": spec, "status": status}


def _container(name: str, resources: tuple[float, int] | None) -> Object:
    found: Object = {"name": name, "image": f"{name}:1"}
    if resources is None:
        return found
    cores, memory = resources
    requests = {"cpu": format_cpu(int(cores * 1000) * 1_000_000), "memory": format_memory(memory)}
    return found | {"resources": {"requests": requests}}


def created(time: float) -> Object:
    """Return the metadata of something that was created at a time, in seconds since the epoch."""
    return {"creationTimestamp": format_time(int(time * 1000))}


def namespace(name: str) -> Object:
    """Return a Namespace."""
    labels = {"kubernetes.io/metadata.name": name}
    return {"metadata": {"name": name, "labels": labels}, "status": {"phase": "Active"}}


def authentication_config(client_ca: bytes, front_proxy_ca: bytes) -> Object:
    """Return the ConfigMap from which aggregated servers learn whom to believe; both arguments are PEM bundles."""
    data = {
        "client-ca-file": client_ca.decode(),
        "requestheader-client-ca-file": front_proxy_ca.decode(),
        "requestheader-allowed-names": f'["{FRONT_PROXY_NAME}"]',
        "requestheader-username-headers": '["X-Remote-User"]',
        "requestheader-uid-headers": '["X-Remote-Uid"]',
        "requestheader-group-headers": '["X-Remote-Group"]',
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    }
    return {"metadata": {"name": AUTHENTICATION_CONFIG, "namespace": SYSTEM}, "data": data}


def service(host: str) -> Object:
    """Return the Service behind which an aggregated server on this machine is."""
    return {
        "metadata": {"name": SERVICE, "namespace": SYSTEM, "labels": {"k8s-app": SERVICE}},
        "spec": {"type": "ExternalName", "externalName": host},
    }


def api_service(version: str, priority: int, port: int, ca: bytes) -> Object:
    """Return the APIService of one version; without ``ca`` (PEM) the server's certificate is not verified."""
    trust: Object = {"caBundle": base64.b64encode(ca).decode()} if ca else {"insecureSkipTLSVerify": True}
    spec = {
        "group": GROUP,
        "version": version,
        "groupPriorityMinimum": 100,
        "versionPriority": priority,
        "service": {"name": SERVICE, "namespace": SYSTEM, "port": port},
    }
    return {"metadata": {"name": f"{version}.{GROUP}", "labels": {"k8s-app": SERVICE}}, "spec": spec | trust}


def kubeconfig(url: str, ca: bytes, user: Object) -> Object:
    """Return a kubeconfig for one user of this cluster.

    Args:
        url: of the API server.
        ca: that signed its certificate, PEM.
        user: the credentials, as kubeconfig files spell them.
    """
    cluster = {"server": url, "certificate-authority-data": base64.b64encode(ca).decode()}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "kubevitals", "cluster": cluster}],
        "users": [{"name": "kubevitals", "user": user}],
        "contexts": [{"name": "kubevitals", "context": {"cluster": "kubevitals", "user": "kubevitals"}}],
        "current-context": "kubevitals",
    }


def certificate_user(certificate: bytes, key: bytes) -> Object:
    """Return credentials of a client certificate (PEM) as a kubeconfig spells them."""
    return {
        "client-certificate-data": base64.b64encode(certificate).decode(),
        "client-key-data": base64.b64encode(key).decode(),
    }
