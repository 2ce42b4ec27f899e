"""What a request asks for: the attributes that authorization and routing decide by. Pure.

The rules are those of the API server's RequestInfo.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubevitals.api.message import Request
from kubevitals.api.query import truthy, undecodable
from kubevitals.errors import KubevitalsError, SelectorError
from kubevitals.selectors import (
    FieldTerm,
    Requirement,
    parse_fields,
    parse_labels,
)

_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_SPECIAL_VERBS = frozenset({"proxy", "watch"})
_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})
_SELECTING_VERBS = frozenset({"list", "watch", "deletecollection"})


class MalformedPath(KubevitalsError):
    """The path has a percent sign that stands for nothing; answered with 400, as by Go's HTTP server."""


class RequestInfoError(KubevitalsError):
    """The path starts like a resource request and cannot be one; answered with 500 as upstream does."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """The question that authorization answers.

    For a non-resource request only ``verb`` (the lower-case method) and ``path`` are set.
    """

    verb: str
    path: str
    resource_request: bool = False
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    label_requirements: tuple[Requirement, ...] = ()
    field_requirements: tuple[FieldTerm, ...] = ()


def attributes_of(request: Request, query: dict[str, str]) -> Attributes:
    """Read what a request asks for off its method, path and query.

    Raises:
        MalformedPath: for a path that cannot be decoded.
        RequestInfoError: for ``/apis/GROUP/VERSION/watch`` with nothing behind it.
    """
    if undecodable(request.raw_path):
        raise MalformedPath(request.raw_path)
    parts = _resource_parts(request.path)
    if parts is None:
        return Attributes(verb=request.method.lower(), path=request.path)
    group, version, rest = parts
    verb = _VERBS.get(request.method, "")
    special = rest[0] in _SPECIAL_VERBS
    if special:
        verb, rest = rest[0], rest[1:]
        if not rest:
            raise RequestInfoError(f"unable to determine kind and namespace from url, {request.uri}")
    namespace, rest = _split_namespace(rest)
    resource, name, subresource = (*rest[:3], "", "")[:3] if len(rest) < 3 else rest[:3]
    if not name:
        verb, name = _collection_verb(verb, query)
    labels, fields = _selectors(verb, query) if not special else ((), ())
    return Attributes(
        verb, request.path, True, group, version, resource, subresource if verb != "proxy" else "",
        namespace, name, labels, fields,
    )  # fmt: skip


def _resource_parts(path: str) -> tuple[str, str, list[str]] | None:
    parts = path.strip("/").split("/")
    if len(parts) < 3 or parts[0] not in ("api", "apis"):
        return None
    if parts[0] == "api":
        return "", parts[1], parts[2:]
    if len(parts) < 4:
        return None
    return parts[1], parts[2], parts[3:]


def _split_namespace(rest: list[str]) -> tuple[str, list[str]]:
    if rest[0] != "namespaces" or len(rest) < 2:
        return "", rest
    if len(rest) > 2 and rest[2] not in _NAMESPACE_SUBRESOURCES:
        return rest[1], rest[2:]
    return rest[1], rest


def _collection_verb(verb: str, query: dict[str, str]) -> tuple[str, str]:
    """Turn get into list or watch, and delete into deletecollection, for a request without a name."""
    if verb == "delete":
        return "deletecollection", ""
    if verb != "get":
        return verb, ""
    return ("watch" if truthy(query.get("watch")) else "list"), _selected_name(query)


def _selected_name(query: dict[str, str]) -> str:
    """Return the name that the field selector asks for, so that a role for one name covers a list of it."""
    try:
        name = parse_fields(query.get("fieldSelector", "")).exact("metadata.name") or ""
    except SelectorError:
        return ""
    return "" if name in (".", "..") or "/" in name or "%" in name else name


def _selectors(verb: str, query: dict[str, str]) -> tuple[tuple[Requirement, ...], tuple[FieldTerm, ...]]:
    """Return the selectors that authorization may see; one that does not parse is refused later, by the handler."""
    if verb not in _SELECTING_VERBS:
        return (), ()
    labels: tuple[Requirement, ...] = ()
    fields: tuple[FieldTerm, ...] = ()
    try:
        labels = tuple(parse_labels(query.get("labelSelector", "")).requirements)
    except SelectorError:
        pass
    try:
        fields = tuple(parse_fields(query.get("fieldSelector", "")).terms)
    except SelectorError:
        pass
    return labels, fields
