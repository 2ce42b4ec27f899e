"""How the API server finds the server: a Service, and an APIService for each version. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kubevitals.manifests.options import Options
from kubevitals.manifests.shape import Manifest, manifest

GROUP = "metrics.k8s.io"
PORT_NAME, _PORT = "https", 443

# v1beta1 has metrics-server's priority. v1 has a lower one, so that discovery names v1beta1 first: kubectl takes the
# first version it is told of and does not fall back, and v1beta1 is what every client and metrics server knows. With
# equal priorities kube-aggregator would put v1 first, because it is the more mature one.
_PRIORITIES = {"v1beta1": 100, "v1": 50}
_GROUP_PRIORITY = 100

API_SERVICES = tuple(f"{version}.{GROUP}" for version in _PRIORITIES)
"""The names of the APIServices, of which each can exist once in a cluster."""


def service(options: Options) -> Manifest:
    """Return the Service in front of the pods; its port is the one that an APIService means by default."""
    port = {"name": PORT_NAME, "port": _PORT, "protocol": "TCP", "targetPort": PORT_NAME, "appProtocol": "https"}
    spec = {"type": "ClusterIP", "selector": options.labels, "ports": [port]}
    return manifest("v1", "Service", options, options.name, namespace=options.namespace) | {"spec": spec}


def api_services(options: Options) -> Iterator[Manifest]:
    """Yield the APIServices.

    They have no ``caBundle``: the server writes it (``--managed-tls``), and applying the manifests again leaves it.
    """
    for version, priority in _PRIORITIES.items():
        spec: Manifest = {
            "group": GROUP,
            "version": version,
            "groupPriorityMinimum": _GROUP_PRIORITY,
            "versionPriority": priority,
        }
        if options.insecure_skip_tls_verify:
            spec["insecureSkipTLSVerify"] = True
        spec["service"] = {"name": options.name, "namespace": options.namespace, "port": _PORT}
        yield manifest("apiregistration.k8s.io/v1", "APIService", options, f"{version}.{GROUP}") | {"spec": spec}
