"""The Kubernetes objects of a cluster with a metrics server: what an administrator would apply. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from tests.e2e.fleet import Node, Pod

Manifest = dict[str, Any]
Placed = tuple[str, Manifest]  # the collection to post to, and what to post

NAMESPACE = "kube-system"
NAME = "metrics-server"
SERVER = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CORE = "/api/v1"
VERSIONS = {"v1beta1": 100, "v1": 50}  # with the priority that puts v1beta1 first in discovery
LONG_AGO = "2026-01-01T00:00:00Z"


def server_rights() -> Iterator[Placed]:
    """The server's ServiceAccount and what it may do."""
    yield f"{CORE}/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": NAME}}
    rules = [
        {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]},
    ]
    yield f"{RBAC}/clusterroles", {"metadata": {"name": f"system:{NAME}"}, "rules": rules}
    yield _cluster_binding(f"system:{NAME}", f"system:{NAME}", SERVER)
    yield _cluster_binding(f"{NAME}:system:auth-delegator", "system:auth-delegator", SERVER)
    yield _binding(NAMESPACE, f"{NAME}-auth-reader", "Role", "extension-apiserver-authentication-reader", SERVER)


def registration(port: int) -> Iterator[Placed]:
    """The Service that leads the aggregator to a port of this machine, and an APIService for each version."""
    spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port, "protocol": "TCP"}]}
    yield f"{CORE}/namespaces/{NAMESPACE}/services", {"metadata": {"name": NAME}, "spec": spec}
    for version, priority in VERSIONS.items():
        yield "/apis/apiregistration.k8s.io/v1/apiservices", api_service(version, priority, port)


def api_service(version: str, priority: int, port: int) -> Manifest:
    """The APIService of one version of metrics.k8s.io."""
    return {
        "metadata": {"name": f"{version}.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io",
            "version": version,
            "groupPriorityMinimum": 100,
            "versionPriority": priority,
            "insecureSkipTLSVerify": True,
            "service": {"namespace": NAMESPACE, "name": NAME, "port": port},
        },
    }


def reader(namespace: str, user: str) -> Iterator[Placed]:
    """A Role that reads metrics of one namespace, for one user."""
    rules = [{"apiGroups": ["metrics.k8s.io"], "resources": ["pods"], "verbs": ["get", "list"]}]
    yield f"{RBAC}/namespaces/{namespace}/roles", {"metadata": {"name": "metrics-reader"}, "rules": rules}
    yield _binding(namespace, "metrics-reader", "Role", "metrics-reader", {"kind": "User", "name": user})


def namespace(name: str) -> Placed:
    """A namespace."""
    return f"{CORE}/namespaces", {"metadata": {"name": name}}


def node(spec: Node, kubelet_port: int) -> Manifest:
    """A Node that is ready, with its kubelet's address and port."""
    amounts = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    return {
        "metadata": {"name": spec.name, "labels": {"kubernetes.io/hostname": spec.name}},
        "status": {
            "capacity": amounts,
            "allocatable": amounts,
            "addresses": [
                {"type": "Hostname", "address": spec.name},
                {"type": "InternalIP", "address": spec.address},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet_port}},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        },
    }


def pod(spec: Pod, node_name: str) -> Manifest:
    """A pod bound to a node; it requests twice the CPU and four times the memory that it uses."""
    return {
        "metadata": {"name": spec.name, "namespace": spec.namespace, "labels": dict(spec.labels)},
        "spec": {
            "nodeName": node_name,
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": box.name,
                    "image": "none",
                    "resources": {"requests": {"cpu": f"{2 * box.millicores}m", "memory": 4 * box.memory}},
                }
                for box in spec.containers
            ],
        },
    }


def running() -> Manifest:
    """The status of a pod that has been running and ready for long."""
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": LONG_AGO}
        for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    return {"status": {"phase": "Running", "startTime": LONG_AGO, "conditions": conditions}}


def stored(spec: Pod, node_name: str, status: Manifest) -> Placed:
    """A pod as kube-apiserver keeps it in etcd: the key, and the object with what the API server adds."""
    manifest = {"apiVersion": "v1", "kind": "Pod", **pod(spec, node_name), **status}
    name = f"{spec.namespace}/{spec.name}"
    manifest["metadata"] |= {"uid": str(uuid.uuid5(uuid.NAMESPACE_URL, name)), "creationTimestamp": LONG_AGO}
    return f"/registry/pods/{name}", manifest


def replica_set(namespace_name: str, name: str, app: str, replicas: int) -> Placed:
    """A ReplicaSet that adopts the pods labelled with an app."""
    labels = {"app": app}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "none"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return f"/apis/apps/v1/namespaces/{namespace_name}/replicasets", {
        "metadata": {"name": name},
        "spec": spec,
    }


def autoscaler(name: str, target: str, utilization: dict[str, int]) -> Manifest:
    """A HorizontalPodAutoscaler for a ReplicaSet with target utilisations in percent, by resource."""
    return {
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": target},
            "minReplicas": 2,
            "maxReplicas": 2,
            "metrics": [_resource_metric(resource, percent) for resource, percent in utilization.items()],
        },
    }


def _resource_metric(resource: str, percent: int) -> Manifest:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": resource, "target": target}}


def _cluster_binding(name: str, role: str, subject: Manifest) -> Placed:
    return f"{RBAC}/clusterrolebindings", _bound(name, "ClusterRole", role, subject)


def _binding(namespace_name: str, name: str, kind: str, role: str, subject: Manifest) -> Placed:
    return f"{RBAC}/namespaces/{namespace_name}/rolebindings", _bound(name, kind, role, subject)


def _bound(name: str, kind: str, role: str, subject: Manifest) -> Manifest:
    return {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [subject],
    }
