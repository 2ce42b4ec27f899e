"""The checklist of what clients need, 18 to 28: what is read, how it is chosen and refused, from the whole server."""

from __future__ import annotations

import re
import time

import pytest
from tests.conformance.additions import UNMEASURED_NODE, UNMEASURED_POD
from tests.conformance.wire import BETA, NODES, PODS, STABLE, Reply, Wire, master, pods_in
from tests.whole.waiting import eventually
from tests.whole.world import MI, NODE_NAMES, POD_NAMES, World, running

from kubevitals.quantity import parse_duration
from kubevitals.simulator.faults import KubeletFault
from kubevitals.simulator.kinds import PODS as POD_OBJECTS
from kubevitals.simulator.workload import Fixed, Reading

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CPU, MEMORY = re.compile(r"\d+(n|u|m)?"), re.compile(r"\d+([KMGTPE]i)?")
NOT_FOUND = "the server could not find the requested resource"
NOT_ALLOWED = "the server does not allow this method on the requested resource"


async def test_checklist_of_clients_18_nodes_come_by_name(world: World) -> None:
    """A list of nodes is an object with metadata and an array, sorted, in both versions."""
    for base, version in ((BETA, "v1beta1"), (STABLE, "v1")):
        document = (await master(world).get(f"{base}/nodes")).document
        assert (document["kind"], document["apiVersion"]) == ("NodeMetricsList", f"metrics.k8s.io/{version}")
        assert isinstance(document["metadata"], dict)
        assert [item["metadata"]["name"] for item in document["items"]] == NODE_NAMES


async def test_checklist_of_clients_19_pods_come_by_namespace_and_name(world: World) -> None:
    """All pods, those of one namespace, and of a namespace that does not exist an empty array."""
    every, shop, nowhere = await master(world).together(PODS, pods_in("shop"), pods_in("nowhere"))

    assert every.names == POD_NAMES
    assert [item["metadata"]["namespace"] for item in every.document["items"]] == ["data", "data", "shop", "shop"]
    assert shop.names == ["cart-0", "till-0"]
    assert (nowhere.code, nowhere.document["kind"], nowhere.document["items"]) == (200, "PodMetricsList", [])


async def test_checklist_of_clients_20_one_object_or_why_there_is_none(world: World) -> None:
    """A single object says what it is; unknown and not yet measured ones are told apart, to the byte."""
    asker = master(world)

    node, pod = await asker.together(f"{NODES}/node-1", f"{pods_in('shop')}/cart-0")

    assert (node.document["kind"], node.document["apiVersion"]) == ("NodeMetrics", "metrics.k8s.io/v1beta1")
    assert (pod.document["kind"], pod.document["metadata"]["namespace"]) == ("PodMetrics", "shop")
    assert [container["name"] for container in pod.document["containers"]] == ["cart", "proxy"]
    metrics, late = "metrics.k8s.io", UNMEASURED_POD
    for path, message, details in (
        (f"{NODES}/x", 'node \\"x\\" not found', '{"name":"x","kind":"node"}'),
        (
            f"{NODES}/{UNMEASURED_NODE}",
            f'nodemetrics.{metrics} \\"{UNMEASURED_NODE}\\" not found',
            f'{{"name":"{UNMEASURED_NODE}","group":"{metrics}","kind":"nodemetrics"}}',
        ),
        (f"{pods_in('shop')}/x", 'pods \\"x\\" not found', '{"name":"x","kind":"pods"}'),
        (f"{pods_in('data')}/cart-0", 'pods \\"cart-0\\" not found', '{"name":"cart-0","kind":"pods"}'),
        (
            f"{pods_in('shop')}/{late}",
            f'podmetrics.{metrics} \\"shop/{late}\\" not found',
            f'{{"name":"shop/{late}","group":"{metrics}","kind":"podmetrics"}}',
        ),
    ):
        reply = await asker.get(path)
        assert (reply.code, reply.body.decode()) == (
            404,
            '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
            f'"message":"{message}","reason":"NotFound","details":{details},"code":404}}\n',
        )


async def test_checklist_of_clients_21_times_spans_and_amounts_can_be_read(world: World) -> None:
    """Every time, window and quantity has the form that the narrowest parser of them takes, and none is missing."""
    nodes, pods = await master(world).together(NODES, PODS)

    measured = [*nodes.document["items"], *pods.document["items"]]
    assert len(measured) == len(NODE_NAMES) + len(POD_NAMES)
    for item in measured:
        assert TIMESTAMP.fullmatch(item["timestamp"])
        assert TIMESTAMP.fullmatch(item["metadata"]["creationTimestamp"])
        assert parse_duration(item["window"]) > 0
        for usage in [item["usage"]] if "usage" in item else [box["usage"] for box in item["containers"]]:
            assert list(usage) == ["cpu", "memory"]
            assert CPU.fullmatch(usage["cpu"])
            assert MEMORY.fullmatch(usage["memory"])
            assert "0" not in (usage["cpu"], usage["memory"])


async def test_checklist_of_clients_22_time_goes_forward_and_old_samples_go() -> None:
    """Each round has a later time than the one before; a node that is not measured any more is soon gone."""
    async with running(resolution=1.2) as world:
        await world.measured()
        asker, seen = master(world), {}

        async def rounds() -> bool:
            for item in (await asker.get(PODS)).document["items"]:
                times = seen.setdefault(item["metadata"]["name"], [])
                if [item["timestamp"]] != times[-1:]:
                    times.append(item["timestamp"])
            return all(len(times) > 3 for times in seen.values())

        await eventually(rounds, every=0.1)
        assert all(times == sorted(set(times)) for times in seen.values())
        world.cluster.fleet["node-2"].fault = KubeletFault.ERROR
        began = time.monotonic()
        await eventually(lambda: is_gone(asker, "node-2", "db-0"))
        # Longer than upstream's, which blinds an autoscaler for one lost packet; see docs/differences.md.
        assert time.monotonic() - began < 4 * 1.2


async def is_gone(asker: Wire, node: str, pod: str) -> bool:
    nodes, pods = await asker.together(NODES, PODS)
    return node not in nodes.names and pod not in pods.names


async def test_checklist_of_clients_23_a_pod_is_whole_or_not_there() -> None:
    """While one container has no second sample its pod is in no list and is a 404; nothing has empty containers."""
    async with running() as world:
        await world.measured()
        asker, now = master(world), time.time()
        stuck = Fixed(now - 3600, Reading(int(now * 1000), 10**9, MI))
        world.cluster.pods.machine("node-1").set_usage("shop", "cart-0", "proxy", stuck)
        await eventually(lambda: is_gone(asker, "nobody", "cart-0"))
        await world.scraped("node-1")
        every, one = await asker.together(PODS, f"{pods_in('shop')}/cart-0")
    assert every.names == ["db-0", "db-1", "till-0"]
    assert all(item["containers"] for item in every.document["items"])
    assert (one.code, one.message) == (404, 'podmetrics.metrics.k8s.io "shop/cart-0" not found')


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("app=db", ["db-0", "db-1"]),
        ("app%3Ddb", ["db-0", "db-1"]),
        ("app==till", ["till-0"]),
        ("app!=db", ["cart-0", "till-0"]),
        ("app%20in%20(cart,%20till)", ["cart-0", "till-0"]),
        ("app+in+(cart,till)", ["cart-0", "till-0"]),
        ("app+notin+(cart)", ["db-0", "db-1", "till-0"]),
        ("missing+notin+(x)", POD_NAMES),
        ("missing!=x", POD_NAMES),
        ("app", POD_NAMES),
        ("!app", []),
        ("app,app!=db,app!=till", ["cart-0"]),
        ("app=", []),
        ("", POD_NAMES),
    ],
)
async def test_checklist_of_clients_24_labels_choose(world: World, selector: str, names: list[str]) -> None:
    """Every operator, however it is encoded, is matched with the labels that the pod has now."""
    assert (await master(world).get(f"{PODS}?labelSelector={selector}")).names == names


async def test_checklist_of_clients_24_labels_are_those_of_now() -> None:
    """A label that was changed after the last scrape counts at once."""
    async with running() as world:
        await world.measured()
        asker, registry = master(world), world.cluster.registry
        world.cluster.fleet["node-2"].fault = KubeletFault.SILENT
        item = registry.get(POD_OBJECTS, "db-0", "data")
        registry.apply(POD_OBJECTS, {**item, "metadata": item["metadata"] | {"labels": {"app": "renamed"}}})

        async def renamed() -> bool:
            return (await asker.get(f"{PODS}?labelSelector=app%3Drenamed")).names == ["db-0"]

        await eventually(renamed)


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("metadata.name=till-0", ["till-0"]),
        ("metadata.name%3D%3Dtill-0", ["till-0"]),
        ("metadata.name!%3Dtill-0", ["db-0", "db-1", "cart-0"]),
        ("metadata.namespace=shop", ["cart-0", "till-0"]),
        ("metadata.namespace!=shop,metadata.name!=db-0", ["db-1"]),
        ("metadata.namespace=shop,metadata.name=db-0", []),
        ("metadata.name=a,metadata.name=b", []),
        ("", POD_NAMES),
    ],
)
async def test_checklist_of_clients_25_fields_choose(world: World, selector: str, names: list[str]) -> None:
    """Name and namespace can be chosen by, alone and together."""
    assert (await master(world).get(f"{PODS}?fieldSelector={selector}")).names == names


async def test_checklist_of_clients_25_other_fields_are_refused(world: World) -> None:
    """What kubectl up to 1.36 may ask of pods, their node, is a 400 that names the fields there are."""
    reply = await master(world).get(f"{PODS}?fieldSelector=spec.nodeName%3Dnode-1")

    known = '"spec.nodeName" is not a known field selector: only "metadata.name", "metadata.namespace"'
    assert (reply.code, reply.message, reply.document["reason"]) == (400, known, "BadRequest")
    assert "details" not in reply.document


@pytest.mark.parametrize(
    "query",
    [
        "limit=1",
        "limit=500",
        "limit=1&continue=zzz",
        "resourceVersion=0",
        "resourceVersion=0&resourceVersionMatch=NotOlderThan",
        "resourceVersion=7&resourceVersionMatch=Exact",
        "timeoutSeconds=5",
        "limit=1&continue=zzz&resourceVersion=0&timeoutSeconds=5&allowWatchBookmarks=true",
    ],
)
async def test_checklist_of_clients_26_everything_comes_at_once(world: World, query: str) -> None:
    """Paging and versions are accepted, and the list is whole and leads to no other page."""
    reply = await master(world).get(f"{PODS}?{query}")

    assert reply.names == POD_NAMES
    assert list(reply.document["metadata"]) == ["resourceVersion"]


async def test_checklist_of_clients_26_a_limit_is_a_number(world: World) -> None:
    """What is no number is a 400 in the words of Go's parser."""
    reply = await master(world).get(f"{PODS}?limit=abc")

    assert reply.body.decode() == (
        '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        '"message":"strconv.ParseInt: parsing \\"abc\\": invalid syntax","reason":"BadRequest","code":400}\n'
    )


async def test_checklist_of_clients_27_there_is_only_reading(world: World) -> None:
    """A watch is a 405, which names the resource; so is every other method."""
    asker = master(world)
    for path, resource in ((NODES, "nodes"), (PODS, "pods"), (pods_in("shop"), "pods")):
        for query in ("watch=1", "watch=true&resourceVersion=5", "watch"):
            reply = await asker.get(f"{path}?{query}")
            assert (reply.code, reply.message) == (
                405,
                f'watch is not supported on resources of kind "{resource}.metrics.k8s.io"',
            )
            assert reply.document["details"] == {"group": "metrics.k8s.io", "kind": resource}
    for path in (NODES, f"{NODES}/node-1", PODS, pods_in("shop"), f"{pods_in('shop')}/cart-0"):
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            reply = await asker.get(path, method=method)
            assert (reply.code, reply.message, reply.all("Allow")) == (405, NOT_ALLOWED, [])
    assert (await asker.get(f"{NODES}/node-1?watch=1")).code == 200, "one object is not watched but read"


@pytest.mark.parametrize(
    "path", ["/apis/metrics.k8s.io/v9/nodes", "/apis/metrics.k8s.io/v9", f"{BETA}/foo", f"{NODES}/node-1/status"]
)
async def test_checklist_of_clients_28_what_is_unknown_is_a_status(world: World, path: str) -> None:
    """An unknown version or resource is a 404 that programs can read."""
    reply: Reply = await master(world).get(path)

    assert (reply.code, reply.type, reply.message) == (404, "application/json", NOT_FOUND)
    assert reply.document["details"] == {}
