"""NodeMetrics, PodMetrics and their metadata alone as protocol buffers, the format that Go clients prefer.

As in JSON, every item is one fragment that depends on its object and usage alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from kubevitals.api.encoding.answer import Answer, NodeItem, PodItem
from kubevitals.api.encoding.wire import blob, envelope, epoch_seconds, integer, text, varint
from kubevitals.model import Labels, Node, NodeUsage, Pod, PodUsage
from kubevitals.quantity import format_cpu, format_memory

_GROUP = 1024
# The fields of a list: its metadata and its items. One list has them the other way round.
_LIST_META, _ITEMS = 1, 2
_SWAPPED = ("PartialObjectMetadataList", "meta.k8s.io/v1beta1")

# The map entries of a usage: the key in field 1, the Quantity in field 2, its text in field 1 of that. A
# quantity has at most 30 characters, so that every length is one byte.
_USAGE = b"%c%c\x0a\x03cpu\x12%c\x0a%c%b%c%c\x0a\x06memory\x12%c\x0a%c%b"
_CPU_ENTRY, _MEMORY_ENTRY, _QUANTITY = 9, 12, 2  # what each adds to the length of its text
_NODE_USAGE, _CONTAINER_USAGE = 4 << 3 | 2, 2 << 3 | 2


def metrics_chunks(answer: Answer) -> list[bytes]:
    """Return an answer as the list or the single object it stands for, in pieces."""
    kind = answer.kind if answer.single else f"{answer.kind}List"
    return _chunks(answer, answer.api_version, kind, metrics_message)


def partial_chunks(answer: Answer, api_version: str) -> list[bytes]:
    """Return an answer's metadata as ``meta.k8s.io`` objects, in pieces."""
    kind = "PartialObjectMetadata" if answer.single else "PartialObjectMetadataList"
    return _chunks(answer, api_version, kind, metadata_field)


def _chunks(
    answer: Answer, api_version: str, kind: str, message: Callable[[NodeItem | PodItem, bool], bytes]
) -> list[bytes]:
    versioned = bool(answer.resource_version)
    messages = [message(item, versioned) for item in answer.items]
    if answer.single:
        return [envelope(api_version, kind, len(messages[0])), messages[0]]
    meta, items = (_ITEMS, _LIST_META) if (kind, api_version) == _SWAPPED else (_LIST_META, _ITEMS)
    pieces = [blob(meta, text(2, answer.resource_version)), *_items(items, messages)]
    return [envelope(api_version, kind, sum(map(len, pieces))), *pieces]


def _items(number: int, messages: Sequence[bytes]) -> Iterator[bytes]:
    """Yield a list's items, in field ``number``, some at a time."""
    for start in range(0, len(messages), _GROUP):
        yield b"".join([blob(number, message) for message in messages[start : start + _GROUP]])


def metrics_message(item: NodeItem | PodItem, versioned: bool) -> bytes:
    """Return one item as the message NodeMetrics or PodMetrics."""
    found, usage = item
    measured = _containers(usage) if isinstance(usage, PodUsage) else _node_usage(usage)
    metadata = _metadata(found, usage if versioned else None)
    window = integer(1, usage.window_ns)
    return b"\x0a%b%b%b\x1a%c%b%b" % (
        varint(len(metadata)),
        metadata,
        _time(2, usage.time_ms // 1000),
        len(window),
        window,
        measured,
    )


def metadata_field(item: NodeItem | PodItem, versioned: bool) -> bytes:
    """Return one item's ObjectMeta as field 1, where every kind has it."""
    found, usage = item
    return blob(1, _metadata(found, usage if versioned else None))


def _metadata(found: Node | Pod, usage: NodeUsage | PodUsage | None) -> bytes:
    namespace = text(3, found.namespace) if isinstance(found, Pod) else b""
    version = text(6, str(usage.time_ms)) if usage else b""
    return b"%b%b%b%b%b" % (
        text(1, found.name),
        namespace,
        version,
        _created(found.created),
        _labels(found.labels),
    )


@lru_cache(maxsize=1024)  # objects made or measured together share their second
def _time(number: int, seconds: int) -> bytes:
    return blob(number, integer(1, seconds))


@lru_cache(maxsize=1024)
def _created(created: str) -> bytes:
    seconds = epoch_seconds(created)
    return b"" if seconds is None else _time(8, seconds)


@lru_cache(maxsize=256)  # in a list sorted by name, pods of one controller follow each other and share their labels
def _labels(labels: Labels) -> bytes:
    return b"".join([blob(11, text(1, key) + text(2, value)) for key, value in labels.pairs.items()])


def _node_usage(usage: NodeUsage) -> bytes:
    return _usage(_NODE_USAGE, usage.nanocores, usage.memory)


def _containers(usage: PodUsage) -> bytes:
    return b"".join(
        [
            blob(4, text(1, name) + _usage(_CONTAINER_USAGE, nanocores, memory))
            for name, nanocores, memory in usage.containers
        ]
    )


def _usage(field: int, nanocores: int, memory: int) -> bytes:
    cpu, size = format_cpu(nanocores).encode(), format_memory(memory).encode()
    return _USAGE % (
        *(field, len(cpu) + _CPU_ENTRY, len(cpu) + _QUANTITY, len(cpu), cpu),
        *(field, len(size) + _MEMORY_ENTRY, len(size) + _QUANTITY, len(size), size),
    )
