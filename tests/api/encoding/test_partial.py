from __future__ import annotations

import json

import pytest
import yaml

from kubevitals.api.encoding import Answer, Item, encode
from kubevitals.api.negotiation import Choice, Transform

METADATA = (
    '"metadata":{"name":"shop-1","namespace":"default","resourceVersion":"1767225600500",'
    '"creationTimestamp":"2026-01-01T00:00:31Z","labels":{"app":"shop","tier":"1"}}'
)


def meta(kind: str, version: str) -> Transform:
    return Transform(kind, "meta.k8s.io", version)


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_one_object(pod: Item, version: str) -> None:
    """One object's metadata carries the version of the metadata's own group."""
    answer = Answer("PodMetrics", "v1beta1", [[pod]], single=True, resource_version="7")
    body = b"".join(encode(answer, Choice(transform=meta("PartialObjectMetadata", version))))
    head = f'{{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/{version}",'
    assert body.decode() == head + METADATA + "}\n"


def test_list(pod: Item) -> None:
    """Items of a metadata list have kind and apiVersion, as the API server gives them."""
    answer = Answer("PodMetrics", "v1beta1", [[pod, pod]], resource_version="7")
    body = b"".join(encode(answer, Choice(transform=meta("PartialObjectMetadataList", "v1"))))
    head = '{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1",'
    assert body.decode() == (
        '{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"7"},'
        '"items":[' + head + METADATA + "}," + head + METADATA + "}]}\n"
    )


def test_empty_list() -> None:
    """An empty metadata list has null for its items, as the API server's has."""
    answer, transform = Answer("PodMetrics", "v1", []), meta("PartialObjectMetadataList", "v1")
    head = '{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{},'
    assert b"".join(encode(answer, Choice(transform=transform))).decode() == head + '"items":null}\n'
    assert b"items: null\n" in b"".join(encode(answer, Choice("yaml", transform)))


def test_yaml_is_the_same_document(pod: Item) -> None:
    """YAML and JSON of the same answer say the same."""
    answer = Answer("PodMetrics", "v1beta1", [[pod, pod]], resource_version="7")
    transform = meta("PartialObjectMetadataList", "v1")
    in_json = b"".join(encode(answer, Choice(transform=transform)))
    in_yaml = b"".join(encode(answer, Choice("yaml", transform)))
    assert yaml.safe_load(in_yaml) == json.loads(in_json)
