from __future__ import annotations

import hashlib
import json

import pytest

from kubevitals.api import discovery
from kubevitals.api.encoding import encode_document
from kubevitals.api.negotiation import Choice, Transform

V1BETA1 = '{"groupVersion":"metrics.k8s.io/v1beta1","version":"v1beta1"}'
V1 = '{"groupVersion":"metrics.k8s.io/v1","version":"v1"}'
RESOURCES = (
    '[{"resource":"nodes","responseKind":{"group":"","version":"","kind":"NodeMetrics"},"scope":"Cluster",'
    '"singularResource":"","verbs":["get","list"]},'
    '{"resource":"pods","responseKind":{"group":"","version":"","kind":"PodMetrics"},"scope":"Namespaced",'
    '"singularResource":"","verbs":["get","list"]}]'
)


def aggregated(version: str) -> Choice:
    return Choice(transform=Transform("APIGroupDiscoveryList", "apidiscovery.k8s.io", version))


def test_group_list() -> None:
    """``/apis`` names the group with both versions, v1beta1 first and preferred, and has no apiVersion."""
    body, etag = discovery.groups_document(Choice(), ":10250")
    assert etag == ""
    assert body.decode() == (
        f'{{"kind":"APIGroupList","groups":[{{"name":"metrics.k8s.io","versions":[{V1BETA1},{V1}],'
        f'"preferredVersion":{V1BETA1},'
        '"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":":10250"}]}]}\n'
    )


def test_group() -> None:
    """``/apis/metrics.k8s.io`` names both versions, v1beta1 first and preferred."""
    assert encode_document(discovery.api_group(), Choice()).decode() == (
        f'{{"kind":"APIGroup","apiVersion":"v1","name":"metrics.k8s.io","versions":[{V1BETA1},{V1}],'
        f'"preferredVersion":{V1BETA1}}}\n'
    )


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
def test_resource_list(version: str) -> None:
    """A version lists two resources with no singular names and no other verbs than get and list."""
    assert encode_document(discovery.api_resource_list(version), Choice()).decode() == (
        f'{{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"metrics.k8s.io/{version}","resources":['
        '{"name":"nodes","singularName":"","namespaced":false,"kind":"NodeMetrics","verbs":["get","list"]},'
        '{"name":"pods","singularName":"","namespaced":true,"kind":"PodMetrics","verbs":["get","list"]}]}\n'
    )


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
def test_aggregated(version: str) -> None:
    """The aggregated document holds everything and is labelled with the version that was asked for."""
    body, _ = discovery.groups_document(aggregated(version), ":10250")
    assert body.decode() == (
        f'{{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/{version}","metadata":{{}},"items":['
        '{"metadata":{"name":"metrics.k8s.io","creationTimestamp":null},"versions":['
        f'{{"version":"v1beta1","resources":{RESOURCES},"freshness":"Current"}},'
        f'{{"version":"v1","resources":{RESOURCES},"freshness":"Current"}}]}}]}}\n'
    )


def test_aggregated_etag() -> None:
    """The tag is the hash of the compact document, whatever form it is sent in."""
    body, etag = discovery.groups_document(aggregated("v2"), ":10250")
    assert etag == f'"{hashlib.sha512(body.rstrip()).hexdigest().upper()}"'
    pretty = Choice(transform=aggregated("v2").transform, pretty=True)
    assert discovery.groups_document(pretty, ":1")[1] == etag
    assert discovery.groups_document(aggregated("v2beta1"), ":1")[1] != etag


def test_root_paths() -> None:
    """The paths are sorted and indented, without a final newline."""
    assert discovery.root_paths(["/b", "/a"]) == b'{\n  "paths": [\n    "/a",\n    "/b"\n  ]\n}'


def test_versions_agree() -> None:
    """Every version that discovery names has a resource list of its own."""
    for version in discovery.VERSIONS:
        document = json.loads(encode_document(discovery.api_resource_list(version), Choice()))
        assert document["groupVersion"] == f"{discovery.GROUP}/{version}"
