"""What the API server sends about nodes, pods and ConfigMaps, read into the few fields that are kept. Pure.

Every field may be missing or null: Kubernetes 1.20 to 1.37 differ, and Go writes an empty list as null.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import msgspec

from kubevitals.errors import ApiServerError, QuantityError
from kubevitals.model import CPU, MEMORY, Address, Capacity, Labels, Node, Pod
from kubevitals.quantity import parse_cpu, parse_memory

METRICS_PATH = "metrics.k8s.io/resource-metrics-path"

T = TypeVar("T")
Intern = Callable[[bytes], Labels]
"""From labels as a JSON object, or ``b""`` when there are none, to the shared value."""


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """What is kept of a ConfigMap."""

    namespace: str
    name: str
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One answer to a list: its items, its version, and where the next page starts (empty: the end)."""

    items: list[T]
    resource_version: str
    continue_: str = ""


class Versioned(NamedTuple, Generic[T]):
    """One object of a watch, and the version from which a later watch can continue."""

    item: T
    resource_version: str


class _Meta(msgspec.Struct, rename="camel", gc=False):
    name: str = ""
    namespace: str | None = None
    # A Raw is a view into the whole body: it is copied at once, so that the body can go.
    labels: msgspec.Raw = msgspec.Raw()
    creation_timestamp: str | None = None
    resource_version: str | None = None


class _NodeMeta(_Meta, rename="camel", gc=False):
    deletion_timestamp: str | None = None
    annotations: dict[str, str] | None = None


class _Address(msgspec.Struct, gc=False):
    type: str = ""
    address: str = ""


class _Condition(msgspec.Struct, gc=False):
    type: str = ""
    status: str = ""


class _Endpoint(msgspec.Struct, rename="pascal", gc=False):
    port: int = 0


class _Endpoints(msgspec.Struct, rename="camel", gc=False):
    kubelet_endpoint: _Endpoint | None = None


class _NodeStatus(msgspec.Struct, rename="camel", gc=False):
    addresses: list[_Address] | None = None
    conditions: list[_Condition] | None = None
    daemon_endpoints: _Endpoints | None = None
    capacity: dict[str, str | int | float] | None = None


class _Node(msgspec.Struct, gc=False):
    metadata: _NodeMeta
    status: _NodeStatus | None = None


class _Pod(msgspec.Struct, gc=False):
    metadata: _Meta


class _ConfigMap(msgspec.Struct, gc=False):
    metadata: _Meta
    data: dict[str, str] | None = None


class _ListMeta(msgspec.Struct, rename="camel", gc=False):
    resource_version: str | None = None
    continue_: str | None = msgspec.field(default=None, name="continue")


class _NodeList(msgspec.Struct, gc=False):
    metadata: _ListMeta
    items: list[_Node] | None = None


class _PodList(msgspec.Struct, gc=False):
    metadata: _ListMeta
    items: list[_Pod] | None = None


class _ConfigMapList(msgspec.Struct, gc=False):
    metadata: _ListMeta
    items: list[_ConfigMap] | None = None


_NODE = msgspec.json.Decoder(_Node)
_POD = msgspec.json.Decoder(_Pod)
_CONFIG_MAP = msgspec.json.Decoder(_ConfigMap)
_NODE_LIST = msgspec.json.Decoder(_NodeList)
_POD_LIST = msgspec.json.Decoder(_PodList)
_CONFIG_MAP_LIST = msgspec.json.Decoder(_ConfigMapList)


def decode_node(body: bytes | msgspec.Raw, labels: Intern) -> Versioned[Node]:
    """Read one Node.

    Raises:
        ApiServerError: it is no Node.
    """
    raw = _read(_NODE, body)
    return Versioned(_node(raw, labels), raw.metadata.resource_version or "")


def decode_pod(body: bytes | msgspec.Raw, labels: Intern) -> Versioned[Pod]:
    """Read one Pod, or its PartialObjectMetadata.

    Raises:
        ApiServerError: it is neither.
    """
    raw = _read(_POD, body)
    return Versioned(_pod(raw, labels, {}), raw.metadata.resource_version or "")


def decode_config_map(body: bytes | msgspec.Raw) -> Versioned[ConfigMap]:
    """Read one ConfigMap.

    Raises:
        ApiServerError: it is no ConfigMap.
    """
    raw = _read(_CONFIG_MAP, body)
    return Versioned(_config_map(raw), raw.metadata.resource_version or "")


def decode_node_list(body: bytes, labels: Intern) -> Page[Node]:
    """Read a NodeList.

    Raises:
        ApiServerError: the body is no list of nodes.
    """
    raw = _read(_NODE_LIST, body)
    return _page([_node(item, labels) for item in raw.items or ()], raw.metadata)


def decode_pod_list(body: bytes, labels: Intern) -> Page[Pod]:
    """Read a PodList, or the PartialObjectMetadataList of pods.

    Raises:
        ApiServerError: the body is no list of pods.
    """
    raw = _read(_POD_LIST, body)
    # Replicas, which are listed side by side, were often created in the same second: one string serves them.
    moments: dict[str, str] = {}
    return _page([_pod(item, labels, moments) for item in raw.items or ()], raw.metadata)


def decode_config_map_list(body: bytes) -> Page[ConfigMap]:
    """Read a ConfigMapList.

    Raises:
        ApiServerError: the body is no list of ConfigMaps.
    """
    raw = _read(_CONFIG_MAP_LIST, body)
    return _page([_config_map(item) for item in raw.items or ()], raw.metadata)


def _read(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiServerError(f"the API server sent something unreadable: {error}") from error


def _page(items: list[T], meta: _ListMeta) -> Page[T]:
    return Page(items, meta.resource_version or "", meta.continue_ or "")


def _node(raw: _Node, labels: Intern) -> Node:
    meta, status = raw.metadata, raw.status or _NodeStatus()
    return Node(
        name=_name(meta),
        labels=_labels(meta, labels),
        created=meta.creation_timestamp or "",
        addresses=tuple(_address(entry.type, entry.address) for entry in status.addresses or ()),
        kubelet_port=_port(status.daemon_endpoints),
        metrics_path=(meta.annotations or {}).get(METRICS_PATH, ""),
        ready=any(entry.type == "Ready" and entry.status == "True" for entry in status.conditions or ()),
        terminating=meta.deletion_timestamp is not None,
        capacity=_capacity(status.capacity or {}),
    )


def _pod(raw: _Pod, labels: Intern, moments: dict[str, str]) -> Pod:
    meta = raw.metadata
    created = meta.creation_timestamp or ""
    # Thousands of pods share a namespace: one string serves them all.
    namespace = sys.intern(meta.namespace or "")
    return Pod(namespace, _name(meta), _labels(meta, labels), moments.setdefault(created, created))


def _config_map(raw: _ConfigMap) -> ConfigMap:
    return ConfigMap(raw.metadata.namespace or "", _name(raw.metadata), raw.data or {})


def _address(kind: str, address: str) -> Address:
    return Address(sys.intern(kind), address)


def _capacity(resources: Mapping[str, str | int | float]) -> Capacity:
    """Return a node's capacity; what cannot be read is unknown, for nothing is served from it."""
    return Capacity(_amount(parse_cpu, resources.get(CPU)), _amount(parse_memory, resources.get(MEMORY)))


def _amount(parse: Callable[[str], int], text: str | int | float | None) -> int:
    try:
        return max(0, parse(str(text)))
    except QuantityError:
        return 0


def _port(endpoints: _Endpoints | None) -> int:
    """Return the kubelet's port, 0 when it is unset or cannot be one: then the usual port is asked."""
    port = endpoints.kubelet_endpoint.port if endpoints and endpoints.kubelet_endpoint else 0
    return port if 0 < port < 1 << 16 else 0


def _name(meta: _Meta) -> str:
    if not meta.name:
        raise ApiServerError("the API server sent an object without a name")
    return meta.name


def _labels(meta: _Meta, intern: Intern) -> Labels:
    raw = bytes(meta.labels)
    if raw in (b"", b"null", b"{}"):
        return intern(b"")
    if not raw.startswith(b"{"):
        raise ApiServerError("the API server sent labels that are no object")
    try:
        return intern(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ApiServerError(f"the API server sent unreadable labels: {error}") from error
