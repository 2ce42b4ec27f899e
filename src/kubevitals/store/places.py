"""Which nodes report a pod. Pure."""

from __future__ import annotations

from collections.abc import Iterable

Place = tuple[str, ...]  # node names in order; nearly always one


class Places:
    """The nodes that report each pod, by namespace and name.

    A pod that moves, or a kubelet that still shows a pod that is gone, can make it two. The one-node tuples
    are those passed in, shared by all pods of a node.

    Attributes:
        shared: the pods that several nodes report.
    """

    def __init__(self) -> None:
        self._namespaces: dict[str, dict[str, Place]] = {}
        self.shared: set[tuple[str, str]] = set()

    def __len__(self) -> int:
        """Return the number of pods."""
        return sum(map(len, self._namespaces.values()))

    def of(self, namespace: str, name: str) -> Place:
        """Return the nodes that report a pod, in name order; empty when none does."""
        pods = self._namespaces.get(namespace)
        return () if pods is None else pods.get(name, ())

    def add(self, pods: Iterable[tuple[str, str]], place: Place) -> None:
        """Note that the node of a one-node tuple reports these pods."""
        for namespace, name in pods:
            known = self._namespaces.setdefault(namespace, {})
            others = known.get(name)
            known[name] = tuple(sorted({*others, *place})) if others else place
            if len(known[name]) > 1:
                self.shared.add((namespace, name))

    def discard(self, pods: Iterable[tuple[str, str]], place: Place) -> None:
        """Note that the node of a one-node tuple no longer reports these pods."""
        for namespace, name in pods:
            rest = tuple(node for node in self.of(namespace, name) if node not in place)
            if len(rest) < 2:
                self.shared.discard((namespace, name))
            if rest:
                self._namespaces[namespace][name] = rest
            else:
                self._remove(namespace, name)

    def _remove(self, namespace: str, name: str) -> None:
        pods = self._namespaces.get(namespace, {})
        pods.pop(name, None)
        if not pods:
            self._namespaces.pop(namespace, None)
