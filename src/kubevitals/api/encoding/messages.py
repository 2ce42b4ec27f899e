"""Statuses and discovery documents as protocol buffers, driven by a table of their fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubevitals.api.encoding.wire import blob, envelope, integer, text


@dataclass(frozen=True, slots=True)
class _Field:
    """One field: its number, the message it holds if any, and whether its list is wrapped in a message."""

    number: int
    message: Mapping[str, _Field] = field(default_factory=dict)
    wrapped: bool = False


def _message(**fields: _Field | int) -> dict[str, _Field]:
    return {name: _Field(given) if isinstance(given, int) else given for name, given in fields.items()}


_LIST_META = _message(resourceVersion=2)
_OBJECT_META = _message(name=1)
_CAUSE = _message(reason=1, message=2, field=3)
_DETAILS = _message(name=1, group=2, kind=3, causes=_Field(4, _CAUSE), retryAfterSeconds=5)
_GROUP_VERSION = _message(groupVersion=1, version=2)
_ADDRESS = _message(clientCIDR=1, serverAddress=2)
_API_GROUP = _message(
    name=1,
    versions=_Field(2, _GROUP_VERSION),
    preferredVersion=_Field(3, _GROUP_VERSION),
    serverAddressByClientCIDRs=_Field(4, _ADDRESS),
)
_API_RESOURCE = _message(
    name=1,
    namespaced=2,
    kind=3,
    verbs=_Field(4, _message(items=1), wrapped=True),
    singularName=6,
)
_RESPONSE_KIND = _message(group=1, version=2, kind=3)
_DISCOVERED_RESOURCE = _message(
    resource=1,
    responseKind=_Field(2, _RESPONSE_KIND),
    scope=3,
    singularResource=4,
    verbs=5,
)
_DISCOVERED_VERSION = _message(version=1, resources=_Field(2, _DISCOVERED_RESOURCE), freshness=3)
_DISCOVERED_GROUP = _message(metadata=_Field(1, _OBJECT_META), versions=_Field(2, _DISCOVERED_VERSION))

_KINDS = {
    "Status": _message(
        metadata=_Field(1, _LIST_META),
        status=2,
        message=3,
        reason=4,
        details=_Field(5, _DETAILS),
        code=6,
    ),
    "APIResourceList": _message(groupVersion=1, resources=_Field(2, _API_RESOURCE)),
    "APIGroup": _API_GROUP,
    "APIGroupList": _message(groups=_Field(1, _API_GROUP)),
    "APIGroupDiscoveryList": _message(metadata=_Field(1, _LIST_META), items=_Field(2, _DISCOVERED_GROUP)),
}


def document_message(document: Mapping[str, Any]) -> bytes:
    """Return a document of one of the known kinds, in its envelope.

    Args:
        document: as it is in JSON, with ``kind`` and, unless the kind has none, ``apiVersion``.
    """
    kind = document["kind"]
    content = _encode(_KINDS[kind], document)
    return envelope(document.get("apiVersion", ""), kind, len(content)) + content


def _encode(fields: Mapping[str, _Field], document: Mapping[str, Any]) -> bytes:
    return b"".join(part for name, known in fields.items() for part in _parts(known, document.get(name)))


def _parts(known: _Field, value: Any) -> Iterator[bytes]:
    if known.wrapped:
        value = {"items": value}
    for element in value if isinstance(value, list) else [value]:
        if isinstance(element, str):
            yield text(known.number, element)
        elif isinstance(element, int):
            yield integer(known.number, element)
        elif element is not None:
            yield blob(known.number, _encode(known.message, element))
