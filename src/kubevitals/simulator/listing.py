"""List options: which objects a list or a watch wants, and how a list is paged. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from kubevitals.errors import SelectorError
from kubevitals.selectors import FieldSelector, LabelSelector, parse_fields, parse_labels
from kubevitals.simulator import status
from kubevitals.simulator.kinds import Kind, Object
from kubevitals.simulator.registry import Event, Page, Registry


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of one kind are asked for."""

    kind: Kind
    namespace: str
    labels: LabelSelector
    fields: FieldSelector

    def wants(self, item: Object) -> bool:
        """Tell whether an object belongs to the answer."""
        metadata = item["metadata"]
        if self.namespace and metadata.get("namespace") != self.namespace:
            return False
        if not self.labels.empty and not self.labels.matches(metadata.get("labels") or {}):
            return False
        return self.fields.empty or self.fields.matches(self._values(item))

    def _values(self, item: Object) -> dict[str, str]:
        metadata = item["metadata"]
        values = {"metadata.name": metadata["name"], "metadata.namespace": metadata.get("namespace", "")}
        return values | {name: read(item) for name, read in self.kind.fields.items()}

    def event(self, event: Event) -> tuple[str, Object] | None:
        """Return a change as this selection sees it, None when it concerns nothing selected.

        An object that comes to match was added, and one that ceases to match is deleted.
        """
        before = event.previous is not None and self.wants(event.previous)
        after = event.type != "DELETED" and self.wants(event.item)
        if after:
            return ("MODIFIED" if before else "ADDED"), event.item
        return ("DELETED", event.item) if before else None


def selection(kind: Kind, namespace: str, query: Mapping[str, str]) -> Selection:
    """Read the selectors of a query.

    Raises:
        Refused: 400 for a selector that does not parse, or names a field this kind cannot be selected by.
    """
    try:
        labels = parse_labels(query.get("labelSelector", ""))
        fields = parse_fields(query.get("fieldSelector", ""))
    except SelectorError as error:
        raise status.bad_request(str(error)) from error
    known = {"metadata.name", "metadata.namespace", *kind.fields}
    for term in fields.terms:
        if term.field not in known:
            raise status.bad_request(f"field label not supported: {term.field}")
    return Selection(kind, namespace, labels, fields)


def integer(query: Mapping[str, str], name: str) -> int:
    """Return a numeric option, 0 when it is absent.

    Raises:
        Refused: 400.
    """
    text = query.get(name, "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise status.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def page(registry: Registry, selected: Selection, query: Mapping[str, str]) -> Page:
    """Return the part of a list that ``limit`` and ``continue`` ask for.

    Raises:
        Refused: 400 for options that do not parse, 410 for a continue token whose snapshot is forgotten.
    """
    limit = integer(query, "limit")
    integer(query, "resourceVersion")  # any state that is served is new enough
    version, after = registry.version, ""
    if token := query.get("continue", ""):
        version, after = _read_token(token)
    return registry[selected.kind].page(version, after, limit, selected.wants)


def list_metadata(selected: Selection, found: Page) -> Object:
    """Return the metadata of a list: its version, and how to go on when it is cut."""
    metadata: Object = {"resourceVersion": str(found.version)}
    if found.rest:
        metadata["continue"] = _token(found.version, found.rest)
        if selected.labels.empty and selected.fields.empty and not selected.namespace:
            metadata["remainingItemCount"] = found.remaining
    return metadata


def _token(version: int, start: str) -> str:
    content = msgspec.json.encode({"v": "meta.k8s.io/v1", "rv": version, "start": start})
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, str]:
    try:
        content = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(content["rv"]), str(content["start"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise status.bad_request("continue key is not valid: it is no token of this server") from error
