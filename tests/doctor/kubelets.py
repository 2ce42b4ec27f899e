"""Evidence of clusters whose kubelets cannot be scraped, as metrics-server and kubevitals tell of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec
from tests.doctor.seen import NODE_NAMES, PROVIDER, healthy, kubelet, node_metrics, of, provider

from kubevitals.doctor.evidence import Evidence, KubeletView, Unseen
from kubevitals.doctor.objects import OwnerReference, SigningRequest

NO_SAN = "x509: cannot validate certificate for 192.168.1.2 because it doesn't contain any IP SANs"
UNKNOWN_CA = "x509: certificate signed by unknown authority"
EXPIRED = (
    "x509: certificate has expired or is not yet valid: current time 2027-01-15T08:00:00Z is after 2026-12-01T00:00:00Z"
)
NO_CERTIFICATE = "remote error: tls: internal error"
ARGS = (
    "--cert-dir=/tmp",
    "--secure-port=10250",
    "--kubelet-preferred-address-types=Hostname,InternalIP",
    "--metric-resolution=15s",
)


def klog(node: str, said: str, message: str = "Failed to scrape node") -> str:
    """A line of metrics-server since 0.5."""
    text = said.replace('"', '\\"')
    return f'E0115 08:00:00.000000       1 scraper.go:149] "{message}" err="{text}" node="{node}"\n'


def get(node: str, said: str) -> str:
    """What Go's HTTP client says of a GET that failed."""
    return f'Get "https://192.168.1.{node[-1]}:10250/metrics/resource": {said}'


def upstream(**changes: Any) -> dict[str, Any]:
    """Fields of evidence in which the provider is metrics-server, installed by a Deployment."""
    pod = provider(args=ARGS, container={"image": "metrics-server/metrics-server:v0.8.0"})
    owner = of(OwnerReference, {"kind": "ReplicaSet", "name": "metrics-server-5d8f", "controller": True})
    metadata = msgspec.structs.replace(pod.metadata, owner_references=(owner,))
    return {
        "pods": [msgspec.structs.replace(pod, metadata=metadata)],
        "status": Unseen("x", 404, "not found"),
    } | changes


def failing(
    said: str, nodes: Iterable[str] = ("node-2",), *, view: KubeletView | None = None, **changes: Any
) -> Evidence:
    """Metrics-server cannot scrape some nodes, and its log says why."""
    failed = list(nodes)
    log = "".join(
        klog(name, get(name, said) if not said.startswith(("request", "no addr")) else said) for name in failed
    )
    views = {name: (view or kubelet()) if name in failed else kubelet() for name in NODE_NAMES}
    usual = upstream(
        logs={PROVIDER: log},
        node_metrics=[node_metrics(name) for name in NODE_NAMES if name not in failed],
        kubelets=views,
    )
    return healthy(**usual | changes)


def reported(cause: str, detail: str, nodes: Iterable[str] = ("node-2",), **changes: Any) -> Evidence:
    """Kubevitals cannot scrape some nodes, and its ``scrapestatus`` says why."""
    failed = list(nodes)
    certificate = {"issuer": "node-2-ca@1", "names": ["node-2"], "notAfter": "2026-12-01T00:00:00Z"}
    bad = {"state": "failing", "cause": cause, "detail": detail, "address": "192.168.1.2", "certificate": certificate}
    entries = [{"name": name} | (bad if name in failed else {"state": "ok"}) for name in NODE_NAMES]
    measured = [node_metrics(name) for name in NODE_NAMES if name not in failed]
    return healthy(**{"status": {"nodes": entries}, "node_metrics": measured} | changes)


def pending(name: str, node: str, **status: Any) -> SigningRequest:
    """A request of a kubelet for a serving certificate."""
    spec = {"signerName": "kubernetes.io/kubelet-serving", "username": f"system:node:{node}"}
    return of(SigningRequest, {"metadata": {"name": name}, "spec": spec, "status": status})


def unreachable(said: str, node: str = "node-2", code: int = 503) -> KubeletView:
    """A kubelet that the API server gets no answer from."""
    path = f"/api/v1/nodes/{node}/proxy/metrics/resource"
    message = f"error trying to reach service: {said}"
    return replace(kubelet(), metrics=Unseen(path, code, message), config=Unseen(path, code, message))
