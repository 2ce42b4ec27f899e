"""The values that the rooms hand to each other. Pure: no I/O, no clock.

Units are part of the names: ``_ms`` milliseconds since the epoch, ``_ns`` nanoseconds, ``cpu_ns`` cumulative
nanoseconds of CPU time, ``nanocores`` a rate, ``memory`` bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import msgspec

CPU = "cpu"
MEMORY = "memory"


# --- what exists (informer → store.inventory) ---------------------------------------------------------------


_PAIRS = msgspec.json.Decoder(dict[str, str])


class Labels:
    """One distinct set of labels, shared by every object that carries it.

    Pods of Jobs and StatefulSets have labels of their own, so that there may be one for each pod: as a rule the
    bytes alone are kept, a fifth of what the mapping would need.

    Args:
        json: the labels as a compact JSON object, as the API server sent them; ``b""`` when there are none.
        pairs: the same as a mapping, where it is known already.

    ``protobuf`` is for whoever writes them as protocol buffers to keep that; it goes with the labels.
    """

    __slots__ = ("__weakref__", "_pairs", "json", "protobuf")  # weakly held by store.labels, so that unused sets vanish

    def __init__(self, json: bytes, pairs: Mapping[str, str] | None = None) -> None:
        self.json = json
        self.protobuf = b""
        self._pairs = pairs

    @property
    def pairs(self) -> Mapping[str, str]:
        """The labels as a mapping, read anew from the bytes: ask once for many questions."""
        return _PAIRS.decode(self.json) if self._pairs is None else self._pairs

    def __repr__(self) -> str:
        return f"Labels({dict(self.pairs)!r})"


NO_LABELS = Labels(b"", {})


class Address(NamedTuple):
    """One entry of ``node.status.addresses``: type such as ``InternalIP``, and the address."""

    type: str
    address: str


class Capacity(NamedTuple):
    """What a node has: ``status.capacity`` in nanocores and bytes; 0 when unknown."""

    nanocores: int = 0
    memory: int = 0


NO_CAPACITY = Capacity()


@dataclass(frozen=True, slots=True)
class Node:
    """What we keep of a Node object.

    ``created`` is the object's creationTimestamp as the API server wrote it (RFC 3339).
    ``metrics_path`` is the annotation ``metrics.k8s.io/resource-metrics-path`` or empty.
    ``kubelet_port`` is ``status.daemonEndpoints.kubeletEndpoint.Port``, 0 when unset.
    """

    namespace: ClassVar[str] = ""  # a node is in none; so that nodes and pods can be named alike

    name: str
    labels: Labels = NO_LABELS
    created: str = ""
    addresses: tuple[Address, ...] = ()
    kubelet_port: int = 0
    metrics_path: str = ""
    ready: bool = True
    terminating: bool = False
    capacity: Capacity = NO_CAPACITY


class Pod(msgspec.Struct, frozen=True, gc=False):
    """What we keep of a running pod's metadata.

    There are so many that the garbage collector should not visit each; they are never part of a cycle.
    """

    namespace: str
    name: str
    labels: Labels = NO_LABELS
    created: str = ""


# --- what was measured (scraper → store.points) -------------------------------------------------------------


class PodRows(NamedTuple):
    """Where one pod's containers lie in a batch's columns: rows ``start`` up to ``stop``, in container name order."""

    namespace: str
    name: str
    start: int
    stop: int
    containers: tuple[str, ...]


class Layout(NamedTuple):
    """Which container each row of a batch belongs to; a node keeps the same object while its containers stay."""

    pods: tuple[PodRows, ...]  # sorted by namespace, then name; rows are contiguous and cover all columns
    rows: int


NO_LAYOUT = Layout((), 0)


class NodePoint(NamedTuple):
    """One measurement of a node."""

    time_ms: int
    cpu_ns: int
    memory: int


class DroppedPod(NamedTuple):
    """A pod that has series in a payload, but no usable point, and why."""

    namespace: str
    name: str
    reason: str


@dataclass(slots=True)
class Batch:
    """One successful scrape of one node, in columns; row ``i`` of every column is one container.

    ``start_ns`` is the container's start since the epoch, 0 when unknown.
    ``node`` is None when the node has no usable point, and ``node_reason`` then says why.
    ``earliest_ms``, ``latest_ms`` and ``most_memory`` are the ends of their columns, 0 where there is no row; a decoder
    that has met them anyway may say so.
    """

    layout: Layout = NO_LAYOUT
    time_ms: array[int] = field(default_factory=lambda: array("q"))
    cpu_ns: array[int] = field(default_factory=lambda: array("Q"))
    memory: array[int] = field(default_factory=lambda: array("Q"))
    start_ns: array[int] = field(default_factory=lambda: array("q"))
    node: NodePoint | None = None
    node_reason: str = ""
    dropped: tuple[DroppedPod, ...] = ()
    warnings: tuple[str, ...] = ()
    earliest_ms: int = -1
    latest_ms: int = -1
    most_memory: int = -1

    def __post_init__(self) -> None:
        if self.earliest_ms < 0:
            self.earliest_ms = min(self.time_ms, default=0)
        if self.latest_ms < 0:
            self.latest_ms = max(self.time_ms, default=0)
        if self.most_memory < 0:
            self.most_memory = max(self.memory, default=0)


# --- what is served (store.usage → api) ---------------------------------------------------------------------


class ContainerUsage(NamedTuple):
    """One container's use: CPU in nanocores over the pod's window, memory in bytes."""

    name: str
    nanocores: int
    memory: int


class NodeUsage(NamedTuple):
    """One node's use over ``window_ns``, which ended at ``time_ms``."""

    time_ms: int
    window_ns: int
    nanocores: int
    memory: int


class PodUsage(NamedTuple):
    """One pod's use; containers in name order. Time and window are those of the container measured earliest."""

    time_ms: int
    window_ns: int
    containers: tuple[ContainerUsage, ...]


class Withheld(NamedTuple):
    """Why an object has no usage to serve, in one clause."""

    reason: str


# --- who asks (api.authentication → api.authorization) ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class User:
    """An authenticated (or anonymous) caller, as TokenReview and SubjectAccessReview name its parts."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
