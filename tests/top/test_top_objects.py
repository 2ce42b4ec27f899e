"""What API servers send, decoded."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.errors import ApiServerError
from kubevitals.top import objects
from kubevitals.top.model import Amounts, Bounds, Container, Node, NodeUse, PodUse, Use

MI, MILLI = 1 << 20, 10**6


def body(*items, rest=""):
    return json.dumps({"kind": "List", "metadata": {"continue": rest}, "items": list(items)}).encode()


def pod(spec, **metadata):
    return {"metadata": {"name": "p", "namespace": "ns", **metadata}, "spec": spec, "status": {"phase": "Running"}}


def box(name="c", cpu=None, memory=None, limit=None, **more):
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    return {"name": name, "resources": {"requests": requests, "limits": limit or {}}, **more}


def decoded(item):
    return objects.pods(body(item)).items[0]


def test_nodes():
    """Allocatable and creation are kept, and where the list goes on."""
    item = {
        "metadata": {"name": "n", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "status": {"allocatable": {"cpu": "3920m", "memory": "15Gi", "pods": "110"}},
    }
    assert objects.nodes(body(item, rest="more")) == (
        [Node("n", Amounts(3920 * MILLI, 15 << 30), 1767225600.0)],
        "more",
    )


def test_metrics_of_nodes():
    """Use in base units, and the window in nanoseconds."""
    usage = {"cpu": "156340093n", "memory": "2048Ki", "swap": "0"}
    item = {"metadata": {"name": "n"}, "timestamp": "2026-01-01T00:00:00Z", "window": "14.7s", "usage": usage}
    expected = Use(156340093, 2 * MI, 1767225600.0, 14_700_000_000)
    assert objects.node_uses(body(item)).items == [NodeUse("n", expected)]


def test_metrics_of_pods():
    """Each container has its own use; time and window are the pod's."""
    containers = [{"name": "a", "usage": {"cpu": "1", "memory": "1Mi"}}, {"name": "b", "usage": {"cpu": "2m"}}]
    item = {"metadata": {"name": "p", "namespace": "ns"}, "timestamp": "2026-01-01T00:00:00Z", "containers": containers}
    first, second = Use(10**9, MI, 1767225600.0), Use(2 * MILLI, None, 1767225600.0)
    assert objects.pod_uses(body(item)).items == [PodUse("ns", "p", (("a", first), ("b", second)))]


@pytest.mark.parametrize(
    "item",
    [
        {"metadata": {"name": "x"}},
        {"metadata": {"name": "x"}, "usage": None, "containers": None, "timestamp": None, "window": None},
        {"metadata": {"name": "x"}, "usage": {"cpu": "many"}, "timestamp": "yesterday", "window": "long"},
    ],
)
def test_what_is_missing_or_odd_is_unknown(item):
    """Adapters leave out what they lack; one odd value does not spoil the rest."""
    assert objects.node_uses(body(item)).items == [NodeUse("x", Use())]
    assert objects.pod_uses(body(item)).items == [PodUse("", "x", ())]


def test_an_empty_list_may_be_null():
    """Go writes an empty list as null."""
    assert objects.pods(b'{"metadata":null,"items":null}') == ([], "")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_a_refusal(data):
    """Whatever answers in the API server's place, no other error comes of it."""
    for decode in (objects.nodes, objects.pods, objects.node_uses, objects.pod_uses):
        with contextlib.suppress(ApiServerError):
            assert isinstance(decode(data).items, list)


@pytest.mark.parametrize(
    ("owners", "labels", "expected"),
    [
        (None, {}, "Pod/p"),
        ([{"kind": "Foo", "name": "watcher"}], {}, "Pod/p"),
        ([{"kind": "DaemonSet", "name": "proxy", "controller": True}], {}, "DaemonSet/proxy"),
        (
            [{"kind": "ReplicaSet", "name": "cart-5d8f7", "controller": True}],
            {"pod-template-hash": "5d8f7"},
            "Deployment/cart",
        ),
        ([{"kind": "ReplicaSet", "name": "cart-5d8f7", "controller": True}], {}, "ReplicaSet/cart-5d8f7"),
        (
            [{"kind": "ReplicaSet", "name": "by-hand", "controller": True}],
            {"pod-template-hash": "5d8f7"},
            "ReplicaSet/by-hand",
        ),
    ],
)
def test_owners(owners, labels, expected):
    """The controller counts; a ReplicaSet named after its pods' template hash belongs to a Deployment."""
    assert decoded(pod({}, ownerReferences=owners, labels=labels)).owner == expected


def test_requests_are_added_up_and_limits_only_where_all_have_one():
    """What one container may take without end, the pod may."""
    found = decoded(
        pod(
            {
                "containers": [
                    box("a", "100m", "64Mi", {"cpu": "1", "memory": "1Gi"}),
                    box("b", "50m", None, {"cpu": "1"}),
                ]
            }
        )
    )
    assert found.bounds == Bounds(Amounts(150 * MILLI, 64 * MI), Amounts(2000 * MILLI, None))
    assert found.reserved.limits == Amounts(2000 * MILLI, 1 << 30)


def test_sidecars_run_and_init_containers_do_not():
    """A sidecar counts as running; the scheduler also makes room for the greatest init container."""
    init = [box("side", "100m", restartPolicy="Always"), box("migrate", "2")]
    found = decoded(pod({"containers": [box("main", "500m")], "initContainers": init}))
    assert [container.name for container in found.containers] == ["side", "main"]
    assert found.bounds.requests.cpu == 600 * MILLI
    assert found.reserved.requests.cpu == 2100 * MILLI


def test_overhead_is_reserved_but_does_not_run():
    """It counts against limits only where there are any."""
    spec = {"containers": [box("c", "1", None, {"cpu": "2"})], "overhead": {"cpu": "250m", "memory": "120Mi"}}
    found = decoded(pod(spec))
    assert found.bounds.requests == Amounts(1000 * MILLI)
    assert found.reserved == Bounds(Amounts(1250 * MILLI, 120 * MI), Amounts(2250 * MILLI, None))


def test_what_a_pod_sets_replaces_its_containers_sum():
    """Resources of the pod itself win, one by one."""
    own = {"requests": {"cpu": "2"}, "limits": {"memory": "1Gi"}}
    found = decoded(pod({"containers": [box("c", "1", "64Mi")], "resources": own}))
    assert found.bounds == Bounds(Amounts(2000 * MILLI, 64 * MI), Amounts(None, 1 << 30))
    assert found.containers == (Container("c", Bounds(Amounts(1000 * MILLI, 64 * MI))),)
