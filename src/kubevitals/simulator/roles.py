"""Roles and bindings every cluster has, and those a metrics server brings. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kubevitals.simulator.kinds import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ROLE_BINDINGS,
    ROLES,
    SERVICE_ACCOUNTS,
    Kind,
    Object,
)

SYSTEM = "kube-system"
SERVICE_ACCOUNT = "metrics-server"
AUTHENTICATION_CONFIG = "extension-apiserver-authentication"
_GROUP = "rbac.authorization.k8s.io"
_READ = ("get", "list", "watch")
_DISCOVERY = ("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/version", "/version/")
_PROBES = ("/healthz", "/livez", "/readyz")


def rule(groups: Sequence[str], resources: Sequence[str], verbs: Sequence[str], names: Sequence[str] = ()) -> Object:
    """Return a rule about resources; ``names`` limits it to single objects."""
    found: Object = {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}
    return found | ({"resourceNames": list(names)} if names else {})


def paths(urls: Sequence[str], verbs: Sequence[str] = ("get",)) -> Object:
    """Return a rule about paths that are no resources."""
    return {"nonResourceURLs": list(urls), "verbs": list(verbs)}


def role(name: str, rules: Sequence[Object], namespace: str = "") -> tuple[Kind, Object]:
    """Return a ClusterRole, or a Role when a namespace is given."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return (ROLES if namespace else CLUSTER_ROLES), {"metadata": metadata, "rules": list(rules)}


def binding(
    name: str, bound: str, subjects: Sequence[Object], namespace: str = "", *, role_namespaced: bool = False
) -> tuple[Kind, Object]:
    """Return a ClusterRoleBinding of the role ``bound``, or a RoleBinding when a namespace is given."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    reference = {"apiGroup": _GROUP, "kind": "Role" if role_namespaced else "ClusterRole", "name": bound}
    kind = ROLE_BINDINGS if namespace else CLUSTER_ROLE_BINDINGS
    return kind, {"metadata": metadata, "roleRef": reference, "subjects": list(subjects)}


def user(name: str) -> Object:
    """Return a subject."""
    return {"kind": "User", "apiGroup": _GROUP, "name": name}


def group(name: str) -> Object:
    """Return a subject."""
    return {"kind": "Group", "apiGroup": _GROUP, "name": name}


def service_account(name: str, namespace: str) -> Object:
    """Return a subject."""
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def defaults() -> list[tuple[Kind, Object]]:
    """Return what the API server itself makes, as far as a metrics server or its users meet it."""
    everyone = group("system:authenticated")
    reviews = rule(["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"])
    myself = rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"])
    delegator = [
        rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
        rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]),
    ]
    config = rule([""], ["configmaps"], _READ, [AUTHENTICATION_CONFIG])
    return [
        role("cluster-admin", [rule(["*"], ["*"], ["*"]), paths(["*"], ["*"])]),
        role("system:auth-delegator", delegator),
        role("system:basic-user", [reviews, myself]),
        role("system:discovery", [paths([*_PROBES, *_DISCOVERY])]),
        role("system:public-info-viewer", [paths([*_PROBES, "/version", "/version/"])]),
        role("extension-apiserver-authentication-reader", [config], SYSTEM),
        binding("cluster-admin", "cluster-admin", [group("system:masters")]),
        binding("system:basic-user", "system:basic-user", [everyone]),
        binding("system:discovery", "system:discovery", [everyone]),
        binding(
            "system:public-info-viewer",
            "system:public-info-viewer",
            [everyone, group("system:unauthenticated")],
        ),
        role("view", [*_view(), _usage_reader()]),
    ]


def metrics_server() -> list[tuple[Kind, Object]]:
    """Return the service account of a metrics server and what it is allowed, as its manifests grant it."""
    account = service_account(SERVICE_ACCOUNT, SYSTEM)
    kubelets = rule([""], ["nodes/metrics"], ["get"])
    objects = rule([""], ["pods", "nodes"], _READ)
    return [
        (SERVICE_ACCOUNTS, {"metadata": {"name": SERVICE_ACCOUNT, "namespace": SYSTEM}}),
        role("system:aggregated-metrics-reader", [_usage_reader()]),
        role("system:metrics-server", [kubelets, objects]),
        binding("system:metrics-server", "system:metrics-server", [account]),
        binding("metrics-server:system:auth-delegator", "system:auth-delegator", [account]),
        binding(
            "metrics-server-auth-reader",
            "extension-apiserver-authentication-reader",
            [account],
            SYSTEM,
            role_namespaced=True,
        ),
    ]


def _view() -> list[Object]:
    core = ("configmaps", "endpoints", "events", "namespaces", "pods", "pods/log", "serviceaccounts", "services")
    return [
        rule([""], core, _READ),
        rule(["apps"], ["daemonsets", "deployments", "replicasets", "statefulsets"], _READ),
        rule(["autoscaling"], ["horizontalpodautoscalers"], _READ),
        rule(["batch"], ["cronjobs", "jobs"], _READ),
        rule(["discovery.k8s.io"], ["endpointslices"], _READ),
    ]


def _usage_reader() -> Object:
    return rule(["metrics.k8s.io"], ["pods", "nodes"], _READ)
