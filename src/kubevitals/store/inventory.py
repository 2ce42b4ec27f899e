"""Which nodes and running pods exist. Pure; the reflectors write, the cycle and the API read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from kubevitals.model import Node, Pod
from kubevitals.store.ordered import Ordered

NodeListener = Callable[[str], None]
PodListener = Callable[[str, str], None]


class Inventory:
    """Nodes by name, and pods by namespace and name, always in byte order.

    ``nodes_synced`` and ``pods_synced`` turn true with the first complete list. A replacement takes effect at
    once: no reader sees an empty inventory, or half of one. Listeners are told after the change.
    """

    def __init__(self) -> None:
        self._nodes: Ordered[Node] = Ordered()
        self._pods: Ordered[Ordered[Pod]] = Ordered()
        self._node_listeners: list[NodeListener] = []
        self._pod_listeners: list[PodListener] = []
        self.nodes_synced = False
        self.pods_synced = False

    def subscribe(self, *, node_removed: NodeListener | None = None, pod_removed: PodListener | None = None) -> None:
        """Have callbacks told of each node (name) and pod (namespace, name) that ceased to exist."""
        if node_removed is not None:
            self._node_listeners.append(node_removed)
        if pod_removed is not None:
            self._pod_listeners.append(pod_removed)

    def node(self, name: str) -> Node | None:
        """Return a node, None when it does not exist."""
        return self._nodes.get(name)

    def nodes(self) -> list[Node]:
        """Return all nodes in name order, as a list of the caller's own."""
        return self._nodes.items()

    def pod(self, namespace: str, name: str) -> Pod | None:
        """Return a pod, None when it does not exist or does not run."""
        pods = self._pods.get(namespace)
        return None if pods is None else pods.get(name)

    def pods(self, namespace: str | None = None) -> list[Pod]:
        """Return a namespace's pods by name, or all by namespace and name, as a list of the caller's own."""
        if namespace is None:
            return list(chain.from_iterable(pods.items() for pods in self._pods.items()))
        pods = self._pods.get(namespace)
        return [] if pods is None else pods.items()

    def namespaces(self) -> list[str]:
        """Return the namespaces that hold pods, in order."""
        return self._pods.names()

    def replace_nodes(self, nodes: Iterable[Node]) -> None:
        """Put a complete list of nodes in place of what is held."""
        before, self._nodes = self._nodes, Ordered({node.name: node for node in nodes})
        self.nodes_synced = True
        for name in before.names():
            if name not in self._nodes:
                self._node_gone(name)

    def upsert_node(self, node: Node) -> None:
        """Add a node, or replace what is held of it."""
        self._nodes.put(node.name, node)

    def remove_node(self, name: str) -> None:
        """Remove a node; nothing happens when it is not held."""
        if self._nodes.remove(name):
            self._node_gone(name)

    def replace_pods(self, pods: Iterable[Pod]) -> None:
        """Put a complete list of running pods in place of what is held."""
        before, self._pods = self._pods, _by_namespace(pods)
        self.pods_synced = True
        for pod in chain.from_iterable(held.items() for held in before.items()):
            if self.pod(pod.namespace, pod.name) is None:
                self._pod_gone(pod.namespace, pod.name)

    def upsert_pod(self, pod: Pod) -> None:
        """Add a pod, or replace what is held of it."""
        pods = self._pods.get(pod.namespace)
        if pods is None:
            self._pods.put(pod.namespace, Ordered({pod.name: pod}))
        else:
            pods.put(pod.name, pod)

    def remove_pod(self, namespace: str, name: str) -> None:
        """Remove a pod; nothing happens when it is not held."""
        pods = self._pods.get(namespace)
        if pods is None or not pods.remove(name):
            return
        if not pods:
            self._pods.remove(namespace)
        self._pod_gone(namespace, name)

    def _node_gone(self, name: str) -> None:
        for listener in self._node_listeners:
            listener(name)

    def _pod_gone(self, namespace: str, name: str) -> None:
        for listener in self._pod_listeners:
            listener(namespace, name)


def _by_namespace(pods: Iterable[Pod]) -> Ordered[Ordered[Pod]]:
    namespaces: dict[str, dict[str, Pod]] = {}
    for pod in pods:
        namespaces.setdefault(pod.namespace, {})[pod.name] = pod
    return Ordered({namespace: Ordered(held) for namespace, held in namespaces.items()})
