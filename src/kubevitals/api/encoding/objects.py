"""NodeMetrics and PodMetrics as JSON, one fragment of bytes for each object.

A fragment depends on its object and usage alone: one rendered for a list serves for any other list, and for a
single object behind a different opening. Fields come in the order of the Go types.
"""

from __future__ import annotations

from functools import lru_cache

from kubevitals.api.encoding.answer import Answer, Found, Usage
from kubevitals.api.encoding.body import Body
from kubevitals.api.encoding.json import plain, string
from kubevitals.model import NodeUsage, PodUsage
from kubevitals.quantity import format_cpu, format_duration, format_memory, format_time


def metrics_body(answer: Answer) -> Body:
    """Return an answer as the list or the single object it stands for."""
    if answer.single:
        return Body(opened(answer.item.json(fragment), answer.kind, answer.api_version))
    fragments = ([item.json(fragment) for item in items] for items in answer.slices)
    return Body(list_fields(f"{answer.kind}List", answer.api_version, answer), "items", fragments)


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


def fragment(found: Found, usage: Usage) -> bytes:
    """Return one item as compact JSON, without kind and apiVersion."""
    measured = _pod(usage) if isinstance(usage, PodUsage) else _node(usage)
    return b'{"metadata":%b,"timestamp":"%b' % (metadata(found, usage.time_ms), measured.encode())


def metadata(found: Found, time_ms: int) -> bytes:
    """Return an ObjectMeta.

    An item's resourceVersion is the time of its measurement: it changes when, and only when, the numbers do,
    and serves a client that polls and compares.
    """
    name, created, labels = found.name, found.created, found.labels.json
    namespace = found.namespace
    if plain(name + namespace + created):  # one look instead of three: every pod of a list comes by here
        namespace = namespace and f',"namespace":"{namespace}"'
        created = created and f',"creationTimestamp":"{created}"'
        head = f'{{"name":"{name}"{namespace},"resourceVersion":"{time_ms}"{created}'.encode()
    else:
        namespace = namespace and f',"namespace":{string(namespace)}'
        created = created and f',"creationTimestamp":{string(created)}'
        head = f'{{"name":{string(name)}{namespace},"resourceVersion":"{time_ms}"{created}'.encode()
    return b'%b,"labels":%b}' % (head, labels) if labels else head + b"}"


def _node(usage: NodeUsage) -> str:
    used = f'{format_cpu(usage.nanocores)}","memory":"{format_memory(usage.memory)}'
    return f'{_taken(usage)},"usage":{{"cpu":"{used}"}}}}'


def _pod(usage: PodUsage) -> str:
    containers = [
        f'{_container(name)}{format_cpu(nanocores)}","memory":"{format_memory(memory)}"}}}}'
        for name, nanocores, memory in usage.containers
    ]
    return f'{_taken(usage)},"containers":[{",".join(containers)}]}}'


def _taken(usage: Usage) -> str:
    """Return when and over which time it was measured, behind the opening quote of the timestamp."""
    return f'{format_time(usage.time_ms)}","window":"{format_duration(usage.window_ns)}"'


@lru_cache(maxsize=4096)  # a cluster has far fewer names of containers than containers
def _container(name: str) -> str:
    return f'{{"name":{string(name)},"usage":{{"cpu":"'
