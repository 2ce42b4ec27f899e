"""NodeMetrics, PodMetrics and their metadata alone as protocol buffers, the format that Go clients prefer.

As in JSON, every item is one fragment that depends on its object and usage alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from kubevitals.api.encoding.answer import Answer, Found, Item, Usage
from kubevitals.api.encoding.wire import blob, envelope, epoch_seconds, integer, text, varint
from kubevitals.model import Labels, NodeUsage, PodUsage
from kubevitals.quantity import format_cpu, format_memory

# The fields of a list: its metadata and its items. One list has them the other way round.
_LIST_META, _ITEMS = 1, 2
_SWAPPED = ("PartialObjectMetadataList", "meta.k8s.io/v1beta1")

# The map entries of a usage: the key in field 1, the Quantity in field 2, its text in field 1 of that. A
# quantity has at most 30 characters, so that every length is one byte.
_USAGE = b"%c%c\x0a\x03cpu\x12%c\x0a%c%b%c%c\x0a\x06memory\x12%c\x0a%c%b"
_CPU_ENTRY, _MEMORY_ENTRY, _QUANTITY = 9, 12, 2  # what each adds to the length of its text
_NODE_USAGE, _CONTAINER_USAGE = 4 << 3 | 2, 2 << 3 | 2


def metrics_chunks(answer: Answer) -> Iterator[bytes]:
    """Yield an answer as the list or the single object it stands for, in pieces."""
    if answer.single:
        message = metrics_message(answer.item.found, answer.item.usage)
        return iter([envelope(answer.api_version, answer.kind, len(message)) + message])
    items = ([item.protobuf(list_item) for item in some] for some in answer.slices)
    return _list(answer.api_version, f"{answer.kind}List", blob(_LIST_META, _list_meta(answer)), items)


def partial_chunks(answer: Answer, api_version: str) -> Iterator[bytes]:
    """Yield an answer's metadata as ``meta.k8s.io`` objects, in pieces."""
    if answer.single:
        message = metadata_field(answer.item)
        return iter([envelope(api_version, "PartialObjectMetadata", len(message)) + message])
    kind = "PartialObjectMetadataList"
    meta, field = (_ITEMS, _LIST_META) if (kind, api_version) == _SWAPPED else (_LIST_META, _ITEMS)
    items = ([blob(field, metadata_field(item)) for item in some] for some in answer.slices)
    return _list(api_version, kind, blob(meta, _list_meta(answer)), items)


def _list(api_version: str, kind: str, meta: bytes, slices: Iterable[Sequence[bytes]]) -> Iterator[bytes]:
    """Yield a list in its envelope, which tells the size of it all: an empty piece for each slice until that is known.

    Args:
        api_version: that of the list.
        kind: that of the list.
        meta: the list's own metadata, as a field.
        slices: its items, as fields.
    """
    known: list[Sequence[bytes]] = []
    size = len(meta)
    for items in slices:
        known.append(items)
        size += sum(map(len, items))
        yield b""
    yield envelope(api_version, kind, size) + meta
    for items in known:
        yield b"".join(items)


def _list_meta(answer: Answer) -> bytes:
    return text(2, answer.resource_version)


def list_item(found: Found, usage: Usage) -> bytes:
    """Return one item as it is in a list of NodeMetrics or PodMetrics."""
    return blob(_ITEMS, metrics_message(found, usage))


def metrics_message(found: Found, usage: Usage) -> bytes:
    """Return one item as the message NodeMetrics or PodMetrics."""
    measured = _containers(usage) if isinstance(usage, PodUsage) else _node_usage(usage)
    metadata = _metadata(found, usage.time_ms)
    window = integer(1, usage.window_ns)
    return b"\x0a%b%b%b\x1a%c%b%b" % (
        varint(len(metadata)),
        metadata,
        _time(2, usage.time_ms // 1000),
        len(window),
        window,
        measured,
    )


def metadata_field(item: Item) -> bytes:
    """Return one item's ObjectMeta as field 1, where every kind has it."""
    return blob(1, _metadata(item.found, item.time_ms))


def _metadata(found: Found, time_ms: int) -> bytes:
    version = b"%d" % time_ms
    return b"%b%b\x32%c%b%b%b" % (
        text(1, found.name),
        _name(3, found.namespace),
        len(version),
        version,
        _created(found.created),
        _labels(found.labels),
    )


@lru_cache(maxsize=4096)  # the names of namespaces and containers recur from pod to pod
def _name(number: int, name: str) -> bytes:
    return text(number, name)


@lru_cache(maxsize=1024)  # objects made or measured together share their second
def _time(number: int, seconds: int) -> bytes:
    return blob(number, integer(1, seconds))


@lru_cache(maxsize=1024)
def _created(created: str) -> bytes:
    seconds = epoch_seconds(created)
    return b"" if seconds is None else _time(8, seconds)


def _labels(labels: Labels) -> bytes:
    """Return labels as map entries in field 11; made once, as many pods share them and all are rendered often."""
    if labels.json and not labels.protobuf:
        entries = labels.pairs.items()
        labels.protobuf = b"".join([blob(11, text(1, key) + text(2, value)) for key, value in entries])
    return labels.protobuf


def _node_usage(usage: NodeUsage) -> bytes:
    return _usage(_NODE_USAGE, usage.nanocores, usage.memory)


def _containers(usage: PodUsage) -> bytes:
    return b"".join(
        [
            blob(4, _name(1, name) + _usage(_CONTAINER_USAGE, nanocores, memory))
            for name, nanocores, memory in usage.containers
        ]
    )


def _usage(field: int, nanocores: int, memory: int) -> bytes:
    cpu, size = format_cpu(nanocores).encode(), format_memory(memory).encode()
    return _USAGE % (
        *(field, len(cpu) + _CPU_ENTRY, len(cpu) + _QUANTITY, len(cpu), cpu),
        *(field, len(size) + _MEMORY_ENTRY, len(size) + _QUANTITY, len(size), size),
    )
