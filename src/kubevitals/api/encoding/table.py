"""The server-side Table that ``kubectl get nodemetrics`` and ``podmetrics`` print.

Nodes and pods share one description of the columns: the name, one for each measured resource, and the window.
A pod's cells are the sums over its containers.
"""

from __future__ import annotations

from kubevitals.api.encoding.answer import Answer, Item, Usage
from kubevitals.api.encoding.body import Body
from kubevitals.api.encoding.json import dumps, string
from kubevitals.api.encoding.objects import fragment, list_metadata, opened
from kubevitals.api.encoding.partial import partial
from kubevitals.model import CPU, MEMORY, NodeUsage
from kubevitals.quantity import format_cpu, format_duration, format_memory


def _column(name: str, form: str, description: str = "") -> dict[str, object]:
    return {"name": name, "type": "string", "format": form, "description": description, "priority": 0}


_COLUMNS = [
    _column("Name", "name", "Name of the resource"),
    _column(CPU, "quantity"),
    _column(MEMORY, "quantity"),
    _column("Window", "duration"),
]
_COLUMN_DEFINITIONS = dumps({"columnDefinitions": _COLUMNS})[1:-1]


def table_body(answer: Answer, api_version: str, include_object: str) -> Body:
    """Return an answer as a Table.

    Args:
        answer: what to print.
        api_version: that of the Table, ``meta.k8s.io/v1`` or ``meta.k8s.io/v1beta1``.
        include_object: what each row carries of its object: ``None``, ``Metadata`` or ``Object``.
    """
    version = answer.resource_version
    if answer.single and version:
        version = str(answer.item.time_ms)
    head = f'{{"kind":"Table","apiVersion":"{api_version}","metadata":{list_metadata(version)},'.encode()
    rows = (
        [_row(item, _object(item, answer, api_version, include_object)) for item in items] for items in answer.slices
    )
    return Body(head + _COLUMN_DEFINITIONS + b"}", "rows", rows, empty=head + b'"columnDefinitions":null,"rows":null}')


def _row(item: Item, row_object: bytes) -> bytes:
    usage = item.usage
    nanocores, memory = totals(usage)
    cells = f'{string(item.found.name)},"{format_cpu(nanocores)}","{format_memory(memory)}"'
    return f'{{"cells":[{cells},"{format_duration(usage.window_ns)}"],"object":'.encode() + row_object + b"}"


def totals(usage: Usage) -> tuple[int, int]:
    """Return nanocores and bytes, summed over the containers of a pod."""
    if isinstance(usage, NodeUsage):
        return usage.nanocores, usage.memory
    containers = usage.containers
    return sum(used.nanocores for used in containers), sum(used.memory for used in containers)


def _object(item: Item, answer: Answer, api_version: str, include_object: str) -> bytes:
    if include_object == "None":
        return b"null"
    if include_object == "Object":
        return opened(item.json(fragment), answer.kind, answer.api_version)
    return partial(item, api_version)
