"""Which objects answer a request: what exists, joined with what was measured. Pure.

There is no await between reading and answering, so every answer shows one instant. A list silently leaves out
objects without usage, as upstream does; a single object without usage is 404.
"""

from __future__ import annotations

from kubevitals.api import status
from kubevitals.api.encoding import Answer, NodeItem, PodItem
from kubevitals.api.list_options import ListOptions
from kubevitals.api.request import Attributes
from kubevitals.api.status import Status
from kubevitals.model import Node, NodeUsage, PodUsage
from kubevitals.selectors import FieldSelector, LabelSelector
from kubevitals.store.inventory import Inventory
from kubevitals.store.points import Points

VERSIONS = ("v1beta1", "v1")


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
        items: list[NodeItem] | list[PodItem]
        if asked.resource == "nodes":
            items = self._list_nodes(options)
        else:
            items = self._list_pods(asked.namespace or None, options)
        return Answer(self._kind(asked), asked.version, items, single=False, resource_version=self._version())

    def _get_node(self, asked: Attributes) -> Answer | Status:
        node = self._inventory.node(asked.name)
        if node is None:
            return status.node_not_found(asked.name)
        usage = self._points.node_usage(node.name)
        if not isinstance(usage, NodeUsage):
            return status.node_metrics_not_found(asked.name)
        return self._single(asked, (node, usage))

    def _get_pod(self, asked: Attributes) -> Answer | Status:
        pod = self._inventory.pod(asked.namespace, asked.name)
        if pod is None:
            return status.pod_not_found(asked.name)
        usage = self._points.pod_usage(pod.namespace, pod.name)
        if not isinstance(usage, PodUsage):
            return status.pod_metrics_not_found(asked.namespace, asked.name)
        return self._single(asked, (pod, usage))

    def _list_nodes(self, options: ListOptions) -> list[NodeItem]:
        usage_of = self._points.node_usage
        found = ((node, usage_of(node.name)) for node in self._inventory.nodes() if self._selects(node, options))
        return [(node, usage) for node, usage in found if isinstance(usage, NodeUsage)]

    def _selects(self, node: Node, options: ListOptions) -> bool:
        pairs = node.labels.pairs
        return (
            self._node_selector.matches(pairs)
            and options.labels.matches(pairs)
            and _fields_match(options.fields, node.name, "")
        )

    def _list_pods(self, namespace: str | None, options: ListOptions) -> list[PodItem]:
        usage_of, items = self._points.pod_usage, []
        labels, fields = options.labels, options.fields
        for pod in self._inventory.pods(namespace):
            if not labels.matches(pod.labels.pairs) or not _fields_match(fields, pod.name, pod.namespace):
                continue
            usage = usage_of(pod.namespace, pod.name)
            if isinstance(usage, PodUsage):
                items.append((pod, usage))
        return items

    def _single(self, asked: Attributes, item: NodeItem | PodItem) -> Answer:
        items: list[NodeItem] | list[PodItem] = [item]  # type: ignore[assignment]
        return Answer(self._kind(asked), asked.version, items, single=True, resource_version=self._version())

    def _kind(self, asked: Attributes) -> str:
        return "NodeMetrics" if asked.resource == "nodes" else "PodMetrics"

    def _version(self) -> str:
        return str(self._points.revision)


def _fields_match(fields: FieldSelector, name: str, namespace: str) -> bool:
    if not fields.terms:
        return True
    return fields.matches({"metadata.name": name, "metadata.namespace": namespace})
