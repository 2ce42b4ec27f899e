"""The protocol buffers of the Metrics API turned into what JSON says of the same objects.

Written from the published field numbers and from nothing else, so that encoder and decoder cannot be wrong together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from kubevitals.quantity import format_duration, format_time

Value = int | bytes
Fields = list[tuple[int, Value]]


class Field(NamedTuple):
    """A field's JSON name, how its content is read, and whether it repeats."""

    name: str
    read: Callable[[Any], Any]
    many: bool = False


class Unknown(NamedTuple):
    """An object in its envelope."""

    api_version: str
    kind: str
    message: bytes


def decoded(body: bytes) -> dict[str, Any]:
    """Return the document that a body of the media type ``application/vnd.kubernetes.protobuf`` stands for."""
    api_version, kind, message = opened(body)
    head = {"kind": kind} | ({"apiVersion": api_version} if api_version else {})
    swapped = (kind, api_version) == ("PartialObjectMetadataList", "meta.k8s.io/v1beta1")
    return head | read(_KINDS["PartialObjectMetadataList of v1beta1" if swapped else kind])(message)


def opened(body: bytes) -> Unknown:
    """Take an object out of its envelope."""
    assert body[:4] == b"k8s\0"
    envelope = dict(fields(body[4:]))
    meta = dict(fields(_bytes(envelope[1])))
    return Unknown(_bytes(meta.get(1, b"")).decode(), _bytes(meta[2]).decode(), _bytes(envelope[2]))


def fields(data: bytes) -> Fields:
    """Split a message into its fields' numbers and values."""
    return list(_fields(data))


def read(message: dict[int, Field]) -> Callable[[bytes], dict[str, Any]]:
    """Return what reads messages of a kind."""

    def reader(data: bytes) -> dict[str, Any]:
        found: dict[str, Any] = {field.name: [] for field in message.values() if field.many}
        for number, value in fields(data):
            field = message[number]
            if field.many:
                found[field.name].append(field.read(value))
            elif isinstance(content := field.read(value), dict) and field.name in _MAPS:
                found.setdefault(field.name, {}).update(content)
            else:
                found[field.name] = content
        return found

    return reader


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        value, at = _varint(data, at)
        if key & 7 == 0:
            yield key >> 3, value
        else:
            assert key & 7 == 2, f"wire type {key & 7} does not occur"
            assert at + value <= len(data), "a length points beyond its message"
            yield key >> 3, data[at : at + value]
            at += value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
        if byte < 0x80:
            return value, at


def _bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value


def _text(value: bytes) -> str:
    return value.decode()


def _entry(of: Callable[[bytes], Any]) -> Callable[[bytes], dict[str, Any]]:
    def reader(data: bytes) -> dict[str, Any]:
        pair = dict(fields(data))
        return {_text(_bytes(pair[1])): of(_bytes(pair[2]))}

    return reader


def _quantity(data: bytes) -> str:
    return _text(_bytes(dict(fields(data))[1]))


def _time(data: bytes) -> str:
    found = dict(fields(data))
    assert found.get(2, 0) == 0, "times have whole seconds"
    return format_time(int(found[1]) * 1000)


def _duration(data: bytes) -> str:
    return format_duration(int(dict(fields(data))[1]))


_MAPS = ("labels", "usage")
_OBJECT_META = {
    1: Field("name", _text),
    3: Field("namespace", _text),
    6: Field("resourceVersion", _text),
    8: Field("creationTimestamp", _time),
    11: Field("labels", _entry(_text)),
}
_METADATA = Field("metadata", read(_OBJECT_META))
_LIST_METADATA = Field("metadata", read({2: Field("resourceVersion", _text)}))
_USAGE = _entry(_quantity)
_MEASURED = {1: _METADATA, 2: Field("timestamp", _time), 3: Field("window", _duration)}
_NODE = {**_MEASURED, 4: Field("usage", _USAGE)}
_CONTAINER = {1: Field("name", _text), 2: Field("usage", _USAGE)}
_POD = {**_MEASURED, 4: Field("containers", read(_CONTAINER), many=True)}
_PARTIAL = {1: _METADATA}
_CAUSE = {1: Field("reason", _text), 2: Field("message", _text), 3: Field("field", _text)}
_DETAILS = {
    1: Field("name", _text),
    2: Field("group", _text),
    3: Field("kind", _text),
    4: Field("causes", read(_CAUSE)),
}
_GROUP_VERSION = read({1: Field("groupVersion", _text), 2: Field("version", _text)})
_ADDRESS = read({1: Field("clientCIDR", _text), 2: Field("serverAddress", _text)})
_API_GROUP = {
    1: Field("name", _text),
    2: Field("versions", _GROUP_VERSION, many=True),
    3: Field("preferredVersion", _GROUP_VERSION),
    4: Field("serverAddressByClientCIDRs", _ADDRESS, many=True),
}
_API_RESOURCE = {
    1: Field("name", _text),
    2: Field("namespaced", bool),
    3: Field("kind", _text),
    4: Field("verbs", lambda data: [_text(_bytes(value)) for _, value in fields(data)]),
    6: Field("singularName", _text),
}
_RESPONSE_KIND = {1: Field("group", _text), 2: Field("version", _text), 3: Field("kind", _text)}
_DISCOVERED_RESOURCE = {
    1: Field("resource", _text),
    2: Field("responseKind", read(_RESPONSE_KIND)),
    3: Field("scope", _text),
    4: Field("singularResource", _text),
    5: Field("verbs", _text, many=True),
}
_DISCOVERED_VERSION = {
    1: Field("version", _text),
    2: Field("resources", read(_DISCOVERED_RESOURCE), many=True),
    3: Field("freshness", _text),
}
_DISCOVERED_GROUP = {1: _METADATA, 2: Field("versions", read(_DISCOVERED_VERSION), many=True)}
_KINDS: dict[str, dict[int, Field]] = {
    "APIGroup": _API_GROUP,
    "APIGroupList": {1: Field("groups", read(_API_GROUP), many=True)},
    "APIResourceList": {1: Field("groupVersion", _text), 2: Field("resources", read(_API_RESOURCE), many=True)},
    "APIGroupDiscoveryList": {1: _LIST_METADATA, 2: Field("items", read(_DISCOVERED_GROUP), many=True)},
    "NodeMetrics": _NODE,
    "PodMetrics": _POD,
    "NodeMetricsList": {1: _LIST_METADATA, 2: Field("items", read(_NODE), many=True)},
    "PodMetricsList": {1: _LIST_METADATA, 2: Field("items", read(_POD), many=True)},
    "PartialObjectMetadata": _PARTIAL,
    "PartialObjectMetadataList": {1: _LIST_METADATA, 2: Field("items", read(_PARTIAL), many=True)},
    "PartialObjectMetadataList of v1beta1": {2: _LIST_METADATA, 1: Field("items", read(_PARTIAL), many=True)},
    "Status": {
        1: _LIST_METADATA,
        2: Field("status", _text),
        3: Field("message", _text),
        4: Field("reason", _text),
        5: Field("details", read(_DETAILS)),
        6: Field("code", int),
    },
}
