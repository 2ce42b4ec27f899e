"""What a request for metrics is answered with, before it is bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from kubevitals.api.group import GROUP
from kubevitals.model import Node, NodeUsage, Pod, PodUsage, Withheld

Found = Node | Pod
Usage = NodeUsage | PodUsage
Render = Callable[[Found, Usage], bytes]


class Measured(Protocol):
    """Knows the points that an item was made from; ``store.report.Report`` does."""

    revision: int  # grows whenever the points change

    def usage(self, namespace: str, name: str) -> Usage | Withheld | None:
        """Return an object's usage."""
        ...


class Item:
    """One object with what was measured of it, rendered once in each form however often it is asked for.

    An item holds as long as its object and its points do. Its usage takes more memory than any rendering, so it is
    given up for the first one, and computed again for whoever still needs it. ``in_json`` and ``in_protobuf`` tell
    which form was asked for.

    Args:
        found: the object.
        usage: its usage.
        source: where the usage can be had again; None keeps it.
    """

    __slots__ = ("_json", "_protobuf", "_revision", "_source", "_usage", "found", "in_json", "in_protobuf", "time_ms")

    def __init__(self, found: Found, usage: Usage, source: Measured | None = None) -> None:
        self.found = found
        self.time_ms = usage.time_ms
        self._usage: Usage | None = usage
        self._source = source
        self._revision = 0 if source is None else source.revision
        self._json = b""
        self._protobuf = b""
        self.in_json = False
        self.in_protobuf = False

    def shows(self, found: Found) -> bool:
        """Tell whether this is still the newest of an object."""
        source = self._source
        return self.found is found and source is not None and source.revision == self._revision

    @property
    def usage(self) -> Usage:
        """What was measured."""
        if self._usage is not None:
            return self._usage
        assert self._source is not None, "a usage is given up only where it can be had again"
        usage = self._source.usage(self.found.namespace, self.found.name)
        assert isinstance(usage, NodeUsage | PodUsage), "an item is held no longer than the points it was made from"
        return usage

    def json(self, render: Render) -> bytes:
        """Return the item as JSON, made by ``render`` the first time."""
        self.in_json = True
        if not self._json:
            self._json = self._rendered(render)
        return self._json

    def protobuf(self, render: Render) -> bytes:
        """Return the item as protocol buffers, made by ``render`` the first time."""
        self.in_protobuf = True
        if not self._protobuf:
            self._protobuf = self._rendered(render)
        return self._protobuf

    def prepare(self, *, json: Render | None, protobuf: Render | None) -> None:
        """Render in forms that nobody has asked for yet; None leaves a form out."""
        if json is not None:
            self._json = self._rendered(json)
        if protobuf is not None:
            self._protobuf = self._rendered(protobuf)

    def _rendered(self, render: Render) -> bytes:
        text = render(self.found, self.usage)
        if self._source is not None:
            self._usage = None
        return text


@dataclass(frozen=True, slots=True)
class Answer:
    """Objects with their usage, in the order in which they are sent.

    ``kind`` is that of one object (``NodeMetrics`` or ``PodMetrics``), also for a list. ``version`` is ``v1beta1``
    or ``v1``. ``slices`` holds the items, some at a time, each slice made when it is asked for: a list of every pod
    is not worked on in one go. With ``single`` there is exactly one item, and the slices can be taken repeatedly.
    ``resource_version`` is the list's, which has none when it is empty.
    """

    kind: str
    version: str
    slices: Iterable[Sequence[Item]]
    single: bool = False
    resource_version: str = ""

    @property
    def api_version(self) -> str:
        """The apiVersion of the objects, such as ``metrics.k8s.io/v1beta1``."""
        return f"{GROUP}/{self.version}"

    @property
    def item(self) -> Item:
        """The only item of an answer that is no list."""
        [[item]] = self.slices
        return item
