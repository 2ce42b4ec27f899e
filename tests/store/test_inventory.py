"""What exists, in order, with word of what ceased to exist."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from operator import attrgetter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kubevitals.model import Labels, Node, Pod
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


def test_an_event_without_news_replaces_nothing(inventory):
    """An event that brings nothing new replaces nothing, so that what was made of the object holds."""
    inventory.replace_nodes([Node("n")])
    inventory.replace_pods([Pod("a", "x")])
    node, pod = inventory.node("n"), inventory.pod("a", "x")
    inventory.upsert_node(Node("n"))
    inventory.upsert_pod(Pod("a", "x"))
    assert inventory.node("n") is node
    assert inventory.pod("a", "x") is pod
    inventory.upsert_pod(Pod("a", "x", created="2027"))
    assert inventory.pod("a", "x") is not pod


def test_pods_are_found_by_labels_that_are_judged_once_each(inventory):
    """However many pods share labels, these are judged once, and what comes and goes is followed."""
    shop, mail = Labels(b'{"app":"shop"}'), Labels(b'{"app":"mail"}')
    inventory.replace_pods([Pod("a", f"p{number}", mail if number % 3 else shop) for number in range(9)])
    judged = []

    def judge(labels):
        judged.append(labels)
        return labels is shop

    def names():
        return [pod.name for pod in inventory.pods_labelled("a", judge)]

    assert names() == ["p0", "p3", "p6"]
    assert judged == [shop, mail]
    inventory.upsert_pod(Pod("a", "p1", shop))
    inventory.remove_pod("a", "p3")
    assert names() == ["p0", "p1", "p6"]
    assert inventory.pods_labelled("none", judge) == []


def test_nodes_and_pods_are_counted_over_all_namespaces(inventory):
    """The counts follow what comes and goes."""
    inventory.replace_nodes([Node("n1"), Node("n2")])
    inventory.replace_pods([Pod("a", "x"), Pod("b", "x"), Pod("b", "y")])
    inventory.remove_pod("b", "x")
    assert inventory.counts() == {"nodes": 2, "pods": 2}


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


def staged(inventory, *batches):
    stage = inventory.stage_pods()
    for batch in batches:
        stage.add(batch)
    return stage


def test_a_list_in_the_making_is_not_seen(inventory):
    """Readers see what was, until the first step of putting it in place; then they see all of it."""
    inventory.replace_pods([Pod("x", "1"), Pod("y", "1")])
    steps = staged(inventory, [Pod("x", "2")], [Pod("z", "1")]).commit()
    before = inventory.pods()
    next(steps)
    after = inventory.pods()

    assert before == [Pod("x", "1"), Pod("y", "1")]
    assert after == [Pod("x", "2"), Pod("z", "1")]


def test_a_list_that_is_dropped_changes_nothing(inventory):
    """A list that broke off, or was not put in place, leaves no trace."""
    staged(inventory, [Pod("x", "2")]).commit()

    assert (inventory.pods(), inventory.pods_synced) == ([], False)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("key", ["namespace", "name"])
def test_batches_make_one_list_in_any_order(inventory, key, turned):
    """The API server orders by namespace, slash, name, which is not the order of namespaces; others may not at all."""
    pods = [Pod(f"ns-{number // 10}", f"pod-{number % 10}") for number in range(100)]
    mixed = sorted(pods, key=attrgetter(key), reverse=turned)
    for _ in staged(inventory, mixed[:50], mixed[50:]).commit():
        pass

    assert inventory.pods() == pods


def test_listeners_are_told_some_at_a_time(inventory):
    """A list that lacks thousands of pods does not hold the event loop until all of them are told."""
    gone = []
    inventory.replace_pods([Pod(f"ns-{number % 3}", f"pod-{number}") for number in range(3000)])
    inventory.subscribe(pod_removed=lambda *pod: gone.append(pod))
    told = [len(gone) for _ in staged(inventory, [Pod("ns-0", "pod-0")]).commit()]

    assert told[0] == 0
    assert max(after - before for before, after in pairwise(told)) <= 200
    assert len(set(gone)) == len(gone) == 2999


def test_what_did_not_change_stays_the_same_object(inventory):
    """So that whatever was made from it need not be made again after a list."""
    old, new = Pod("x", "1"), Pod("x", "2", created="2027")
    inventory.replace_pods([old, Pod("x", "2", created="2026")])
    inventory.replace_pods([Pod("x", "1"), new])

    assert inventory.pod("x", "1") is old
    assert inventory.pod("x", "2") is new


class Compared(str):
    """A name that counts how often it is compared."""

    __slots__ = ()
    count = 0

    def __lt__(self, other):
        Compared.count += 1
        return str.__lt__(self, other)

    def __le__(self, other):
        Compared.count += 1
        return str.__le__(self, other)

    def __eq__(self, other):
        Compared.count += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


@pytest.mark.parametrize("name", ["pod-00000", "pod-05000", "pod-05000x", "pod-09999", "pod-99999"])
def test_one_event_is_not_work_for_every_pod(inventory, name):
    """A pod that comes, changes or goes among 10,000 is found by halving, and nothing is copied."""
    inventory.replace_pods([Pod("x", Compared(f"pod-{number:05}")) for number in range(10_000)])
    inventory.upsert_pod(Pod("x", Compared("pod-05000y")))  # the lists have room to grow now
    name = Compared(name)
    event = [Pod("x", name), Pod("x", name, created="2027")]
    Compared.count = 0
    tracemalloc.start()
    for pod in event:
        inventory.upsert_pod(pod)
    inventory.remove_pod("x", name)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert Compared.count < 5 * 25  # five halvings: what is held is looked at before it is replaced
    assert most < 8192  # bytes; a copy of the pods would be 80,000


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
