"""Which rights a metrics server needs, and which its readers need. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Attributes = dict[str, str]

AUTHENTICATION: Final = "get the ConfigMap extension-apiserver-authentication"
NEEDED: Final[Mapping[str, Attributes]] = {
    "get nodes/metrics": {"verb": "get", "resource": "nodes", "subresource": "metrics"},
    "list nodes": {"verb": "list", "resource": "nodes"},
    "watch nodes": {"verb": "watch", "resource": "nodes"},
    "list pods": {"verb": "list", "resource": "pods"},
    "watch pods": {"verb": "watch", "resource": "pods"},
    "create tokenreviews": {"verb": "create", "group": "authentication.k8s.io", "resource": "tokenreviews"},
    "create subjectaccessreviews": {
        "verb": "create",
        "group": "authorization.k8s.io",
        "resource": "subjectaccessreviews",
    },
    AUTHENTICATION: {
        "verb": "get",
        "resource": "configmaps",
        "namespace": "kube-system",
        "name": "extension-apiserver-authentication",
    },
}
"""By the words for it, the attributes of a SubjectAccessReview: what a provider that reads kubelets needs."""

OWN: Final[dict[str, Attributes]] = {
    "list nodes.metrics.k8s.io": {"verb": "list", "group": "metrics.k8s.io", "resource": "nodes"},
    "list pods.metrics.k8s.io": {"verb": "list", "group": "metrics.k8s.io", "resource": "pods"},
}
"""The same for whoever asks: what ``kubectl top`` needs."""


def own_in(namespace: str) -> dict[str, Attributes]:
    """Return the same for ``kubectl top pods`` in one namespace."""
    pods = "list pods.metrics.k8s.io"
    return {f"{pods} -n {namespace}": OWN[pods] | {"namespace": namespace}}


def service_account(namespace: str, name: str) -> tuple[str, tuple[str, ...]]:
    """Return user name and groups of a ServiceAccount."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return f"system:serviceaccount:{namespace}:{name}", groups
