from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.api.encoding import Answer, Item, encode
from kubevitals.api.encoding.objects import fragment
from kubevitals.api.negotiation import Choice
from kubevitals.model import ContainerUsage, Node, NodeUsage, Pod, PodUsage

NODE = (
    '"metadata":{"name":"n1","resourceVersion":"1767225600999","creationTimestamp":"2026-01-01T00:00:31Z",'
    '"labels":{"app":"shop","tier":"1"}},"timestamp":"2026-01-01T00:00:00Z","window":"10.01s",'
    '"usage":{"cpu":"250m","memory":"12240Ki"}}'
)
POD = (
    '"metadata":{"name":"shop-1","namespace":"default","resourceVersion":"1767225600500",'
    '"creationTimestamp":"2026-01-01T00:00:31Z","labels":{"app":"shop","tier":"1"}},'
    '"timestamp":"2026-01-01T00:00:00Z","window":"15.003s","containers":['
    '{"name":"app","usage":{"cpu":"12345678n","memory":"64Mi"}},'
    '{"name":"proxy","usage":{"cpu":"1500u","memory":"2147483649"}}]}'
)
BARE = (
    '{"metadata":{"name":"dns","namespace":"kube-system","resourceVersion":"1767225600000"},"timestamp":"2026-01-01T00:00:00Z","window":"1m0s",'
    '"containers":[{"name":"c","usage":{"cpu":"2","memory":"0"}}]}'
)


def text(answer: Answer, choice: Choice | None = None) -> str:
    return b"".join(encode(answer, choice or Choice())).decode()


def test_node(node: Item) -> None:
    """One node is byte for byte what upstream sends, with the node's own creation time and a version."""
    answer = Answer("NodeMetrics", "v1beta1", [[node]], single=True, resource_version="7")
    assert text(answer) == '{"kind":"NodeMetrics","apiVersion":"metrics.k8s.io/v1beta1",' + NODE + "\n"


def test_pod(pod: Item) -> None:
    """One pod is byte for byte what upstream sends, its containers in the order given."""
    answer = Answer("PodMetrics", "v1", [[pod]], single=True, resource_version="7")
    assert text(answer) == '{"kind":"PodMetrics","apiVersion":"metrics.k8s.io/v1",' + POD + "\n"


def test_node_list(node: Item) -> None:
    """A list has a version of its own, and items without kind and apiVersion."""
    answer = Answer("NodeMetrics", "v1", [[node, node]], resource_version="7")
    head = '{"kind":"NodeMetricsList","apiVersion":"metrics.k8s.io/v1","metadata":{"resourceVersion":"7"},"items":['
    assert text(answer) == head + "{" + NODE + ",{" + NODE + "]}\n"


def test_list_without_a_version(bare: Item) -> None:
    """What is not known of an object or the list is left out."""
    answer = Answer("PodMetrics", "v1beta1", [[bare]])
    head = '{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":['
    assert text(answer) == head + BARE + "]}\n"


@pytest.mark.parametrize("kind", ["NodeMetrics", "PodMetrics"])
def test_empty_list(kind: str) -> None:
    """An empty list has an empty array."""
    assert text(Answer(kind, "v1beta1", [])) == (
        f'{{"kind":"{kind}List","apiVersion":"metrics.k8s.io/v1beta1","metadata":{{}},"items":[]}}\n'
    )


def test_pretty_is_the_same_document(node: Item, pod: Item) -> None:
    """Indented JSON differs from compact JSON in white space alone."""
    for answer in (
        Answer("NodeMetrics", "v1", [[node]], single=True, resource_version="7"),
        Answer("PodMetrics", "v1", [[pod, pod]], resource_version="7"),
        Answer("PodMetrics", "v1", []),
    ):
        compact, pretty = text(answer), text(answer, Choice(pretty=True))
        assert pretty == json.dumps(json.loads(compact), indent=2)


def test_version_follows_the_measurement(node: Item) -> None:
    """An item's version changes with its measurement and with nothing else."""
    later = Item(node.found, node.usage._replace(time_ms=node.time_ms + 15_000))

    def version(item: Item, of_list: str) -> Any:
        body = json.loads(text(Answer("NodeMetrics", "v1", [[item]], resource_version=of_list)))
        return body["items"][0]["metadata"]["resourceVersion"]

    assert version(node, "1") == version(node, "2")
    assert version(node, "1") != version(later, "1")


def test_foreign_names_are_escaped() -> None:
    """A container name that a kubelet invented cannot break out of its string."""
    usage = PodUsage(0, 0, (ContainerUsage('a","x":"<\n', 0, 0),))
    assert b'"name":"a\\",\\"x\\":\\"\\u003c\\n"' in fragment(Pod("ns", "p"), usage)


AMOUNTS = st.integers(0, 1 << 62)


@given(st.text(max_size=10), AMOUNTS, AMOUNTS, st.integers(0, 1 << 41), st.integers(0, 1 << 62))
def test_any_node_is_json(name: str, nanocores: int, memory: int, time_ms: int, window_ns: int) -> None:
    """Whatever the numbers and the name, the fragment is one JSON object with the API's fields in order."""
    usage = NodeUsage(time_ms, window_ns, nanocores, memory)
    decoded = json.loads(fragment(Node(name, created=name), usage))
    assert list(decoded) == ["metadata", "timestamp", "window", "usage"]
    assert decoded["metadata"]["resourceVersion"] == str(time_ms)
