"""What is asked of a server."""

from __future__ import annotations

from typing import NamedTuple

BASE = "/apis/metrics.k8s.io/v1beta1"
NODE = BASE + "/nodes/{node}"
POD = BASE + "/namespaces/{pod.namespace}/pods/{pod.name}"


class Request(NamedTuple):
    """A path, and the headers by which a form of the answer is chosen."""

    path: str
    headers: tuple[tuple[str, str], ...] = ()


_NAMESPACE = f"{BASE}/namespaces/ns-07/pods"
_GZIP = (("Accept-Encoding", "gzip"),)
_PROTOBUF = (("Accept", "application/vnd.kubernetes.protobuf"),)
# In an order in which no list holds what the one before it does: each is then the first to ask for its objects.
LISTS = {
    "selector": Request(f"{_NAMESPACE}?labelSelector=app%3Dapp-3"),
    "nodes": Request(f"{BASE}/nodes"),
    "namespace": Request(_NAMESPACE),
    "pods_protobuf": Request(f"{BASE}/pods", _PROTOBUF),
    "pods": Request(f"{BASE}/pods"),
    "pods_gzip": Request(f"{BASE}/pods", _GZIP),
}
"""By name; a namespace holds a twentieth of all pods, and the selector leaves a tenth of these."""
