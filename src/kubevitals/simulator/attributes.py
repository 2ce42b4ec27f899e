"""What a request asks the simulated API server for. Pure; the rules are those of Kubernetes' RequestInfo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kubevitals.errors import SelectorError
from kubevitals.selectors import parse_fields

_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_COLLECTION_VERBS = {"get": "list", "delete": "deletecollection"}


@dataclass(frozen=True, slots=True)
class Attributes:
    """What authorization decides by. Without ``resource`` it is a path that is asked for, not an object."""

    verb: str
    path: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


def attributes_of(method: str, path: str, query: Mapping[str, str]) -> Attributes:
    """Read the attributes off a request line; ``path`` is percent-decoded."""
    parts = [part for part in path.strip("/").split("/") if part]
    if len(parts) >= 3 and parts[0] == "api":
        return _resource(method, path, query, "", parts[1], parts[2:])
    if len(parts) >= 4 and parts[0] == "apis":
        return _resource(method, path, query, parts[1], parts[2], parts[3:])
    return Attributes(method.lower(), path)


def _resource(
    method: str, path: str, query: Mapping[str, str], group: str, version: str, rest: list[str]
) -> Attributes:
    namespace, rest = _namespaced(rest)
    resource, name, subresource = [*rest, "", ""][:3]
    verb = _VERBS.get(method, "")
    if not name:
        verb, name = _collection(verb, query)
    return Attributes(verb, path, group, version, resource, subresource, namespace, name)


def _namespaced(rest: list[str]) -> tuple[str, list[str]]:
    if rest[0] != "namespaces" or len(rest) < 2:
        return "", rest
    if len(rest) == 2 or rest[2] in ("status", "finalize"):
        return rest[1], rest
    return rest[1], rest[2:]


def _collection(verb: str, query: Mapping[str, str]) -> tuple[str, str]:
    """Return the verb for a request without a name; a field selector for one name counts as that name."""
    verb = _COLLECTION_VERBS.get(verb, verb)
    if verb == "create":
        return verb, ""
    if verb == "list" and truthy(query.get("watch")):
        verb = "watch"
    try:
        name = parse_fields(query.get("fieldSelector", "")).exact("metadata.name") or ""
    except SelectorError:  # refused later, when the list options are read
        name = ""
    return verb, name


def truthy(value: str | None) -> bool:
    """Read a boolean query parameter as the API server does: ``watch=`` and ``watch=1`` are true."""
    return value is not None and value.lower() not in ("0", "false")
