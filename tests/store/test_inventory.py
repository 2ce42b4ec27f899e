"""What exists, in order, with word of what ceased to exist."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kubevitals.model import Node, Pod
from kubevitals.store.inventory import Inventory

NAMESPACES = ["default", "kube-system", "kube", "a"]
NAMES = ["web-0", "web-1", "web", "api", "web.x", "z"]


@pytest.fixture
def inventory():
    return Inventory()


def test_an_empty_inventory_knows_nothing(inventory):
    """Before the first list nothing is synced, and everything is absent."""
    assert (inventory.nodes_synced, inventory.pods_synced) == (False, False)
    assert (inventory.nodes(), inventory.pods(), inventory.pods("default")) == ([], [], [])
    assert (inventory.node("n"), inventory.pod("default", "web")) == (None, None)


def test_a_complete_list_makes_it_synced(inventory):
    """A cluster without pods is a known cluster."""
    inventory.replace_nodes([])
    assert (inventory.nodes_synced, inventory.pods_synced) == (True, False)

    inventory.replace_pods([])
    assert (inventory.nodes_synced, inventory.pods_synced) == (True, True)


def test_pods_come_by_namespace_then_name(inventory):
    """The order is that of bytes: a dash sorts before a letter, and namespaces go first."""
    for namespace, name in (("b", "a"), ("a", "b"), ("a", "a"), ("a-b", "a"), ("a", "a-a")):
        inventory.upsert_pod(Pod(namespace, name))

    everywhere = [(pod.namespace, pod.name) for pod in inventory.pods()]
    assert everywhere == [("a", "a"), ("a", "a-a"), ("a", "b"), ("a-b", "a"), ("b", "a")]
    assert [pod.name for pod in inventory.pods("a")] == ["a", "a-a", "b"]
    assert inventory.namespaces() == ["a", "a-b", "b"]


def test_listeners_hear_of_what_a_new_list_lacks(inventory):
    """A replacement tells of each object that is gone, once, and of no other."""
    gone = []
    inventory.subscribe(node_removed=gone.append, pod_removed=lambda *pod: gone.append(pod))
    inventory.replace_nodes([Node("a"), Node("b")])
    inventory.replace_pods([Pod("x", "1"), Pod("y", "1"), Pod("y", "2")])
    inventory.replace_nodes([Node("b"), Node("c")])
    inventory.replace_pods([Pod("y", "2"), Pod("y", "3")])

    assert gone == ["a", ("x", "1"), ("y", "1")]
    assert inventory.namespaces() == ["y"]


def test_no_reader_sees_an_empty_inventory(inventory):
    """While listeners are told, the new list is already in place as a whole."""
    seen = []
    inventory.subscribe(
        node_removed=lambda _: seen.append([node.name for node in inventory.nodes()]),
        pod_removed=lambda *_: seen.append([pod.name for pod in inventory.pods()]),
    )
    inventory.replace_nodes([Node("a"), Node("b")])
    inventory.replace_nodes([Node("c"), Node("d")])
    inventory.replace_pods([Pod("x", "1")])
    inventory.replace_pods([Pod("x", "2"), Pod("y", "3")])

    assert seen == [["c", "d"], ["c", "d"], ["2", "3"]]


def test_a_list_that_fails_midway_changes_nothing(inventory):
    """Should the items end in an error, the inventory stays as it was."""
    inventory.replace_pods([Pod("x", "1")])

    def broken():
        yield Pod("x", "2")
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        inventory.replace_pods(broken())

    assert inventory.pods() == [Pod("x", "1")]


def test_removing_what_is_not_there_is_not_news(inventory):
    """A deletion that arrives twice is told once."""
    gone = []
    inventory.subscribe(node_removed=gone.append, pod_removed=lambda *pod: gone.append(pod))
    inventory.upsert_node(Node("a"))
    inventory.upsert_pod(Pod("x", "1"))
    for _ in range(2):
        inventory.remove_node("a")
        inventory.remove_pod("x", "1")

    assert gone == ["a", ("x", "1")]
    assert inventory.namespaces() == []


def test_an_update_replaces_the_object(inventory):
    """A changed object is found under its name, and told as no removal."""
    gone = []
    inventory.subscribe(node_removed=gone.append)
    inventory.upsert_node(Node("a", ready=True))
    inventory.upsert_node(Node("a", ready=False))

    assert inventory.nodes() == [Node("a", ready=False)]
    assert inventory.node("a") == Node("a", ready=False)
    assert gone == []


pods = st.builds(Pod, st.sampled_from(NAMESPACES), st.sampled_from(NAMES), created=st.sampled_from(["2026", "2027"]))
nodes = st.builds(Node, st.sampled_from(NAMES), ready=st.booleans())


class InventoryModel(RuleBasedStateMachine):
    """Any sequence of lists and events leaves what plain dicts hold, and listeners hear every removal."""

    def __init__(self):
        super().__init__()
        self.inventory, self.nodes, self.pods = Inventory(), {}, {}
        self.heard, self.expected = [], []
        self.inventory.subscribe(node_removed=self.heard.append, pod_removed=lambda *pod: self.heard.append(pod))

    @rule(items=st.lists(nodes, max_size=6))
    def replace_nodes(self, items):
        before, self.nodes = self.nodes, {node.name: node for node in items}
        self.expected += [name for name in before if name not in self.nodes]
        self.inventory.replace_nodes(items)

    @rule(items=st.lists(pods, max_size=12))
    def replace_pods(self, items):
        before, self.pods = self.pods, {(pod.namespace, pod.name): pod for pod in items}
        self.expected += [key for key in before if key not in self.pods]
        self.inventory.replace_pods(items)

    @rule(node=nodes)
    def upsert_node(self, node):
        self.nodes[node.name] = node
        self.inventory.upsert_node(node)

    @rule(pod=pods)
    def upsert_pod(self, pod):
        self.pods[pod.namespace, pod.name] = pod
        self.inventory.upsert_pod(pod)

    @rule(name=st.sampled_from(NAMES))
    def remove_node(self, name):
        self.expected += [name] if self.nodes.pop(name, None) else []
        self.inventory.remove_node(name)

    @rule(key=st.tuples(st.sampled_from(NAMESPACES), st.sampled_from(NAMES)))
    def remove_pod(self, key):
        self.expected += [key] if self.pods.pop(key, None) else []
        self.inventory.remove_pod(*key)

    @invariant()
    def equals_the_dicts(self):
        assert self.inventory.nodes() == [self.nodes[name] for name in sorted(self.nodes)]
        assert self.inventory.pods() == [self.pods[key] for key in sorted(self.pods)]
        assert self.inventory.namespaces() == sorted({namespace for namespace, _ in self.pods})
        for namespace in NAMESPACES:
            expected = [self.pods[key] for key in sorted(self.pods) if key[0] == namespace]
            assert self.inventory.pods(namespace) == expected
            for name in NAMES:
                assert self.inventory.pod(namespace, name) == self.pods.get((namespace, name))

    @invariant()
    def hears_every_removal(self):
        assert sorted(map(str, self.heard)) == sorted(map(str, self.expected))


InventoryModel.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestInventoryModel = InventoryModel.TestCase
