"""PartialObjectMetadata and its list: the objects without what was measured."""

from __future__ import annotations

from kubevitals.api.encoding.answer import Answer, NodeItem, PodItem
from kubevitals.api.encoding.body import Body
from kubevitals.api.encoding.objects import list_fields, metadata


def partial_body(answer: Answer, api_version: str) -> Body:
    """Return an answer's metadata as ``meta.k8s.io`` objects; here items of a list carry their kind too."""
    elements = [partial(item, api_version, bool(answer.resource_version)) for item in answer.items]
    if answer.single:
        return Body(elements[0])
    fields = list_fields("PartialObjectMetadataList", api_version, answer)
    # Null, where a list of whole objects has an empty array: the API server makes this list after it has seen to that.
    return Body(fields, "items", elements) if elements else Body(fields[:-1] + b',"items":null}')


def partial(item: NodeItem | PodItem, api_version: str, versioned: bool) -> bytes:
    """Return one item's metadata as compact JSON."""
    found, usage = item
    head = f'{{"kind":"PartialObjectMetadata","apiVersion":"{api_version}","metadata":'.encode()
    return head + metadata(found, usage if versioned else None) + b"}"
