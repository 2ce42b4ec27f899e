"""Role-based access control by Role, ClusterRole and binding objects. Pure; the rules are Kubernetes' own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kubevitals.model import User
from kubevitals.quoting import quote
from kubevitals.simulator.attributes import Attributes
from kubevitals.simulator.kinds import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Object
from kubevitals.simulator.registry import Registry

MASTERS = "system:masters"
_ANY = "*"
_SERVICE_ACCOUNT = "system:serviceaccount:"


class Decision(NamedTuple):
    """Whether something is allowed, and by what; nothing is ever denied, only not allowed."""

    allowed: bool
    reason: str = ""


def authorize(registry: Registry, user: User, attributes: Attributes) -> Decision:
    """Decide by the roles and bindings in the registry; members of ``system:masters`` may do anything."""
    if MASTERS in user.groups:
        return Decision(True)
    for binding, subject in _bindings(registry, user, attributes.namespace):
        role = _role(registry, binding)
        if role is not None and any(allows(rule, attributes) for rule in role.get("rules") or ()):
            return Decision(True, _reason(binding, subject))
    return Decision(False)


def allows(rule: Object, attributes: Attributes) -> bool:
    """Tell whether one rule of a role covers a request."""
    if not _covers(rule.get("verbs"), attributes.verb):
        return False
    if not attributes.resource:
        return any(_path_matches(pattern, attributes.path) for pattern in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames")
    return (
        _covers(rule.get("apiGroups"), attributes.group)
        and _covers_resource(rule.get("resources") or (), attributes.resource, attributes.subresource)
        and (not names or attributes.name in names)
    )


def _covers(allowed: list[str] | None, value: str) -> bool:
    return allowed is not None and (_ANY in allowed or value in allowed)


def _covers_resource(allowed: Sequence[str], resource: str, subresource: str) -> bool:
    if _ANY in allowed:
        return True
    if not subresource:
        return resource in allowed
    return f"{resource}/{subresource}" in allowed or f"*/{subresource}" in allowed


def _path_matches(pattern: str, path: str) -> bool:
    if pattern.endswith(_ANY):
        return path.startswith(pattern[:-1])
    return path == pattern


def _bindings(registry: Registry, user: User, namespace: str) -> Iterator[tuple[Object, Object]]:
    """Yield the bindings that hold for a user, with the subject that matched; cluster-wide ones first."""
    candidates = registry[CLUSTER_ROLE_BINDINGS].items()
    if namespace:
        in_namespace = (b for b in registry[ROLE_BINDINGS].items() if b["metadata"]["namespace"] == namespace)
        candidates = [*candidates, *in_namespace]
    for binding in candidates:
        for subject in binding.get("subjects") or ():
            if _is_subject(subject, user, binding["metadata"].get("namespace", "")):
                yield binding, subject
                break


def _is_subject(subject: Object, user: User, namespace: str) -> bool:
    name = subject.get("name", "")
    match subject.get("kind"):
        case "User":
            return bool(name == user.name)
        case "Group":
            return name in user.groups
        case "ServiceAccount":
            return user.name == f"{_SERVICE_ACCOUNT}{subject.get('namespace') or namespace}:{name}"
        case _:
            return False


def _role(registry: Registry, binding: Object) -> Object | None:
    reference = binding.get("roleRef") or {}
    name = reference.get("name", "")
    if reference.get("kind") == "ClusterRole":
        return registry[CLUSTER_ROLES].get(f"/{name}")
    return registry[ROLES].get(f"{binding['metadata'].get('namespace', '')}/{name}")


def _reason(binding: Object, subject: Object) -> str:
    metadata, reference = binding["metadata"], binding["roleRef"]
    namespace = metadata.get("namespace")
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    bound = f"{metadata['name']}/{namespace}" if namespace else metadata["name"]
    held = subject["name"]
    if subject["kind"] == "ServiceAccount":
        held = f"{held}/{subject.get('namespace', '')}"
    return (
        f"RBAC: allowed by {kind} {quote(bound)} of {reference['kind']} {quote(reference['name'])} "
        f"to {subject['kind']} {quote(held)}"
    )
