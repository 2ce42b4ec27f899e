"""Which objects answer a request: what exists, joined with what was measured. Pure.

There is no await between reading and answering, so every object, and every slice of a list, shows one instant. A list
silently leaves out objects without usage, as upstream does; a single object without usage is 404.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeVar

from kubevitals.api import status
from kubevitals.api.encoding import Answer, Item, prepare
from kubevitals.api.encoding.answer import Found, Usage
from kubevitals.api.list_options import ListOptions
from kubevitals.api.request import Attributes
from kubevitals.api.status import Status
from kubevitals.model import Node, Pod, Withheld
from kubevitals.selectors import FieldSelector, LabelSelector
from kubevitals.store.filtering import LabelFilter
from kubevitals.store.inventory import Inventory
from kubevitals.store.points import Points
from kubevitals.store.report import Report

VERSIONS = ("v1beta1", "v1")
T = TypeVar("T", Node, Pod)

_SLICE: Final = 250  # objects looked at in one go: a few milliseconds when each has to be rendered


class Resources:
    """The resources of metrics.k8s.io.

    Args:
        inventory: which nodes and pods exist.
        points: what was measured.
        node_selector: only nodes that match are listed (``--node-selector``).
    """

    def __init__(self, inventory: Inventory, points: Points, node_selector: LabelSelector) -> None:
        self._inventory = inventory
        self._points = points
        self._node_selector = node_selector

    def get(self, asked: Attributes) -> Answer | Status:
        """Return one object, or the 404 that says whether it is unknown or not measured yet."""
        if asked.resource == "nodes":
            return self._get_node(asked)
        return self._get_pod(asked)

    def list_of(self, asked: Attributes, options: ListOptions) -> Answer:
        """Return every object that matches and has usage; nodes by name, pods by namespace and name."""
        slices = self._nodes(options) if asked.resource == "nodes" else self._pods(asked.namespace or None, options)
        return Answer(self._kind(asked), asked.version, slices, resource_version=self._version())

    def renew(self, node: str) -> None:
        """Render again, from the points that a node just reported, what was read of those before.

        Whoever polls then finds an answer that only has to be sent; what nobody reads is not rendered at all.
        """
        report = self._points.report("", node)
        if report is None or not self._points.derived:
            return
        self._renew(report, "", node, report.node_usage)
        for rows in report.columns.layout.pods:
            self._renew(report, rows.namespace, rows.name, partial(report.usage_in, rows))

    def _renew(self, report: Report, namespace: str, name: str, usage: Callable[[], Usage | Withheld]) -> None:
        before: Item | None = self._points.derived.of(namespace).get(name)
        if before is None:
            return
        measured = usage() if before.in_json or before.in_protobuf else None
        if measured is None or isinstance(measured, Withheld):
            self._points.derived.drop([(namespace, name)])
            return
        renewed = Item(before.found, measured, report)
        self._points.derived.keep(namespace, name, renewed)
        prepare(renewed, before)

    def _get_node(self, asked: Attributes) -> Answer | Status:
        node = self._inventory.node(asked.name)
        if node is None:
            return status.node_not_found(asked.name)
        item = self._item(node)
        return status.node_metrics_not_found(asked.name) if item is None else self._single(asked, item)

    def _get_pod(self, asked: Attributes) -> Answer | Status:
        pod = self._inventory.pod(asked.namespace, asked.name)
        if pod is None:
            return status.pod_not_found(asked.name)
        item = self._item(pod)
        return status.pod_metrics_not_found(asked.namespace, asked.name) if item is None else self._single(asked, item)

    def _nodes(self, options: ListOptions) -> Iterator[list[Item]]:
        wanted = LabelFilter(options.labels, self._node_selector)
        for nodes in _sliced(self._inventory.nodes()):
            yield self._items(_fielded(wanted.nodes(nodes), options.fields))

    def _pods(self, namespace: str | None, options: ListOptions) -> Iterator[list[Item]]:
        for pods in self._candidates(namespace, LabelFilter(options.labels)):
            yield self._items(_fielded(pods, options.fields))

    def _candidates(self, namespace: str | None, wanted: LabelFilter) -> Iterator[Sequence[Pod]]:
        """Yield slices of pods; where labels are asked for, only those that have them are looked at one by one."""
        if wanted.empty:
            yield from _sliced(self._inventory.pods(namespace))
            return
        for name in self._inventory.namespaces() if namespace is None else [namespace]:
            yield ()
            yield from _sliced(self._inventory.pods_labelled(name, wanted.matches))

    def _item(self, found: Found) -> Item | None:
        return next(iter(self._items([found])), None)

    def _items(self, objects: Sequence[Found]) -> list[Item]:
        """Return the items of those objects that have usage, made anew where object or points are not as before."""
        items: list[Item] = []
        namespace, derived = None, self._points.derived.of("")
        for found in objects:
            if found.namespace != namespace:
                namespace = found.namespace
                derived = self._points.derived.of(namespace)
            item: Item | None = derived.get(found.name)
            if item is None or not item.shows(found):
                item = self._made(found)
            if item is not None:
                items.append(item)
        return items

    def _made(self, found: Found) -> Item | None:
        """Make an item, and keep it if no other node can have a say in it; None when there is no usage."""
        points, key = self._points, (found.namespace, found.name)
        report = points.report(*key)
        usage = None if report is None else report.usage(*key)
        if usage is None or isinstance(usage, Withheld):
            return None
        item = Item(found, usage, report)
        if points.reported_once(*key):
            points.derived.keep(*key, item)
        return item

    def _single(self, asked: Attributes, item: Item) -> Answer:
        return Answer(self._kind(asked), asked.version, [[item]], single=True, resource_version=self._version())

    def _kind(self, asked: Attributes) -> str:
        return "NodeMetrics" if asked.resource == "nodes" else "PodMetrics"

    def _version(self) -> str:
        return str(self._points.revision)


def _sliced(objects: Sequence[T]) -> Iterator[Sequence[T]]:
    return (objects[start : start + _SLICE] for start in range(0, len(objects), _SLICE))


def _fielded(objects: Sequence[T], fields: FieldSelector) -> Sequence[T]:
    """Return the objects whose fields match."""
    return objects if fields.empty else [found for found in objects if fields.matches(_fields_of(found))]


def _fields_of(found: Found) -> dict[str, str]:
    return {"metadata.name": found.name, "metadata.namespace": found.namespace}
