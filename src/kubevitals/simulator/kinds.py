"""Which resources the API server of the simulated cluster knows. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# A Kubernetes object as JSON spells it; never changed in place, so that what a watcher saw stays as it was.
Object = dict[str, Any]

READ = ("get", "list", "watch")
WRITE = ("create", "delete", "patch", "update")
CREATE_ONLY = ("create",)


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource: its names, and which fields a field selector may name besides metadata.

    ``fields`` maps a field label such as ``status.phase`` to what reads it off an object.
    """

    group: str
    version: str
    resource: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = READ + WRITE
    fields: dict[str, Callable[[Object], str]] = field(default_factory=dict, compare=False, hash=False)

    @property
    def api_version(self) -> str:
        """``v1`` or ``group/version``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The resource with its group, as messages name it: ``pods``, ``roles.rbac.authorization.k8s.io``."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def stored(self) -> bool:
        """False for reviews, which are questions and not objects."""
        return self.verbs != CREATE_ONLY


def _reader(*path: str, default: str = "") -> Callable[[Object], str]:
    def read(item: Object) -> str:
        value: Any = item
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            return default
        return str(value).lower() if isinstance(value, bool) else str(value)

    return read


_POD_FIELDS = {
    "spec.nodeName": _reader("spec", "nodeName"),
    "spec.restartPolicy": _reader("spec", "restartPolicy"),
    "spec.schedulerName": _reader("spec", "schedulerName"),
    "spec.serviceAccountName": _reader("spec", "serviceAccountName"),
    "spec.hostNetwork": _reader("spec", "hostNetwork", default="false"),
    "status.phase": _reader("status", "phase"),
    "status.podIP": _reader("status", "podIP"),
    "status.nominatedNodeName": _reader("status", "nominatedNodeName"),
}

NODES = Kind(
    "",
    "v1",
    "nodes",
    "Node",
    False,
    ("no",),
    fields={"spec.unschedulable": _reader("spec", "unschedulable", default="false")},
)
PODS = Kind("", "v1", "pods", "Pod", True, ("po",), fields=_POD_FIELDS)
NAMESPACES = Kind(
    "", "v1", "namespaces", "Namespace", False, ("ns",), fields={"status.phase": _reader("status", "phase")}
)
CONFIG_MAPS = Kind("", "v1", "configmaps", "ConfigMap", True, ("cm",))
SECRETS = Kind("", "v1", "secrets", "Secret")
SERVICES = Kind("", "v1", "services", "Service", True, ("svc",))
SERVICE_ACCOUNTS = Kind("", "v1", "serviceaccounts", "ServiceAccount", True, ("sa",))
EVENTS = Kind(
    "",
    "v1",
    "events",
    "Event",
    True,
    ("ev",),
    fields={f"involvedObject.{key}": _reader("involvedObject", key) for key in ("kind", "name", "namespace", "uid")},
)
ENDPOINTS = Kind("", "v1", "endpoints", "Endpoints", True, ("ep",))
DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment", True, ("deploy",))
REPLICA_SETS = Kind("apps", "v1", "replicasets", "ReplicaSet", True, ("rs",))
HORIZONTAL_POD_AUTOSCALERS = Kind(
    "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True, ("hpa",)
)
CRON_JOBS = Kind("batch", "v1", "cronjobs", "CronJob", True, ("cj",))
JOBS = Kind(
    "batch", "v1", "jobs", "Job", True, fields={"status.successful": _reader("status", "succeeded", default="0")}
)
ENDPOINT_SLICES = Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
_RBAC = "rbac.authorization.k8s.io"
ROLES = Kind(_RBAC, "v1", "roles", "Role")
ROLE_BINDINGS = Kind(_RBAC, "v1", "rolebindings", "RoleBinding")
CLUSTER_ROLES = Kind(_RBAC, "v1", "clusterroles", "ClusterRole", False)
CLUSTER_ROLE_BINDINGS = Kind(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", False)
API_SERVICES = Kind("apiregistration.k8s.io", "v1", "apiservices", "APIService", False)
_AUTHENTICATION = "authentication.k8s.io"
_AUTHORIZATION = "authorization.k8s.io"
TOKEN_REVIEWS = Kind(_AUTHENTICATION, "v1", "tokenreviews", "TokenReview", False, verbs=CREATE_ONLY)
SELF_SUBJECT_REVIEWS = Kind(_AUTHENTICATION, "v1", "selfsubjectreviews", "SelfSubjectReview", False, verbs=CREATE_ONLY)
SUBJECT_ACCESS_REVIEWS = Kind(
    _AUTHORIZATION, "v1", "subjectaccessreviews", "SubjectAccessReview", False, verbs=CREATE_ONLY
)
SELF_SUBJECT_ACCESS_REVIEWS = Kind(
    _AUTHORIZATION, "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False, verbs=CREATE_ONLY
)

# In the order of discovery: core first, then as the API server ranks its groups.
KINDS = (
    CONFIG_MAPS,
    ENDPOINTS,
    EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    API_SERVICES,
    Kind("apps", "v1", "daemonsets", "DaemonSet", True, ("ds",)),
    DEPLOYMENTS,
    REPLICA_SETS,
    Kind("apps", "v1", "statefulsets", "StatefulSet", True, ("sts",)),
    SELF_SUBJECT_REVIEWS,
    TOKEN_REVIEWS,
    SELF_SUBJECT_ACCESS_REVIEWS,
    SUBJECT_ACCESS_REVIEWS,
    HORIZONTAL_POD_AUTOSCALERS,
    CRON_JOBS,
    JOBS,
    Kind("coordination.k8s.io", "v1", "leases", "Lease"),
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ROLE_BINDINGS,
    ROLES,
    ENDPOINT_SLICES,
)

_BY_NAME = {(kind.group, kind.version, kind.resource): kind for kind in KINDS}


def find(group: str, version: str, resource: str) -> Kind | None:
    """Return the kind that a path names, None when there is none."""
    return _BY_NAME.get((group, version, resource))


def groups() -> dict[str, list[Kind]]:
    """Return the kinds by group, in the order of discovery; the core group is the empty name."""
    found: dict[str, list[Kind]] = {}
    for kind in KINDS:
        found.setdefault(kind.group, []).append(kind)
    return found
