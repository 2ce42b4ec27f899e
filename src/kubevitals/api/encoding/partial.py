"""PartialObjectMetadata and its list: the objects without what was measured."""

from __future__ import annotations

from kubevitals.api.encoding.answer import Answer, Item
from kubevitals.api.encoding.body import Body
from kubevitals.api.encoding.objects import list_fields, metadata


def partial_body(answer: Answer, api_version: str) -> Body:
    """Return an answer's metadata as ``meta.k8s.io`` objects; here items of a list carry their kind too."""
    if answer.single:
        return Body(partial(answer.item, api_version))
    elements = ([partial(item, api_version) for item in items] for items in answer.slices)
    fields = list_fields("PartialObjectMetadataList", api_version, answer)
    # Null, where a list of whole objects has an empty array: the API server makes this list after it has seen to that.
    return Body(fields, "items", elements, empty=fields[:-1] + b',"items":null}')


def partial(item: Item, api_version: str) -> bytes:
    """Return one item's metadata as compact JSON."""
    head = f'{{"kind":"PartialObjectMetadata","apiVersion":"{api_version}","metadata":'.encode()
    return head + metadata(item.found, item.time_ms) + b"}"
