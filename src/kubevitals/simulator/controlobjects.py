"""The objects that stand for the processes of a cluster: the API server's pod, and a metrics server's. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubevitals.quantity import format_time
from kubevitals.simulator import templates
from kubevitals.simulator.endpoints import OF_SERVICE
from kubevitals.simulator.kinds import (
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    REPLICA_SETS,
    Kind,
    Object,
)
from kubevitals.simulator.roles import SERVICE_ACCOUNT, SYSTEM
from kubevitals.simulator.templates import SERVICE

API_SERVER = "kube-apiserver"
SERVICE_PORT = 443
REPLICA_SET = f"{SERVICE}-6d94bc8694"
POD = f"{REPLICA_SET}-x7k2p"
_LABELS = {"k8s-app": SERVICE}
_PORT_NAME = "https"
_CLUSTER_IP = "10.96.143.12"
_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
_PKI = "/etc/kubernetes/pki"
_FLAGS = (
    "--authorization-mode=Node,RBAC",
    f"--client-ca-file={_PKI}/ca.crt",
    "--enable-aggregator-routing=true",
    f"--kubelet-client-certificate={_PKI}/apiserver-kubelet-client.crt",
    f"--kubelet-client-key={_PKI}/apiserver-kubelet-client.key",
    "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
    f"--proxy-client-cert-file={_PKI}/front-proxy-client.crt",
    f"--proxy-client-key-file={_PKI}/front-proxy-client.key",
    f"--requestheader-allowed-names={templates.FRONT_PROXY_NAME}",
    f"--requestheader-client-ca-file={_PKI}/front-proxy-ca.crt",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-username-headers=X-Remote-User",
    "--secure-port=6443",
    "--service-cluster-ip-range=10.96.0.0/12",
)


def api_server_pod(node: str, address: str, started: float) -> Object:
    """Return the mirror pod of the API server's static pod, with the flags that kubeadm gives and routing to pods."""
    found = templates.pod(
        SYSTEM,
        f"{API_SERVER}-{node}",
        node,
        [API_SERVER],
        labels={"component": API_SERVER, "tier": "control-plane"},
        started=started,
    )
    [container] = found["spec"]["containers"]
    command = [API_SERVER, f"--advertise-address={address}", *_FLAGS]
    container |= {"command": command, "image": "kube-apiserver:v1.36.0"}
    found["metadata"]["annotations"] = {
        "kubernetes.io/config.source": "file",
        "kubernetes.io/config.mirror": "6a1c5a4f2e9d4a0f8a3f5d8a1d9f5b7e",
    }
    found["spec"] |= {"hostNetwork": True, "priorityClassName": "system-node-critical"}
    found["status"] |= _addresses(address, address) | {"conditions": conditions(started, ready=True)}
    return found


def service() -> Object:
    """Return the Service of a metrics server that runs in a pod."""
    spec = {
        "type": "ClusterIP",
        "clusterIP": _CLUSTER_IP,
        "clusterIPs": [_CLUSTER_IP],
        "ports": [{"name": _PORT_NAME, "port": SERVICE_PORT, "protocol": "TCP", "targetPort": _PORT_NAME}],
        "selector": _LABELS,
    }
    return {"metadata": {"name": SERVICE, "namespace": SYSTEM, "labels": _LABELS}, "spec": spec}


def server_pod(node: str, host: str, port: int, args: Sequence[str], started: float) -> Object:
    """Return the ready pod of a metrics server that listens at host and port."""
    labels = _LABELS | {"pod-template-hash": REPLICA_SET.rpartition("-")[2]}
    found = templates.pod(SYSTEM, POD, node, [SERVICE], labels=labels, started=started)
    found["metadata"]["ownerReferences"] = [_owner("ReplicaSet", REPLICA_SET)]
    found["spec"] |= _pod_spec(port, args)
    found["status"] |= _addresses(host, host) | {"conditions": conditions(started, ready=True)}
    return found


def workloads(port: int, args: Sequence[str], started: float) -> list[tuple[Kind, Object]]:
    """Return the Deployment and ReplicaSet of that pod."""
    template = {"metadata": {"labels": _LABELS}, "spec": _pod_spec(port, args)}
    spec = {"replicas": 1, "selector": {"matchLabels": _LABELS}, "template": template}
    counts = {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1}
    metadata = {"namespace": SYSTEM, "labels": _LABELS} | templates.created(started)
    owned = metadata | {"name": REPLICA_SET, "ownerReferences": [_owner("Deployment", SERVICE)]}
    deployment = {"metadata": metadata | {"name": SERVICE}, "spec": spec, "status": counts | {"updatedReplicas": 1}}
    return [(DEPLOYMENTS, deployment), (REPLICA_SETS, {"metadata": owned, "spec": spec, "status": counts})]


def endpoints(node: str, host: str, port: int, *, ready: bool) -> list[tuple[Kind, Object]]:
    """Return the EndpointSlice and the Endpoints by which the Service leads to that pod."""
    metadata = {"namespace": SYSTEM, "name": SERVICE, "labels": _LABELS}
    named = {"name": f"{SERVICE}-q8x4d", "labels": _LABELS | {OF_SERVICE: SERVICE}}
    target = {"kind": "Pod", "namespace": SYSTEM, "name": POD}
    ports = [{"name": _PORT_NAME, "port": port, "protocol": "TCP"}]
    endpoint = {
        "addresses": [host],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
        "nodeName": node,
        "targetRef": target,
    }
    family = "IPv6" if ":" in host else "IPv4"
    found = {"metadata": metadata | named, "addressType": family, "endpoints": [endpoint], "ports": ports}
    address = {"ip": host, "nodeName": node, "targetRef": target}
    subset = {"addresses" if ready else "notReadyAddresses": [address], "ports": ports}
    return [(ENDPOINT_SLICES, found), (ENDPOINTS, {"metadata": metadata, "subsets": [subset]})]


def conditions(time: float, *, ready: bool) -> list[Object]:
    """Return the conditions of a pod that runs, and passes its readiness probe or does not."""
    found = []
    for kind in _CONDITIONS:
        held = ready or kind not in ("Ready", "ContainersReady")
        entry: Object = {"type": kind, "status": "True" if held else "False"}
        entry["lastTransitionTime"] = format_time(int(time * 1000))
        if not held:
            message = f"containers with unready status: [{SERVICE}]"
            entry |= {"reason": "ContainersNotReady", "message": message}
        found.append(entry)
    return found


def _pod_spec(port: int, args: Sequence[str]) -> dict[str, Any]:
    container = {
        "name": SERVICE,
        "image": "kubevitals:0.1.0",
        "args": list(args),
        "ports": [{"name": _PORT_NAME, "containerPort": port, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "100m", "memory": "200Mi"}},
    }
    return {
        "serviceAccountName": SERVICE_ACCOUNT,
        "priorityClassName": "system-cluster-critical",
        "containers": [container],
    }


def _addresses(host: str, pod: str) -> Object:
    return {"hostIP": host, "podIP": pod, "podIPs": [{"ip": pod}]}


def _owner(kind: str, name: str) -> Object:
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True, "blockOwnerDeletion": True}
