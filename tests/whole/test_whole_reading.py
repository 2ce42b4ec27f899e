"""What people read through the API server is what the kubelets were given."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.whole.callers import BETA, NODES, PODS, STABLE, pods_in
from tests.whole.world import LOADS, MI, NODE_NAMES, OVERHEAD, World, running

from kubevitals.quantity import parse_cpu, parse_memory
from kubevitals.simulator.kinds import API_SERVICES

GROUP = "metrics.k8s.io"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def available() -> AsyncIterator[World]:
    """One world for all that only look at it, as soon as the API server forwards requests."""
    async with running(resolution=1.0) as world:
        await world.measured()
        await world.cluster.wait_available()
        yield world


@pytest.mark.parametrize("version", [BETA, STABLE])
async def test_nodes_have_the_values_of_their_kubelets(available: World, version: str) -> None:
    """The CPU of every node is right within 2 %, its memory to the byte, in both versions."""
    items = await available.admin().items(f"{version}/nodes")

    assert [item["metadata"]["name"] for item in items] == NODE_NAMES
    for item in items:
        name = item["metadata"]["name"]
        loads = [OVERHEAD[name], *(load for key, load in LOADS.items() if key[0] == name)]
        assert_usage(item["usage"], (sum(cpu for cpu, _ in loads), sum(memory for _, memory in loads)))


@pytest.mark.parametrize("version", [BETA, STABLE])
async def test_pods_have_the_values_of_their_kubelets(available: World, version: str) -> None:
    """The CPU of every container is right within 2 %, its memory to the byte, in both versions."""
    items = await available.admin().items(f"{version}/pods")

    found = {
        (item["metadata"]["namespace"], item["metadata"]["name"], container["name"]): container["usage"]
        for item in items
        for container in item["containers"]
    }
    assert sorted(found) == sorted(key[1:] for key in LOADS)
    for key, load in LOADS.items():
        assert_usage(found[key[1:]], load)


async def test_one_object_can_be_read(available: World) -> None:
    """A node and a pod are found by name, with the same values as in the lists; others are 404."""
    admin = available.admin()

    node = await admin.ask(f"{NODES}/node-3")
    pod = await admin.ask(f"{pods_in('shop')}/cart-0")
    codes = [await admin.code(path) for path in (f"{NODES}/node-9", f"{pods_in('data')}/cart-0")]

    assert node.body["kind"] == "NodeMetrics"
    assert_usage(node.body["usage"], (300, 208))
    assert [container["name"] for container in pod.body["containers"]] == ["cart", "proxy"]
    assert_usage(pod.body["containers"][1]["usage"], (20, 16))
    assert codes == [404, 404]


async def test_a_namespace_has_its_own_pods(available: World) -> None:
    """A list of one namespace holds the pods of that namespace, and an unknown one none."""
    admin = available.admin()

    assert await admin.names(pods_in("shop")) == ["cart-0", "till-0"]
    assert await admin.names(pods_in("data")) == ["db-0", "db-1"]
    assert await admin.names(pods_in("nowhere")) == []


async def test_selectors_choose_pods(available: World) -> None:
    """Label and field selectors arrive through the aggregation layer as they were meant."""
    wanted = {
        "labelSelector=app%3Ddb": ["db-0", "db-1"],
        "labelSelector=app+in+(cart,till)": ["cart-0", "till-0"],
        "labelSelector=!app": [],
        "fieldSelector=metadata.name%3Dtill-0": ["till-0"],
        "fieldSelector=metadata.namespace!%3Ddata": ["cart-0", "till-0"],
    }
    admin = available.admin()

    assert {query: await admin.names(f"{PODS}?{query}") for query in wanted} == wanted


async def test_selectors_choose_nodes(available: World) -> None:
    """Nodes are selected by their labels."""
    assert await available.admin().names(f"{NODES}?labelSelector=kubernetes.io/hostname%3Dnode-2") == ["node-2"]


async def test_discovery_names_both_versions(available: World) -> None:
    """Legacy and aggregated discovery of the API server name the group with both versions and their resources."""
    admin = available.admin()

    group = (await admin.ask(f"/apis/{GROUP}")).body
    resources = (await admin.ask(STABLE)).body["resources"]
    groups = (await admin.ask("/apis", headers=[("Accept", AGGREGATED)])).body["items"]

    assert [each["version"] for each in group["versions"]] == ["v1beta1", "v1"]
    assert {each["name"]: each["verbs"] for each in resources} == {"nodes": ["get", "list"], "pods": ["get", "list"]}
    aggregated = next(each for each in groups if each["metadata"]["name"] == GROUP)
    assert {
        each["version"]: sorted(resource["resource"] for resource in each["resources"])
        for each in aggregated["versions"]
    } == {"v1beta1": ["nodes", "pods"], "v1": ["nodes", "pods"]}


async def test_the_api_services_become_available(available: World) -> None:
    """The availability check of the aggregation layer passes for both versions."""
    conditions = {
        item["metadata"]["name"]: (item["status"]["conditions"][0]["type"], item["status"]["conditions"][0]["status"])
        for item in available.cluster.registry[API_SERVICES].items()
    }
    assert conditions == dict.fromkeys([f"v1.{GROUP}", f"v1beta1.{GROUP}"], ("Available", "True"))


async def test_a_healthy_start_is_quiet(available: World) -> None:
    """Where all is well, nothing is logged that a person is to read."""
    assert available.log.troubles() == []


def assert_usage(usage: dict[str, str], load: tuple[int, int]) -> None:
    """Compare a usage with millicores (2 %) and MiB (exactly)."""
    assert parse_cpu(usage["cpu"]) == pytest.approx(load[0] * 10**6, rel=0.02)
    assert parse_memory(usage["memory"]) == load[1] * MI
