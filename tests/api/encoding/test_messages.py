from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubevitals.api import discovery, status
from kubevitals.api.encoding import encode_document, encode_status
from kubevitals.api.list_options import Cause
from kubevitals.api.negotiation import Choice

PROTOBUF = Choice("protobuf")

Unwrap = Callable[[bytes], tuple[str, str, bytes]]
Fields = Callable[[bytes], list[tuple[int, Any]]]


def test_status_bytes() -> None:
    """A Status is, byte for byte, what a Go client decodes as the error to print."""
    failure = status.node_not_found("nx")
    message = (
        b"\x0a\x00"  # metadata
        b"\x12\x07Failure"
        b'\x1a\x13node "nx" not found'
        b"\x22\x08NotFound"
        b"\x2a\x0a\x0a\x02nx\x1a\x04node"  # details: name, kind
        b"\x30\x94\x03"  # 404
    )
    head = b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Status\x12" + bytes([len(message)])
    assert encode_status(failure, PROTOBUF) == head + message


def test_status_with_causes(fields: Fields, unwrap: Unwrap) -> None:
    """Causes are messages of their own within the details."""
    failure = status.invalid_list_options([Cause("limit", "FieldValueInvalid", "no")])
    parts = dict(fields(unwrap(encode_status(failure, PROTOBUF))[2]))
    details = dict(fields(parts[5]))
    assert (details[2], details[3]) == (b"meta.k8s.io", b"ListOptions")
    assert dict(fields(details[4])) == {1: b"FieldValueInvalid", 2: b"no", 3: b"limit"}


def test_status_without_details(fields: Fields, unwrap: Unwrap) -> None:
    """What a Status leaves out in JSON it leaves out here."""
    message = unwrap(encode_status(status.unauthorized(), PROTOBUF))[2]
    assert [number for number, _ in fields(message)] == [1, 2, 3, 4, 6]


def test_resource_list(fields: Fields, unwrap: Unwrap) -> None:
    """Verbs are wrapped in a message of their own, and false and empty fields are left out."""
    document = encode_document(discovery.api_resource_list("v1beta1"), PROTOBUF)
    api_version, kind, message = unwrap(document)
    assert (api_version, kind) == ("v1", "APIResourceList")
    group_version, nodes, pods = fields(message)
    assert group_version == (1, b"metrics.k8s.io/v1beta1")
    verbs = b"\x0a\x03get\x0a\x04list"
    assert fields(nodes[1]) == [(1, b"nodes"), (3, b"NodeMetrics"), (4, verbs)]
    assert fields(pods[1]) == [(1, b"pods"), (2, 1), (3, b"PodMetrics"), (4, verbs)]


def test_group(fields: Fields, unwrap: Unwrap) -> None:
    """A group names its versions in order, and the preferred one again."""
    _, kind, message = unwrap(encode_document(discovery.api_group(), PROTOBUF))
    assert kind == "APIGroup"
    name, first, second, preferred = fields(message)
    assert name == (1, b"metrics.k8s.io")
    assert dict(fields(first[1])) == {1: b"metrics.k8s.io/v1beta1", 2: b"v1beta1"}
    assert dict(fields(second[1])) == {1: b"metrics.k8s.io/v1", 2: b"v1"}
    assert preferred == (3, first[1])


def test_group_list(fields: Fields, unwrap: Unwrap) -> None:
    """The list of groups has no apiVersion and carries the server's address."""
    api_version, kind, message = unwrap(encode_document(discovery.api_group_list(":10250"), PROTOBUF))
    assert (api_version, kind) == ("", "APIGroupList")
    ((number, group),) = fields(message)
    assert number == 1
    assert dict(fields(dict(fields(group))[4])) == {1: b"0.0.0.0/0", 2: b":10250"}


def test_aggregated(fields: Fields, unwrap: Unwrap) -> None:
    """Aggregated discovery nests group, versions and resources."""
    api_version, kind, message = unwrap(encode_document(discovery.aggregated("v2"), PROTOBUF))
    assert (api_version, kind) == ("apidiscovery.k8s.io/v2", "APIGroupDiscoveryList")
    _, (_, group) = fields(message)
    metadata, first, _ = fields(group)
    assert metadata == (1, b"\x0a\x0emetrics.k8s.io")
    version, nodes, _, freshness = fields(first[1])
    assert (version, freshness) == ((1, b"v1beta1"), (3, b"Current"))
    assert fields(nodes[1]) == [
        (1, b"nodes"),
        (2, b"\x1a\x0bNodeMetrics"),
        (3, b"Cluster"),
        (5, b"get"),
        (5, b"list"),
    ]
