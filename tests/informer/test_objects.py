"""informer.objects: what the API server sends, read into the few fields that are kept."""

from __future__ import annotations

import gc
import json

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubevitals.errors import ApiServerError
from kubevitals.informer.objects import (
    ConfigMap,
    Page,
    decode_config_map,
    decode_config_map_list,
    decode_node,
    decode_node_list,
    decode_pod,
    decode_pod_list,
)
from kubevitals.model import NO_LABELS, Address, Capacity, Labels, Node

# As a 1.20 API server wrote it, with what we do not read left in.
NODE = {
    "kind": "Node",
    "apiVersion": "v1",
    "metadata": {
        "name": "node-a",
        "selfLink": "/api/v1/nodes/node-a",
        "uid": "0b6f",
        "resourceVersion": "812",
        "creationTimestamp": "2020-12-08T12:00:00Z",
        "labels": {"kubernetes.io/os": "linux", "zone": "a"},
        "annotations": {
            "metrics.k8s.io/resource-metrics-path": "/fleet/node-a/metrics/resource",
            "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        },
        "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:metadata": {}}}],
    },
    "spec": {"podCIDR": "10.0.0.0/24", "taints": [{"key": "a", "effect": "NoSchedule"}]},
    "status": {
        "capacity": {"cpu": "4", "memory": "8Gi"},
        "conditions": [
            {"type": "MemoryPressure", "status": "False"},
            {"type": "Ready", "status": "True", "lastHeartbeatTime": "2020-12-08T12:00:00Z"},
        ],
        "addresses": [
            {"type": "InternalIP", "address": "10.0.0.1"},
            {"type": "Hostname", "address": "node-a"},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "images": [{"names": ["x"], "sizeBytes": 1}],
    },
}


def encode(value):
    return json.dumps(value, separators=(",", ":")).encode()


def node(**changes):
    return encode(NODE | changes)


def test_a_node_keeps_what_is_scraped_and_served(labels):
    """Addresses, port, path, readiness and labels; the rest is left behind."""
    item, version = decode_node(encode(NODE), labels)

    assert version == "812"
    assert (item.labels.json, item.labels.pairs["zone"]) == (b'{"kubernetes.io/os":"linux","zone":"a"}', "a")
    assert item == Node(
        name="node-a",
        labels=item.labels,
        created="2020-12-08T12:00:00Z",
        addresses=(Address("InternalIP", "10.0.0.1"), Address("Hostname", "node-a")),
        kubelet_port=10250,
        metrics_path="/fleet/node-a/metrics/resource",
        ready=True,
        terminating=False,
        capacity=Capacity(4_000_000_000, 8 << 30),
    )


@pytest.mark.parametrize(
    ("capacity", "expected"),
    [
        (None, (0, 0)),
        ({}, (0, 0)),
        ({"cpu": "1500m", "memory": "16393244Ki", "pods": "110"}, (1_500_000_000, 16393244 << 10)),
        ({"cpu": 2, "memory": "1G"}, (2_000_000_000, 10**9)),
        ({"cpu": "many", "memory": ""}, (0, 0)),
        ({"cpu": "-4", "memory": "-1Gi"}, (0, 0)),
    ],
)
def test_a_nodes_capacity_is_known_or_unknown(labels, capacity, expected):
    """What cannot be read bounds nothing; a node is not lost for it."""
    assert decode_node(node(status={"capacity": capacity}), labels).item.capacity == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata": {"name": "bare"}, "status": None},
        {"metadata": {"name": "bare", "labels": None, "annotations": None, "creationTimestamp": None}},
        {"metadata": {"name": "bare", "labels": {}}, "status": {"addresses": None, "conditions": None}},
        {"metadata": {"name": "bare"}, "status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}}},
        {"metadata": {"name": "bare"}, "status": {"daemonEndpoints": {}}},
        {"metadata": {"name": "bare"}, "status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": -1}}}},
        {"metadata": {"name": "bare"}, "status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 65536}}}},
        {"metadata": {"name": "bare"}, "status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 1 << 70}}}},
    ],
)
def test_a_node_may_be_almost_empty(labels, changes):
    """Missing, null and empty are the same, and a port that cannot be one is none."""
    item, version = decode_node(node(**({"status": {}} | changes)), labels)

    assert (item, version) == (Node(name="bare", ready=False), "")
    assert item.labels is NO_LABELS


@pytest.mark.parametrize(("status", "ready"), [("True", True), ("False", False), ("Unknown", False)])
def test_a_node_is_ready_when_its_condition_says_true(labels, status, ready):
    """Unknown is what the node controller writes when the kubelet has gone silent."""
    body = node(status={"conditions": [{"type": "Ready", "status": status}]})

    assert decode_node(body, labels).item.ready is ready


def test_a_node_that_is_being_deleted_is_terminating(labels):
    """DeletionTimestamp is set."""
    body = node(metadata={"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"})

    assert decode_node(body, labels).item.terminating is True


def test_a_pod_is_read_from_metadata_or_from_the_whole_object(labels):
    """PartialObjectMetadata and Pod look the same to us."""
    meta = {"name": "web", "namespace": "team", "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"a": "b"}}
    whole = {"metadata": meta, "spec": {"containers": []}, "status": {"phase": "Running"}}
    found = [decode_pod(encode(body), labels).item for body in ({"metadata": meta}, whole)]

    assert [(pod.namespace, pod.name, pod.created, pod.labels.pairs) for pod in found] == [
        ("team", "web", "2026-01-01T00:00:00Z", {"a": "b"})
    ] * 2


def test_a_config_map_keeps_its_data():
    """BinaryData is not read."""
    body = {"metadata": {"name": "c", "namespace": "n", "resourceVersion": "3"}, "data": {"k": "v"}}

    assert decode_config_map(encode(body)) == (ConfigMap("n", "c", {"k": "v"}), "3")
    assert decode_config_map(encode(body | {"data": None})).item == ConfigMap("n", "c", {})


def test_a_page_tells_where_the_next_begins(labels):
    """The continue token is handed back as it came."""
    body = {
        "kind": "PartialObjectMetadataList",
        "metadata": {"resourceVersion": "9", "continue": "to==", "remainingItemCount": 5},
        "items": [{"metadata": {"name": "a", "namespace": "n"}}, {"metadata": {"name": "b", "namespace": "n"}}],
    }
    page = decode_pod_list(encode(body), labels)

    assert ([pod.name for pod in page.items], page.resource_version, page.continue_) == (["a", "b"], "9", "to==")


@pytest.mark.parametrize("items", [{"items": None}, {"items": []}, {}])
@pytest.mark.parametrize("decode", [decode_pod_list, decode_node_list])
def test_an_empty_list_may_be_null(labels, items, decode):
    """Go writes a nil slice as null."""
    page = decode(encode({"metadata": {"resourceVersion": "9"}, **items}), labels)

    assert (page.items, page.resource_version, page.continue_) == ([], "9", "")


def test_a_config_map_list_is_read():
    """It has no labels to share."""
    body = {"metadata": {"resourceVersion": "9"}, "items": [{"metadata": {"name": "c"}, "data": {}}]}

    assert decode_config_map_list(encode(body)).items == [ConfigMap("", "c", {})]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"metadata":{}}',
        b'{"metadata":{"name":7}}',
        b'{"metadata":{"name":"a","labels":[1]}}',
        b'{"metadata":{"name":"a","labels":"b"}}',
        b'{"metadata":{"name":"a","labels":{"a":}}}',
        b'{"metadata":{"name":"a"},"x":' + b"[" * 100_000,
        b'{"metadata":{"name":"\xff"}}',
    ],
)
def test_what_is_no_object_is_refused(labels, body):
    """As an error of the API server, whichever way it is broken."""
    with pytest.raises(ApiServerError, match="the API server sent"):
        decode_node(body, labels)


def test_labels_that_the_pool_refuses_are_an_error():
    """The pool parses labels when it sees them first, and may find that values are no text."""

    def strict(raw):
        return Labels(raw, msgspec.json.decode(raw, type=dict[str, str]))

    with pytest.raises(ApiServerError, match="unreadable labels"):
        decode_pod(b'{"metadata":{"name":"a","labels":{"b":1}}}', strict)


def test_a_page_does_not_keep_its_body_alive():
    """Labels are copied out of the body; a view would hold megabytes for a few bytes."""
    seen = []

    def keep(raw):
        seen.append(raw)
        return Labels(raw, {})

    body = bytearray(encode({"metadata": {}, "items": [{"metadata": {"name": "a", "labels": {"k": "v"}}}]}))
    decode_pod_list(body, keep)
    gc.collect()
    body.clear()  # a bytearray that something views cannot be resized

    assert seen == [b'{"k":"v"}']


def test_what_pods_have_in_common_is_held_once(labels):
    """Namespaces always, and times of creation within one page: replicas are made in the same second."""
    metas = [{"name": name, "namespace": "shop", "creationTimestamp": "2026-01-02T03:04:05Z"} for name in "abc"]
    pods = decode_pod_list(encode({"metadata": {}, "items": [{"metadata": meta} for meta in metas]}), labels).items

    assert len({(id(pod.namespace), id(pod.created)) for pod in pods}) == 1


def test_pods_are_no_work_for_the_garbage_collector():
    """There may be 150,000 of them, and each full collection would visit every one."""
    assert gc.is_tracked(decode_pod(b'{"metadata":{"name":"a"}}', lambda _: NO_LABELS).item) is False


@given(st.binary(max_size=200))
@example(b'{"metadata":{},"items":[{"metadata":{"name":"\xff"}}]}')
@example(b'{"metadata":{},"items":[{"metadata":{"name":"a","labels":{"\xff":1}}}]}')
def test_any_bytes_are_a_page_or_an_error(body):
    """Any bytes give a page or an ApiServerError."""
    try:
        found = decode_node_list(body, lambda raw: Labels(raw, {}))
    except ApiServerError as error:
        found = error

    assert isinstance(found, Page | ApiServerError)
