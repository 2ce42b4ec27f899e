"""What API servers send about nodes and pods, decoded into the few fields that ``top`` needs. Pure.

Every field may be missing or null: Kubernetes 1.20 to 1.37 differ, adapters send what they have, and Go writes an
empty list as null.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import msgspec

from kubevitals.errors import ApiServerError
from kubevitals.top.bounds import Spec, reckon
from kubevitals.top.model import Amounts, Node, NodeUse, Pod, PodUse, Use
from kubevitals.top.parsing import cpu, memory, moment, window

T = TypeVar("T")
_HASH = "pod-template-hash"


class _Owner(msgspec.Struct, gc=False):
    kind: str = ""
    name: str = ""
    controller: bool | None = None


class _Meta(msgspec.Struct, rename="camel", gc=False):
    name: str = ""
    namespace: str | None = None
    creation_timestamp: str | None = None
    labels: dict[str, str] | None = None
    owner_references: list[_Owner] | None = None


class _NodeStatus(msgspec.Struct, gc=False):
    allocatable: dict[str, str] | None = None


class _Node(msgspec.Struct, gc=False):
    metadata: _Meta
    status: _NodeStatus | None = None


class _PodStatus(msgspec.Struct, gc=False):
    phase: str | None = None


class _Pod(msgspec.Struct, gc=False):
    metadata: _Meta
    spec: Spec
    status: _PodStatus | None = None


class _ContainerMetrics(msgspec.Struct, gc=False):
    name: str = ""
    usage: dict[str, str] | None = None


class _Metrics(msgspec.Struct, gc=False):
    metadata: _Meta
    timestamp: str | None = None
    window: str | None = None
    usage: dict[str, str] | None = None
    containers: list[_ContainerMetrics] | None = None


class _ListMeta(msgspec.Struct, gc=False):
    continue_: str | None = msgspec.field(default=None, name="continue")


class _List(msgspec.Struct, Generic[T]):
    metadata: _ListMeta | None = None
    items: list[T] | None = None


class Page(NamedTuple, Generic[T]):
    """One answer to a list, and where the next one starts; empty when it was the last."""

    items: list[T]
    rest: str = ""


_NODES = msgspec.json.Decoder(_List[_Node])
_PODS = msgspec.json.Decoder(_List[_Pod])
_METRICS = msgspec.json.Decoder(_List[_Metrics])


def nodes(body: bytes) -> Page[Node]:
    """Decode a NodeList.

    Raises:
        ApiServerError: it is none; likewise for the functions below.
    """
    found = _decoded(_NODES, body, "nodes")
    return Page([_node(item) for item in found.items or ()], _rest(found.metadata))


def pods(body: bytes) -> Page[Pod]:
    """Decode a PodList."""
    found = _decoded(_PODS, body, "pods")
    return Page([_pod(item) for item in found.items or ()], _rest(found.metadata))


def node_uses(body: bytes) -> Page[NodeUse]:
    """Decode a NodeMetricsList, of any version."""
    found = _decoded(_METRICS, body, "the metrics of nodes")
    items = [NodeUse(item.metadata.name, _use(item.usage, item)) for item in found.items or ()]
    return Page(items, _rest(found.metadata))


def pod_uses(body: bytes) -> Page[PodUse]:
    """Decode a PodMetricsList, of any version."""
    found = _decoded(_METRICS, body, "the metrics of pods")
    return Page([_pod_use(item) for item in found.items or ()], _rest(found.metadata))


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes, what: str) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiServerError(f"what the API server answered is no list of {what}: {error}") from None


def _rest(metadata: _ListMeta | None) -> str:
    return (metadata.continue_ or "") if metadata else ""


def _node(item: _Node) -> Node:
    found = (item.status.allocatable if item.status else None) or {}
    allocatable = Amounts(cpu(found.get("cpu")), memory(found.get("memory")))
    return Node(item.metadata.name, allocatable, moment(item.metadata.creation_timestamp))


def _pod(item: _Pod) -> Pod:
    meta, spec = item.metadata, item.spec
    found = reckon(spec)
    return Pod(
        namespace=meta.namespace or "",
        name=meta.name,
        node=spec.node_name or "",
        phase=(item.status.phase if item.status else "") or "",
        owner=_owner(meta),
        created=moment(meta.creation_timestamp),
        containers=found.containers,
        bounds=found.running,
        reserved=found.reserved,
    )


def _owner(meta: _Meta) -> str:
    """Return the controller as kind/name, a ReplicaSet's Deployment rather than itself; a pod without is its own."""
    found = next((owner for owner in meta.owner_references or () if owner.controller), None)
    if found is None:
        return f"Pod/{meta.name}"
    # A Deployment names its ReplicaSets after itself and the hash that it labels their pods with.
    template = f"-{(meta.labels or {}).get(_HASH, '')}"
    if found.kind == "ReplicaSet" and template != "-" and found.name.endswith(template):
        return f"Deployment/{found.name.removesuffix(template)}"
    return f"{found.kind}/{found.name}"


def _pod_use(item: _Metrics) -> PodUse:
    found = tuple((container.name, _use(container.usage, item)) for container in item.containers or ())
    return PodUse(item.metadata.namespace or "", item.metadata.name, found)


def _use(usage: dict[str, str] | None, item: _Metrics) -> Use:
    usage = usage or {}
    return Use(cpu(usage.get("cpu")), memory(usage.get("memory")), moment(item.timestamp), window(item.window))
