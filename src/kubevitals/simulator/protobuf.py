"""Kubernetes' protobuf form of the few objects that kubectl sends in it. Pure; answers are JSON, which it accepts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kubevitals.errors import KubevitalsError
from kubevitals.simulator.kinds import Object

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"


class WireError(KubevitalsError):
    """Bytes that are no such message."""


class Field(NamedTuple):
    """One field of a message. ``message`` is None for text; a number has ``number`` set."""

    name: str
    message: Mapping[int, Field] | None = None
    repeated: bool = False
    map: bool = False
    number: bool = False


Message = Mapping[int, Field]


def _texts(*names: str) -> dict[int, Field]:
    return {i: Field(name) for i, name in enumerate(names, 1)}


_METADATA = _texts("name", "generateName", "namespace") | {
    11: Field("labels", map=True),
    12: Field("annotations", map=True),
}
_RULE: Message = {
    i: Field(name, repeated=True)
    for i, name in enumerate(("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"), 1)
}
_RESOURCE = _texts("namespace", "verb", "group", "version", "resource", "subresource", "name")
_REVIEW_SPEC: Message = {
    1: Field("resourceAttributes", _RESOURCE),
    2: Field("nonResourceAttributes", _texts("path", "verb")),
}
_TOKEN_SPEC: Message = {1: Field("audiences", repeated=True), 4: Field("expirationSeconds", number=True)}
_NAMED: Message = {1: Field("metadata", _METADATA)}
_BINDING: Message = {
    **_NAMED,
    2: Field("subjects", _texts("kind", "apiGroup", "name", "namespace"), repeated=True),
    3: Field("roleRef", _texts("apiGroup", "kind", "name")),
}
_CONDITION = _texts("type", "reason", "message") | {6: Field("status")}
_SIGNING_REQUEST: Message = {
    1: Field("metadata", _METADATA | {6: Field("resourceVersion")}),
    3: Field("status", {1: Field("conditions", _CONDITION, repeated=True)}),
}
_ROLE: Message = {**_NAMED, 2: Field("rules", _RULE, repeated=True)}
_MESSAGES: Mapping[str, Message] = {
    "CertificateSigningRequest": _SIGNING_REQUEST,
    "ClusterRole": _ROLE,
    "ClusterRoleBinding": _BINDING,
    "ConfigMap": {**_NAMED, 2: Field("data", map=True)},
    "Namespace": _NAMED,
    "Role": _ROLE,
    "RoleBinding": _BINDING,
    "SelfSubjectAccessReview": {2: Field("spec", _REVIEW_SPEC)},
    "SelfSubjectReview": {},
    "ServiceAccount": _NAMED,
    "TokenRequest": {2: Field("spec", _TOKEN_SPEC)},
}
_ENVELOPE: Message = {1: Field("type", _texts("apiVersion", "kind"))}
_RAW = 2  # the envelope's field that holds the object


def decode(body: bytes) -> Object:
    """Return an object as JSON spells it; fields that nobody here asks for are left out.

    Raises:
        WireError: it is no such object, or of a kind that is not known.
    """
    if not body.startswith(_MAGIC):
        raise WireError("not a Kubernetes protobuf object")
    envelope = body[len(_MAGIC) :]
    head = _message(envelope, _ENVELOPE).get("type", {})
    kind = head.get("kind", "")
    if kind not in _MESSAGES:
        raise WireError(f"objects of kind {kind!r} are not known in protobuf")
    raw = next((value for number, value in _fields(envelope) if number == _RAW), b"")
    return {"kind": kind, "apiVersion": head.get("apiVersion", ""), **_message(_content(raw), _MESSAGES[kind])}


def _message(content: bytes, message: Message) -> Object:
    found: dict[str, Any] = {}
    for number, value in _fields(content):
        field = message.get(number)
        if field is None:
            continue
        if field.map:
            found.setdefault(field.name, {}).update([_entry(_content(value))])
        elif field.repeated:
            found.setdefault(field.name, []).append(_value(field, value))
        else:
            found[field.name] = _value(field, value)
    return found


def _entry(content: bytes) -> tuple[str, str]:
    pair = _message(content, _texts("key", "value"))
    return pair.get("key", ""), pair.get("value", "")


def _value(field: Field, value: int | bytes) -> Any:
    if field.number:
        if not isinstance(value, int):
            raise WireError(f"{field.name} is no number")
        return value
    content = _content(value)
    return content.decode("utf-8", "replace") if field.message is None else _message(content, field.message)


def _content(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise WireError("a number where text or a message belongs")
    return value


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield each field's number and value, numbers of fixed size as bytes."""
    at = 0
    while at < len(content):
        tag, at = _varint(content, at)
        match tag & 7:
            case 0:
                value, at = _varint(content, at)
                yield tag >> 3, value
                continue
            case 2:
                size, at = _varint(content, at)
            case 1:
                size = 8
            case 5:
                size = 4
            case wire:
                raise WireError(f"wire type {wire} is not used by Kubernetes")
        if at + size > len(content):
            raise WireError("cut off")
        yield tag >> 3, content[at : at + size]
        at += size


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(content):
            raise WireError("cut off")
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise WireError("a number of more than 64 bits")
