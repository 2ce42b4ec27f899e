"""Which nodes and running pods exist. Pure; the reflectors write, the cycle and the API read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import Final

from kubevitals.model import Labels, Node, Pod
from kubevitals.store.ordered import Ordered

NodeListener = Callable[[str], None]
PodListener = Callable[[str, str], None]
Judge = Callable[[Labels], bool]

_SLICE: Final = 200  # pods that are looked at in one step; for each that is gone, listeners have work to do
_namespace_of, _name_of = attrgetter("namespace"), attrgetter("name")


class PodsOfNamespace(Ordered[Pod]):
    """The pods of a namespace by name, and by their labels as soon as somebody asks for some by these."""

    __slots__ = ("_by_labels",)

    def __init__(self) -> None:
        super().__init__()
        self._by_labels: dict[Labels, list[Pod]] = {}

    def put(self, name: str, item: Pod) -> None:
        """Add a pod, or replace the one of that name."""
        self._by_labels = {}
        super().put(name, item)

    def remove(self, name: str) -> bool:
        """Remove a pod; return whether there was one."""
        self._by_labels = {}
        return super().remove(name)

    def labelled(self, judge: Judge) -> list[Pod]:
        """Return the pods whose labels are judged right, by name; each set of labels is judged once."""
        if not self._by_labels:
            for pod in self._items:
                self._by_labels.setdefault(pod.labels, []).append(pod)
        found = [pods for labels, pods in self._by_labels.items() if judge(labels)]
        return sorted(chain.from_iterable(found), key=_name_of)


Namespaces = Ordered[PodsOfNamespace]


class Inventory:
    """Nodes by name, and pods by namespace and name, always in byte order.

    ``nodes_synced`` and ``pods_synced`` turn true with the first complete list. A replacement takes effect at
    once: no reader sees an empty inventory, or half of one. Listeners are told after the change.
    """

    def __init__(self) -> None:
        self._nodes: Ordered[Node] = Ordered()
        self._pods: Namespaces = Ordered()
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

    def pods_labelled(self, namespace: str, judge: Judge) -> list[Pod]:
        """Return the pods of a namespace whose labels are judged right, by name."""
        pods = self._pods.get(namespace)
        return [] if pods is None else pods.labelled(judge)

    def counts(self) -> dict[str, int]:
        """Return how many ``nodes`` and ``pods`` there are."""
        return {"nodes": len(self._nodes), "pods": sum(map(len, self._pods.items()))}

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
        """Add a node, or replace what is held of it; one that did not change stays the same object."""
        if self._nodes.get(node.name) != node:
            self._nodes.put(node.name, node)

    def remove_node(self, name: str) -> None:
        """Remove a node; nothing happens when it is not held."""
        if self._nodes.remove(name):
            self._node_gone(name)

    def replace_pods(self, pods: Iterable[Pod]) -> None:
        """Put a complete list of running pods in place of what is held."""
        stage = self.stage_pods()
        stage.add(pods)
        for _ in stage.commit():
            pass

    def stage_pods(self) -> PodStage:
        """Begin a complete list of running pods that is taken, and later put in place, in small steps."""
        return PodStage(self._pods, self._swap_pods)

    def upsert_pod(self, pod: Pod) -> None:
        """Add a pod, or replace what is held of it; one that did not change stays the same object."""
        pods = _room(self._pods, pod.namespace)
        if pods.get(pod.name) != pod:
            pods.put(pod.name, pod)

    def remove_pod(self, namespace: str, name: str) -> None:
        """Remove a pod; nothing happens when it is not held."""
        pods = self._pods.get(namespace)
        if pods is None or not pods.remove(name):
            return
        if not pods:
            self._pods.remove(namespace)
        self._pod_gone(namespace, name)

    def _swap_pods(self, pods: Namespaces) -> Iterator[None]:
        before, self._pods = self._pods, pods
        self.pods_synced = True
        yield
        held = chain.from_iterable(pods.items() for pods in before.items())
        while some := list(islice(held, _SLICE)):
            self._tell_gone(some)
            yield

    def _tell_gone(self, pods: Iterable[Pod]) -> None:
        for namespace, some in groupby(pods, _namespace_of):
            left = self._pods.get(namespace) or ()
            for pod in some:
                if pod.name not in left:
                    self._pod_gone(namespace, pod.name)

    def _node_gone(self, name: str) -> None:
        for listener in self._node_listeners:
            listener(name)

    def _pod_gone(self, namespace: str, name: str) -> None:
        for listener in self._pod_listeners:
            listener(namespace, name)


class PodStage:
    """A complete list of running pods in the making, which no reader sees before it is complete.

    A pod that did not change stays the same object.

    Args:
        held: what the list will replace.
        swap: puts all in place in its first step, and tells of pods that are gone in the others.
    """

    def __init__(self, held: Namespaces, swap: Callable[[Namespaces], Iterator[None]]) -> None:
        self._held = held
        self._swap = swap
        self._pods: Namespaces = Ordered()

    def add(self, pods: Iterable[Pod], /) -> None:
        """Take the next pods, in any order; the API server's own is the quickest."""
        for namespace, some in groupby(pods, _namespace_of):
            held, staged = self._held.get(namespace), _room(self._pods, namespace)
            for pod in some:
                before = held.get(pod.name) if held else None
                kept = before if before is not None and before == pod else pod
                staged.put(kept.name, kept)

    def commit(self) -> Iterator[None]:
        """Put the list in place with the first step; then tell listeners of pods that are gone, some in each step."""
        return self._swap(self._pods)


def _room(namespaces: Namespaces, namespace: str) -> PodsOfNamespace:
    """Return where a namespace's pods are kept, which is made when there is none."""
    pods = namespaces.get(namespace)
    if pods is None:
        pods = PodsOfNamespace()
        namespaces.put(namespace, pods)
    return pods
