"""NodeMetrics and PodMetrics as JSON, one fragment of bytes for each object.

A fragment depends on its object and usage alone: one rendered for a list serves for any other list, and for a
single object behind a different opening. Fields come in the order of the Go types.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubevitals.api.encoding.answer import Answer, NodeItem, PodItem
from kubevitals.api.encoding.body import Body
from kubevitals.api.encoding.json import string
from kubevitals.model import ContainerUsage, Labels, Node, NodeUsage, Pod, PodUsage
from kubevitals.quantity import format_cpu, format_duration, format_memory, format_time


def metrics_body(answer: Answer) -> Body:
    """Return an answer as the list or the single object it stands for."""
    if answer.single:
        return Body(opened(fragments(answer)[0], answer.kind, answer.api_version))
    return Body(list_fields(f"{answer.kind}List", answer.api_version, answer), "items", fragments(answer))


def list_fields(kind: str, api_version: str, answer: Answer) -> bytes:
    """Return the fields before a list's items."""
    metadata = list_metadata(answer.resource_version)
    return f'{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{metadata}}}'.encode()


def list_metadata(resource_version: str) -> str:
    """Return a ListMeta; the only thing it may hold is the version."""
    return f'{{"resourceVersion":{string(resource_version)}}}' if resource_version else "{}"


def opened(fragment: bytes, kind: str, api_version: str) -> bytes:
    """Return a fragment with kind and apiVersion in front, as an object outside a list has them."""
    return f'{{"kind":"{kind}","apiVersion":"{api_version}",'.encode() + fragment[1:]


def fragments(answer: Answer) -> list[bytes]:
    """Return every item of an answer as compact JSON, without kind and apiVersion."""
    versioned = bool(answer.resource_version)
    return [fragment(item, versioned) for item in answer.items]


def fragment(item: NodeItem | PodItem, versioned: bool) -> bytes:
    """Return one item as compact JSON."""
    found, usage = item
    body = _containers(usage.containers) if isinstance(usage, PodUsage) else _node_usage(usage)
    timestamp, window = format_time(usage.time_ms), format_duration(usage.window_ns)
    return b'{"metadata":%b,%b' % (
        metadata(found, usage if versioned else None),
        f'"timestamp":"{timestamp}","window":"{window}",{body}}}'.encode(),
    )


def metadata(found: Node | Pod, usage: NodeUsage | PodUsage | None) -> bytes:
    """Return an ObjectMeta.

    An item's resourceVersion is the time of its measurement: it changes when, and only when, the numbers do,
    and serves a client that polls and compares. Without a usage there is no version.
    """
    namespace = f',"namespace":{string(found.namespace)}' if isinstance(found, Pod) else ""
    version = f',"resourceVersion":"{usage.time_ms}"' if usage else ""
    created = f',"creationTimestamp":{string(found.created)}' if found.created else ""
    head = f'{{"name":{string(found.name)}{namespace}{version}{created}'.encode()
    return head + _labels(found.labels)


def _labels(labels: Labels) -> bytes:
    return b',"labels":%b}' % labels.json if labels.json else b"}"


def _node_usage(usage: NodeUsage) -> str:
    return f'"usage":{_usage(usage.nanocores, usage.memory)}'


def _containers(containers: Sequence[ContainerUsage]) -> str:
    texts = [f'{{"name":{string(name)},"usage":{_usage(nanocores, memory)}}}' for name, nanocores, memory in containers]
    return f'"containers":[{",".join(texts)}]'


def _usage(nanocores: int, memory: int) -> str:
    return f'{{"cpu":"{format_cpu(nanocores)}","memory":"{format_memory(memory)}"}}'
