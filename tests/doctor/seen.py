"""Evidence of a healthy cluster of two nodes, to be changed in the one point that a test is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from kubevitals.doctor import rights
from kubevitals.doctor.catalogue import CHECKS
from kubevitals.doctor.evidence import Access, Evidence, KubeletView, Some, T
from kubevitals.doctor.finding import Finding
from kubevitals.doctor.objects import (
    ApiService,
    ConfigMap,
    EndpointSlice,
    Metrics,
    Namespace,
    Node,
    Pod,
    Service,
    Workload,
)

NOW = 1_800_000_000.0
NODE_NAMES = ("node-1", "node-2")
PROVIDER = "metrics-server-5d8f-abcde"
PUBLISHED = {"requestheader-client-ca-file": "PEM", "requestheader-allowed-names": '["front-proxy-client"]'}


def at(ago: float) -> str:
    """A time so many seconds ago, as the API spells it."""
    return datetime.fromtimestamp(NOW - ago, UTC).isoformat().replace("+00:00", "Z")


def of(type_: type[T], item: Any) -> T:
    """An object from its JSON."""
    return msgspec.convert(item, type_)


def api_service(
    version: str = "v1beta1",
    *,
    status: str = "True",
    reason: str = "Passed",
    message: str = "all checks passed",
    **spec: Any,
) -> ApiService:
    """An APIService that leads to kube-system/metrics-server."""
    service = {"namespace": "kube-system", "name": "metrics-server", "port": 443}
    condition = {"type": "Available", "status": status, "reason": reason, "message": message}
    return of(
        ApiService,
        {
            "metadata": {"name": f"{version}.metrics.k8s.io"},
            "spec": {"group": "metrics.k8s.io", "version": version, "service": service} | spec,
            "status": {"conditions": [condition]},
        },
    )


def service(**spec: Any) -> Service:
    """The Service."""
    port = {"name": "https", "port": 443, "targetPort": "https"}
    usual = {"selector": {"k8s-app": "metrics-server"}, "ports": [port], "clusterIP": "10.96.20.30"}
    return of(Service, {"metadata": {"name": "metrics-server", "namespace": "kube-system"}, "spec": usual | spec})


def slices(*, ready: bool = True) -> list[EndpointSlice]:
    """Its EndpointSlices, with one endpoint."""
    target = {"kind": "Pod", "name": PROVIDER}
    end = {"addresses": ["10.244.0.7"], "conditions": {"ready": ready}, "targetRef": target, "nodeName": "node-1"}
    return [
        of(
            EndpointSlice,
            {"metadata": {"name": "metrics-server-x"}, "endpoints": [end], "ports": [{"name": "https", "port": 10250}]},
        )
    ]


def provider(
    *,
    ready: bool = True,
    args: tuple[str, ...] = ("--secure-port=10250",),
    spec: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    container: dict[str, Any] | None = None,
) -> Pod:
    """The provider's pod, on node-1 for an hour."""
    ran = {"name": "metrics-server", "ready": ready, "restartCount": 0, "state": {"running": {"startedAt": at(3600)}}}
    asked = {
        "name": "metrics-server",
        "image": "kubevitals:0.1.0",
        "args": args,
        "ports": [{"name": "https", "containerPort": 10250}],
    } | (container or {})
    return of(
        Pod,
        {
            "metadata": {
                "name": PROVIDER,
                "namespace": "kube-system",
                "labels": {"k8s-app": "metrics-server"},
                "creationTimestamp": at(3600),
            },
            "spec": {"nodeName": "node-1", "serviceAccountName": "metrics-server", "containers": [asked]}
            | (spec or {}),
            "status": {
                "phase": "Running",
                "podIP": "10.244.0.7",
                "hostIP": "192.168.1.1",
                "startTime": at(3600),
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
                "containerStatuses": [ran],
            }
            | (status or {}),
        },
    )


def node(name: str, *, ready: bool = True, **more: Any) -> Node:
    """A node with an InternalIP and a Hostname; ``more`` replaces fields of its status."""
    addresses = [{"type": "InternalIP", "address": f"192.168.1.{name[-1]}"}, {"type": "Hostname", "address": name}]
    return of(
        Node,
        {
            "metadata": {"name": name, "creationTimestamp": at(86400)},
            "status": {
                "addresses": addresses,
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
                "nodeInfo": {"containerRuntimeVersion": "containerd://2.1.0", "kubeletVersion": "v1.34.1"},
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            }
            | more,
        },
    )


def node_metrics(name: str, *, age: float = 10.0) -> Metrics:
    """What the Metrics API answers for a node."""
    usage = {"cpu": "100m", "memory": "512Mi"}
    return of(Metrics, {"metadata": {"name": name}, "timestamp": at(age), "window": "15s", "usage": usage})


def pod_metrics(namespace: str, name: str, *, age: float = 10.0) -> Metrics:
    """What the Metrics API answers for a pod of one container."""
    used = [{"name": "main", "usage": {"cpu": "10m", "memory": "64Mi"}}]
    place = {"namespace": namespace, "name": name}
    return of(Metrics, {"metadata": place, "timestamp": at(age), "window": "15s", "containers": used})


def kubelet(body: bytes = b"", **config: Any) -> KubeletView:
    """What a kubelet answers that is configured as kubeadm does."""
    usual = {
        "authentication": {"webhook": {"enabled": True}, "anonymous": {"enabled": False}},
        "authorization": {"mode": "Webhook"},
        "serverTLSBootstrap": True,
    }
    return KubeletView(metrics=body, seconds=0.05, clock=NOW, config=usual | config)


def healthy(**changes: Any) -> Evidence:
    """The whole, with some fields replaced."""
    seen = Evidence(
        now=NOW,
        api_services=[api_service(), api_service("v1")],
        service=service(),
        slices=slices(),
        pods=[provider()],
        workloads=[of(Workload, {"metadata": {"name": "metrics-server", "namespace": "kube-system"}})],
        events=[],
        candidates=[provider()],
        logs={PROVIDER: ""},
        probe="[+]metric-storage-ready ok\nreadyz check passed\n",
        nodes=[node(name) for name in NODE_NAMES],
        node_metrics=[node_metrics(name) for name in NODE_NAMES],
        pod_metrics=[pod_metrics("default", "web-1")],
        published=of(ConfigMap, {"metadata": {"name": "extension-apiserver-authentication"}, "data": PUBLISHED}),
        api_servers=[],
        rights={words: Access(True) for words in rights.NEEDED},
        own_rights={words: Access(True) for words in rights.OWN},
        kubelets={name: kubelet() for name in NODE_NAMES},
        kubelets_looked=Some(2, 2),
        namespaces=[of(Namespace, {"metadata": {"name": "kube-system"}})],
    )
    return replace(seen, **changes)


def found(evidence: Evidence) -> dict[str, Finding]:
    """What all checks find, by id."""
    return {check.id: finding for check in CHECKS for finding in check.find(evidence)}
