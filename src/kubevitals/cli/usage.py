"""What a cluster's Metrics API says, as rows for a screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from kubevitals.errors import ApiServerError
from kubevitals.kube.client import ApiClient
from kubevitals.quantity import parse_cpu, parse_memory

_METRICS = "/apis/metrics.k8s.io/v1beta1"
_CORE = 1_000_000_000


class NodeRow(NamedTuple):
    """One node. Use is None while it has no metrics; ``time`` is when it was measured, since the epoch."""

    name: str
    capacity_cores: float
    capacity_memory: int
    cores: float | None = None
    memory: int | None = None
    time: float = 0.0


class PodRow(NamedTuple):
    """One pod's use, over all of its containers."""

    namespace: str
    name: str
    cores: float
    memory: int
    containers: tuple[str, ...]


class Snapshot(NamedTuple):
    """All rows at one moment; ``problem`` says why there are no metrics, if the API gave none."""

    nodes: tuple[NodeRow, ...] = ()
    pods: tuple[PodRow, ...] = ()
    problem: str = ""

    @property
    def complete(self) -> bool:
        """True when every node has metrics, and there are some of pods."""
        return bool(self.pods) and all(row.cores is not None for row in self.nodes)


async def read(client: ApiClient) -> Snapshot:
    """Ask for all nodes and pods; what cannot be had is a problem on the screen and not an error.

    Raises:
        ApiServerError: not even the nodes can be listed.
    """
    objects = _items(await client.get("/api/v1/nodes"))
    try:
        nodes = _items(await client.get(f"{_METRICS}/nodes"))
        pods = _items(await client.get(f"{_METRICS}/pods"))
    except ApiServerError as error:
        return Snapshot(node_rows(objects, ()), (), str(error).strip())
    return Snapshot(node_rows(objects, nodes), pod_rows(pods))


def node_rows(objects: Sequence[Any], metrics: Sequence[Any]) -> tuple[NodeRow, ...]:
    """Join Node objects with NodeMetrics, in the order of the objects."""
    measured = {item["metadata"]["name"]: item for item in metrics}
    return tuple(_node_row(item, measured.get(item["metadata"]["name"])) for item in objects)


def pod_rows(metrics: Sequence[Any]) -> tuple[PodRow, ...]:
    """Return the rows of PodMetrics, the busiest first."""
    return tuple(sorted(map(_pod_row, metrics), key=lambda row: (-row.cores, row.namespace, row.name)))


def _node_row(item: Any, metrics: Any) -> NodeRow:
    name, capacity = item["metadata"]["name"], item["status"]["allocatable"]
    bare = NodeRow(name, parse_cpu(capacity["cpu"]) / _CORE, parse_memory(capacity["memory"]))
    if metrics is None:
        return bare
    usage, time = metrics["usage"], datetime.fromisoformat(metrics["timestamp"]).timestamp()
    return bare._replace(cores=parse_cpu(usage["cpu"]) / _CORE, memory=parse_memory(usage["memory"]), time=time)


def _pod_row(item: Any) -> PodRow:
    containers, metadata = item["containers"], item["metadata"]
    return PodRow(
        metadata["namespace"],
        metadata["name"],
        sum(parse_cpu(container["usage"]["cpu"]) for container in containers) / _CORE,
        sum(parse_memory(container["usage"]["memory"]) for container in containers),
        tuple(container["name"] for container in containers),
    )


def _items(body: bytes) -> list[Any]:
    items: list[Any] = msgspec.json.decode(body)["items"]
    return items
