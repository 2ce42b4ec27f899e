"""Answers as bytes: JSON, YAML or protocol buffers; whole objects, a Table, or metadata alone.

An answer is rendered some items at a time, when the next piece is asked for: a list of every pod never becomes one
string, and other requests have their turn in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubevitals.api.encoding import json, messages, objects, protobuf, yaml
from kubevitals.api.encoding.answer import Answer, Item
from kubevitals.api.encoding.body import Body
from kubevitals.api.encoding.partial import partial_body
from kubevitals.api.encoding.table import table_body
from kubevitals.api.negotiation import Choice
from kubevitals.api.status import Status

__all__ = ["Answer", "Item", "encode", "encode_document", "encode_status", "prepare"]


def encode(answer: Answer, choice: Choice) -> Iterator[bytes]:
    """Yield an answer in the negotiated form, in pieces that together are the body; some may be empty.

    Whether the shape asked for fits is for ``negotiation.mismatch`` to say; here a list stays a list.
    """
    if choice.media == "protobuf":
        if choice.transform is None:
            return protobuf.metrics_chunks(answer)
        return protobuf.partial_chunks(answer, _meta_version(choice))
    body = _body(answer, choice)
    if choice.media == "yaml":
        return yaml.yaml_chunks(body)
    return json.indented_chunks(body) if choice.pretty else json.compact_chunks(body)


def prepare(item: Item, before: Item) -> None:
    """Render a new measurement of an object in the forms that were asked for of the one before."""
    item.prepare(
        json=objects.fragment if before.in_json else None,
        protobuf=protobuf.list_item if before.in_protobuf else None,
    )


def encode_status(status: Status, choice: Choice) -> bytes:
    """Return an error in the negotiated form."""
    return encode_document(status.document(), choice)


def encode_document(document: dict[str, Any], choice: Choice) -> bytes:
    """Return a Status or discovery document in the negotiated form.

    Args:
        document: as it is in JSON, its fields in order; of a kind that ``messages`` knows.
        choice: the form; a transform does not change a document.
    """
    if choice.media == "protobuf":
        return messages.document_message(document)
    if choice.media == "yaml":
        return yaml.dumps(document)
    compact = json.dumps(document)
    return json.indented(compact) if choice.pretty else compact + b"\n"


def _body(answer: Answer, choice: Choice) -> Body:
    if choice.transform is None:
        return objects.metrics_body(answer)
    if choice.transform.kind == "Table":
        return table_body(answer, _meta_version(choice), choice.include_object)
    return partial_body(answer, _meta_version(choice))


def _meta_version(choice: Choice) -> str:
    assert choice.transform is not None, "only a transform has a version of its own"
    return f"{choice.transform.group}/{choice.transform.version}"
