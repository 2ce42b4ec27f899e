from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.api.encoding import Answer, Item, encode
from kubevitals.api.encoding.table import totals
from kubevitals.api.negotiation import Choice, Media, Transform
from kubevitals.model import ContainerUsage, PodUsage

COLUMNS = (
    '"columnDefinitions":[{"name":"Name","type":"string","format":"name","description":"Name of the resource",'
    '"priority":0},{"name":"cpu","type":"string","format":"quantity","description":"","priority":0},'
    '{"name":"memory","type":"string","format":"quantity","description":"","priority":0},'
    '{"name":"Window","type":"string","format":"duration","description":"","priority":0}]'
)
METADATA = (
    '{"name":"shop-1","namespace":"default","resourceVersion":"1767225600500",'
    '"creationTimestamp":"2026-01-01T00:00:31Z","labels":{"app":"shop","tier":"1"}}'
)


def table(answer: Answer, include_object: str = "Metadata", version: str = "v1", media: Media = "json") -> str:
    choice = Choice(media, Transform("Table", "meta.k8s.io", version), include_object=include_object)
    return b"".join(encode(answer, choice)).decode()


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_pods(pod: Item, version: str) -> None:
    """A pod's row has its name, the sums over its containers, its window and its metadata."""
    answer = Answer("PodMetrics", "v1beta1", [[pod]], resource_version="7")
    assert table(answer, version=version) == (
        f'{{"kind":"Table","apiVersion":"meta.k8s.io/{version}","metadata":{{"resourceVersion":"7"}},'
        + COLUMNS
        + ',"rows":[{"cells":["shop-1","13845678n","2214592513","15.003s"],"object":'
        + f'{{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/{version}","metadata":{METADATA}}}}}]}}\n'
    )


def test_node(node: Item) -> None:
    """A single node is a Table of one row, with the node's own version."""
    content = json.loads(table(Answer("NodeMetrics", "v1", [[node]], single=True, resource_version="7")))
    assert content["metadata"] == {"resourceVersion": "1767225600999"}
    assert [row["cells"] for row in content["rows"]] == [["n1", "250m", "12240Ki", "10.01s"]]


def test_include_none(pod: Item) -> None:
    """A row can do without its object."""
    body = table(Answer("PodMetrics", "v1", [[pod]]), "None")
    assert body.endswith('"rows":[{"cells":["shop-1","13845678n","2214592513","15.003s"],"object":null}]}\n')


def test_include_object(pod: Item) -> None:
    """A row can carry its whole object, with kind and apiVersion, from which kubectl sorts."""
    answer = Answer("PodMetrics", "v1beta1", [[pod]], resource_version="7")
    single = Answer("PodMetrics", "v1beta1", [[pod]], single=True, resource_version="7")
    row: Any = json.loads(table(answer, "Object"))["rows"][0]
    assert row["object"] == json.loads(b"".join(encode(single, Choice())))


def test_empty() -> None:
    """An empty Table has neither columns nor rows, at which kubectl says that nothing was found."""
    assert table(Answer("PodMetrics", "v1", [], resource_version="7")) == (
        '{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"7"},'
        '"columnDefinitions":null,"rows":null}\n'
    )


def test_yaml_is_the_same_document(pod: Item) -> None:
    """YAML and JSON of the same Table say the same, also when it is empty."""
    for answer in (Answer("PodMetrics", "v1", [[pod, pod]], resource_version="7"), Answer("PodMetrics", "v1", [])):
        assert yaml.safe_load(table(answer, media="yaml")) == json.loads(table(answer))


@given(st.lists(st.tuples(st.integers(0, 1 << 62), st.integers(0, 1 << 62)), max_size=5))
def test_totals_are_exact(amounts: list[tuple[int, int]]) -> None:
    """Sums over containers are exact, however large."""
    usage = PodUsage(0, 0, tuple(ContainerUsage("c", cpu, memory) for cpu, memory in amounts))
    assert totals(usage) == (sum(cpu for cpu, _ in amounts), sum(memory for _, memory in amounts))
