"""Creating, replacing, patching and deleting objects through the simulated API server. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from kubevitals.simulator import patches, protobuf, status
from kubevitals.simulator.attributes import Attributes
from kubevitals.simulator.kinds import Kind, Object
from kubevitals.simulator.registry import Registry

_JSON = "application/json"
_PATCHES: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "application/json-patch+json": patches.json_patch,
    "application/merge-patch+json": patches.merge,
    "application/strategic-merge-patch+json": patches.strategic_merge,
}
_ASSIGNED = ("uid", "creationTimestamp", "resourceVersion", "generation", "managedFields")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.:]*[a-z0-9])?", re.IGNORECASE)


def read_object(body: bytes, content_type: str) -> Object:
    """Return a request's body: JSON, or the protobuf form of the objects that kubectl sends so.

    Raises:
        Refused: 415 for any other form, 400 for what is no object.
    """
    media = content_type.partition(";")[0].strip()
    if media == protobuf.MEDIA_TYPE:
        return _decode_protobuf(body)
    if media not in (_JSON, ""):
        raise status.unsupported_media_type(f"{_JSON}, {protobuf.MEDIA_TYPE}")
    return _decode(body)


def create(registry: Registry, kind: Kind, namespace: str, item: Object, random: Callable[[], float]) -> Object:
    """Store a new object.

    Raises:
        Refused: 400 for an object of another kind, without a usable name or of another namespace; 404 or 409.
    """
    named = _named(kind, namespace, item, random)
    metadata = {key: value for key, value in named["metadata"].items() if key not in _ASSIGNED}
    return registry.create(kind, {**named, "metadata": metadata})


def replace(registry: Registry, kind: Kind, asked: Attributes, item: Object) -> Object:
    """Replace an object.

    Raises:
        Refused: 400 for an object of another name, 404 or 409.
    """
    found = _named(kind, asked.namespace, item, lambda: 0.0)
    if found["metadata"]["name"] != asked.name:
        raise status.bad_request("the name of the object does not match the name on the URL")
    return registry.update(kind, found)


def patch(registry: Registry, kind: Kind, asked: Attributes, body: bytes, content_type: str) -> Object:
    """Apply a patch to an object.

    Raises:
        Refused: 415 for a kind of patch that is not supported, 400, 404 or 422.
    """
    apply = _PATCHES.get(content_type.partition(";")[0].strip())
    if apply is None:
        raise status.unsupported_media_type(", ".join(_PATCHES))
    current = registry.get(kind, asked.name, asked.namespace if kind.namespaced else "")
    change = _decode_any(body) if apply is patches.json_patch else _decode(body)
    return replace(registry, kind, asked, apply(current, change))


def _decode(body: bytes) -> Object:
    found = _decode_any(body)
    if not isinstance(found, dict):
        raise status.bad_request("the object provided is unrecognized: not a JSON object")
    return found


def _decode_any(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise status.bad_request(f"the object provided is unrecognized: {error}") from error


def _decode_protobuf(body: bytes) -> Object:
    try:
        return protobuf.decode(body)
    except protobuf.WireError as error:
        raise status.bad_request(f"the object provided is unrecognized: {error}") from error


def _named(kind: Kind, namespace: str, item: Object, random: Callable[[], float]) -> Object:
    if item.get("kind", kind.kind) != kind.kind:
        raise status.bad_request(f"{item['kind']} in version {kind.version} cannot be handled as a {kind.kind}")
    given = item.get("metadata")
    metadata = {key: value for key, value in given.items() if value is not None} if isinstance(given, dict) else {}
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = f"{metadata['generateName']}{suffix(random)}"
    if not _NAME.fullmatch(str(metadata.get("name", ""))):
        raise status.bad_request("metadata.name: Invalid value: a name is required, of letters, digits, '-' and '.'")
    if kind.namespaced:
        if metadata.setdefault("namespace", namespace) != namespace:
            raise status.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
    else:
        metadata.pop("namespace", None)
    return {**item, "metadata": metadata}


def suffix(random: Callable[[], float], length: int = 5) -> str:
    """Return the random end of a generated name, in the alphabet Kubernetes uses for it."""
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    return "".join(alphabet[int(random() * len(alphabet))] for _ in range(length))
