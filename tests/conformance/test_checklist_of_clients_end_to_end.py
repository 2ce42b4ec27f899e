"""The checklist of what clients need, 37 to 40: what whole programs do, request by request, through the API server.

What several releases of the real kubectl print is in tests/kubectl, and a real autoscaler is in tests/e2e.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from tests.conformance.programs import (
    AUTOSCALER,
    DISCOVERY_V2,
    DISCOVERY_V2BETA1,
    GENERATED,
    GET,
    GET_AS_JSON,
    GET_RAW,
    TOP,
    TOP_WITHOUT_PROTOBUF,
    kubectl,
)
from tests.conformance.wire import (
    BETA,
    JSON,
    NODES,
    PODS,
    PROTOBUF,
    STABLE,
    Line,
    Reply,
    Wire,
    accept,
    pods_in,
    through_aggregator,
)
from tests.whole.waiting import eventually
from tests.whole.world import LOADS, MI, NODE_NAMES, OVERHEAD, World, running, serving, simulated

from kubevitals.quantity import parse_cpu, parse_duration, parse_memory
from kubevitals.simulator.faults import KubeletFault
from kubevitals.simulator.workload import Steady

pytestmark = pytest.mark.asyncio(loop_scope="module")

DISCOVERIES = {
    25: f"{JSON}, */*",
    27: f"{DISCOVERY_V2BETA1},{JSON}",
    33: f"{DISCOVERY_V2},{DISCOVERY_V2BETA1},{JSON}",
    37: f"{DISCOVERY_V2},{JSON}",
}


def millicores(usage: dict[str, str]) -> int:
    """CPU to the nearest millicore; clients round up, but a counter of seconds is read to the nanosecond only."""
    return round(parse_cpu(usage["cpu"]) / 10**6)


def mebibytes(usage: dict[str, str]) -> int:
    return parse_memory(usage["memory"]) // MI


async def test_checklist_of_clients_37_kubectl_gets_what_it_prints(world: World) -> None:
    """Each form of top and get finds, in the answers to exactly its requests, the values that it is to show."""
    await world.cluster.wait_available()
    asker = through_aggregator(world)
    for minor, value in DISCOVERIES.items():
        assert await first_version(asker, kubectl("top", value, minor)) == "v1beta1"
    nodes = {
        name: (
            cpu + sum(load[0] for key, load in LOADS.items() if key[0] == name),
            memory + sum(load[1] for key, load in LOADS.items() if key[0] == name),
        )
        for name, (cpu, memory) in OVERHEAD.items()
    }
    for base in (BETA, STABLE):
        for lines, form in ((TOP, PROTOBUF), (GENERATED, PROTOBUF), (TOP_WITHOUT_PROTOBUF, JSON)):
            listed = await asker.get(f"{base}/nodes", *lines)
            assert listed.type == form
            assert {item["metadata"]["name"]: used(item["usage"]) for item in listed.document["items"]} == nodes
            single = await asker.get(f"{base}/nodes/node-2", *lines)
            assert used(single.document["usage"]) == nodes["node-2"]
            every = await asker.get(f"{base}/pods", *lines)
            assert containers(every) == {key[1:]: load for key, load in LOADS.items()}
            chosen = await asker.get(f"{base}/namespaces/shop/pods?labelSelector=app%3Dtill", *lines)
            assert list(containers(chosen)) == [("shop", "till-0", "till")]
            one = await asker.get(f"{base}/namespaces/shop/pods/cart-0", *lines)
            assert [used(box["usage"]) for box in one.document["containers"]] == [(150, 64), (20, 16)]
    by_field = await asker.get(f"{pods_in('shop')}?fieldSelector=metadata.name%3Dcart-0", *TOP)
    assert [key[1] for key in containers(by_field)] == ["cart-0", "cart-0"]
    for path, query in ((NODES, "?limit=500"), (PODS, "?limit=500"), (pods_in("shop"), ""), (f"{NODES}/node-1", "")):
        table = await asker.get(path + query, *GET)
        assert [column["name"] for column in table.document["columnDefinitions"]] == ["Name", "cpu", "memory", "Window"]
        assert (await asker.get(f"{path}?includeObject=Object", *GET)).document["rows"][0]["object"]["timestamp"]
        for lines in (GET_AS_JSON, GET_RAW):
            document = (await asker.get(path + query, *lines)).document
            assert document["kind"].endswith("List") is ("items" in document)
            assert document["apiVersion"] == "metrics.k8s.io/v1beta1"
            assert "continue" not in document["metadata"]
    watch = await asker.get(f"{PODS}?watch=true&resourceVersion=1", *GET)
    deleted = await asker.get(f"{pods_in('shop')}/cart-0", *kubectl("delete", JSON), method="DELETE")
    assert (watch.code, watch.document["reason"]) == (405, "MethodNotAllowed")
    assert (deleted.code, deleted.document["reason"]) == (405, "MethodNotAllowed")


def used(usage: dict[str, str]) -> tuple[int, int]:
    """Millicores and MiB, as kubectl prints them."""
    return millicores(usage), mebibytes(usage)


def containers(reply: Reply) -> dict[tuple[str, str, str], tuple[int, int]]:
    return {
        (item["metadata"]["namespace"], item["metadata"]["name"], box["name"]): used(box["usage"])
        for item in reply.document["items"]
        for box in item["containers"]
    }


async def first_version(asker: Wire, lines: list[Line]) -> str | None:
    """The first version of the group that is not stale in the discovery that a release asks for; None without one."""
    reply = await asker.get("/apis", *lines)
    document = reply.document
    if document["kind"] == "APIGroupList":
        found = [group["versions"] for group in document["groups"] if group["name"] == "metrics.k8s.io"]
        return found[0][0]["version"] if found else None
    found = [item["versions"] for item in document["items"] if item["metadata"]["name"] == "metrics.k8s.io"]
    fresh = [version["version"] for version in (found[0] if found else []) if version["freshness"] == "Current"]
    return fresh[0] if fresh else None


async def test_checklist_of_clients_38_every_bad_state_has_its_own_answer() -> None:
    """No data, not registered, and down are told apart by what kubectl tells them apart by, and all of them pass."""
    discovery = kubectl("top", DISCOVERIES[33])
    async with simulated() as cluster:
        for kubelet in cluster.fleet:
            kubelet.fault = KubeletFault.ERROR
        async with serving(cluster) as world:
            asker = through_aggregator(world)
            await cluster.wait_available()
            await world.log.line("Nodes and pods are known")
            empty, missing = await asker.get(NODES, *TOP), await asker.get(f"{NODES}/node-1", *TOP)
            assert (empty.code, empty.names) == (200, []), '"metrics not available yet"'
            assert (missing.code, missing.message) == (404, 'nodemetrics.metrics.k8s.io "node-1" not found')
            assert (await asker.get(pods_in("shop"), *TOP)).names == []
            for kubelet in cluster.fleet:
                kubelet.fault = None
            await eventually(lambda: lists(asker, NODE_NAMES))
            cluster.unregister()
            assert await first_version(asker, discovery) is None, '"Metrics API not available"'
            cluster.register("127.0.0.1", world.port, ca=cluster.authority.pem)
            await cluster.wait_available()
            await eventually(lambda: lists(asker, NODE_NAMES))
            world.server.stop()
            await world.task
            down = await asker.get(NODES, *TOP)
            assert down.code == 503, '"the server is currently unable to handle the request"'
        async with serving(cluster) as world:
            await world.measured()
            await eventually(lambda: lists(asker, NODE_NAMES))


async def lists(asker: Wire, names: list[str]) -> bool:
    reply = await asker.get(NODES, *TOP)
    return reply.code == 200 and reply.names == names


async def test_checklist_of_clients_39_the_autoscaler_reads_pods_that_are_whole(world: World) -> None:
    """By selector, for CPU, memory and one container, with times and windows; never a pod with a container short."""
    await world.cluster.wait_available()
    asker = through_aggregator(world, "system:serviceaccount:kube-system:horizontal-pod-autoscaler")
    reply = await asker.get(f"{pods_in('shop')}?labelSelector=app%3Dcart", *AUTOSCALER)
    assert (reply.type, len(reply.document["items"])) == (PROTOBUF, 1)
    item = reply.document["items"][0]
    assert sum(millicores(box["usage"]) for box in item["containers"]) == 170
    assert sum(mebibytes(box["usage"]) for box in item["containers"]) == 80
    assert {box["name"]: millicores(box["usage"]) for box in item["containers"]}["proxy"] == 20
    assert parse_duration(item["window"]) > 0
    assert (await asker.get(f"{pods_in('shop')}?labelSelector=app+notin+(x),!y", *AUTOSCALER)).names == [
        "cart-0", "till-0",
    ]  # fmt: skip
    assert (await asker.get(f"{pods_in('shop')}?labelSelector=app%3Dnothing", *AUTOSCALER)).names == []
    missing = 0
    world.cluster.pods.machine("node-1").set_usage("shop", "cart-0", "proxy", Steady(time.time() - 1, 10**7, MI))

    async def came_back() -> bool:
        nonlocal missing
        found = (await asker.get(f"{pods_in('shop')}?labelSelector=app%3Dcart", *AUTOSCALER)).document["items"]
        assert all([box["name"] for box in each["containers"]] == ["cart", "proxy"] for each in found), found
        missing += not found
        return bool(found and missing)

    await until(came_back)


async def until(probe: Any) -> None:
    """Ask until the answer is true; unlike ``eventually`` a failed assertion ends it."""
    async with asyncio.timeout(20):
        while not await probe():
            await asyncio.sleep(0.02)


async def test_checklist_of_clients_40_namespaces_can_be_deleted() -> None:
    """Without data, and while it is busy, discovery is whole and promises nothing that would have to be deleted."""
    async with simulated() as cluster:
        for kubelet in cluster.fleet:
            kubelet.fault = KubeletFault.SILENT
        async with serving(cluster) as world:
            await cluster.wait_available()
            asker = through_aggregator(world, "system:serviceaccount:kube-system:namespace-controller")
            await assert_discoverable(asker)
        for kubelet in cluster.fleet:
            kubelet.fault = None
    async with running(resolution=1.0) as world:
        await world.measured()
        await world.cluster.wait_available()
        asker = through_aggregator(world)
        async with asyncio.TaskGroup() as group:
            busy = [group.create_task(asker.get(PODS)) for _ in range(30)]
            await assert_discoverable(asker)
        assert {task.result().code for task in busy} == {200}


async def assert_discoverable(asker: Wire) -> None:
    """The group is there in every form of discovery, and nothing of it can be deleted, watched or created."""
    for value in DISCOVERIES.values():
        assert await first_version(asker, [accept(value)]) == "v1beta1"
    for path in (BETA, STABLE):
        reply = await asker.get(f"{path}?timeout=32s", accept(f"{JSON}, */*"))
        assert reply.code == 200
        assert [resource["verbs"] for resource in reply.document["resources"]] == [["get", "list"]] * 2
