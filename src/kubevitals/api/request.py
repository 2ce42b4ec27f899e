"""What a request asks for: the attributes that authorization and routing decide by, and its list options. Pure.

The rules are those of the API server's RequestInfo and of ListOptions in k8s.io/apimachinery.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from kubevitals.api.message import Request
from kubevitals.errors import KubevitalsError, SelectorError
from kubevitals.selectors import (
    FieldSelector,
    FieldTerm,
    LabelSelector,
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
_INT64 = 1 << 63


class RequestInfoError(KubevitalsError):
    """The path starts like a resource request and cannot be one; answered with 500 as upstream does."""


class BadQuery(KubevitalsError):
    """A query parameter that does not parse; answered with 400."""


class InvalidOption(KubevitalsError):
    """List options that contradict each other; answered with 422.

    Args:
        field: the option at fault.
        kind: the cause's reason, such as ``FieldValueForbidden``.
        message: the cause's message, without the field.
    """

    def __init__(self, field: str, kind: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.kind = kind
        self.message = message


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


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The query parameters of a list that have an effect here; paging and versions are accepted and ignored."""

    labels: LabelSelector
    fields: FieldSelector
    watch: bool = False


def query_of(request: Request) -> dict[str, str]:
    """Return the query parameters; of a repeated one the first value counts, as in Go's ``url.Values.Get``."""
    values: dict[str, str] = {}
    for key, value in parse_qsl(request.query, keep_blank_values=True):
        values.setdefault(key, value)
    return values


def attributes_of(request: Request, query: dict[str, str]) -> Attributes:
    """Read what a request asks for off its method, path and query.

    Raises:
        RequestInfoError: for ``/apis/GROUP/VERSION/watch`` with nothing behind it.
    """
    parts = _resource_parts(request.path)
    if parts is None:
        return Attributes(verb=request.method.lower(), path=request.path)
    group, version, rest = parts
    verb = _VERBS.get(request.method, "")
    special = rest[0] in _SPECIAL_VERBS
    if special:
        verb, rest = rest[0], rest[1:]
        if not rest:
            raise RequestInfoError(f"unable to determine kind and namespace from url, {request.path}")
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
    return ("watch" if _truthy(query.get("watch")) else "list"), _selected_name(query)


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


def list_options(query: dict[str, str]) -> ListOptions:
    """Read and check the options of a list.

    Raises:
        BadQuery: a number or selector that does not parse.
        InvalidOption: options that may not be combined.
    """
    for key in ("timeoutSeconds", "limit"):
        _check_int(query.get(key, ""))
    try:
        labels = parse_labels(query.get("labelSelector", ""))
        fields = parse_fields(query.get("fieldSelector", ""))
    except SelectorError as error:
        raise BadQuery(str(error)) from error
    watch = _truthy(query.get("watch"))
    _check_versions(query, watch)
    return ListOptions(labels, fields, watch)


def check_fields(fields: FieldSelector) -> None:
    """Refuse field labels that this API does not know.

    Raises:
        BadQuery: with upstream's text.
    """
    for term in fields.terms:
        if term.field not in ("metadata.name", "metadata.namespace"):
            known = '"metadata.name", "metadata.namespace"'
            raise BadQuery(f'"{term.field}" is not a known field selector: only {known}')


def _check_int(text: str) -> None:
    if not text:
        return
    digits = text[1:] if text[0] in "+-" else text
    if not (digits.isascii() and digits.isdigit()):
        raise BadQuery(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if not -_INT64 <= int(text) < _INT64:
        raise BadQuery(f'strconv.ParseInt: parsing "{text}": value out of range')


def _check_versions(query: dict[str, str], watch: bool) -> None:
    match, version = query.get("resourceVersionMatch", ""), query.get("resourceVersion", "")
    if "sendInitialEvents" in query and not watch:
        raise InvalidOption(
            "sendInitialEvents", "FieldValueForbidden", "Forbidden: sendInitialEvents is forbidden for list"
        )
    if not match or watch:
        return
    if not version:
        reason = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise InvalidOption("resourceVersionMatch", "FieldValueForbidden", reason)
    if match not in ("Exact", "NotOlderThan"):
        supported = 'supported values: "Exact", "NotOlderThan", ""'
        raise InvalidOption(
            "resourceVersionMatch", "FieldValueNotSupported", f'Unsupported value: "{match}": {supported}'
        )
    if match == "Exact" and version == "0":
        reason = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        raise InvalidOption("resourceVersionMatch", "FieldValueForbidden", reason)


def _truthy(value: str | None) -> bool:
    """Read a boolean parameter as Go's conversion does: absent, 0 and false are false, all else is true."""
    return value is not None and value.lower() not in ("0", "false")
