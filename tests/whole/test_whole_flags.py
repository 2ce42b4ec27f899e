"""Flags that change what is scraped, where, and who may look."""

from __future__ import annotations

import pytest
from tests.whole.callers import CUT, NODES, PODS
from tests.whole.waiting import eventually
from tests.whole.world import NODE_NAMES, POD_NAMES, World, running, serving, simulated

from kubevitals.simulator.cluster import Cluster, Plan
from kubevitals.simulator.kinds import NODES as NODE_OBJECTS

FAILED = "Node cannot be scraped"


@pytest.mark.parametrize("selector", ["pool in (a, b)", "pool,pool!=c"])
async def test_the_node_selector_limits_what_is_scraped_and_served(selector: str) -> None:
    """Only nodes whose labels match are asked and listed; the others' kubelets never see a request."""
    async with simulated(Plan(nodes=0, housekeeping=0)) as cluster:
        for name, pool in (("a-1", "a"), ("b-1", "b"), ("c-1", "c")):
            await cluster.nodes.add(name, labels={"pool": pool})
        await cluster.nodes.add("none")
        async with serving(cluster, f"--node-selector={selector}") as world:
            await world.measured(["a-1", "b-1"], [])
            assert cluster.fleet["c-1"].connections == cluster.fleet["none"].connections == 0
            label(cluster, "c-1", pool="a")
            await world.measured(["a-1", "b-1", "c-1"], [])
            label(cluster, "a-1", pool="c")
            await world.measured(["b-1", "c-1"], [])


def label(cluster: Cluster, node: str, **labels: str) -> None:
    item = cluster.registry.get(NODE_OBJECTS, node)
    metadata = item["metadata"] | {"labels": item["metadata"]["labels"] | labels}
    cluster.registry.apply(NODE_OBJECTS, {**item, "metadata": metadata})


async def test_the_ports_of_the_nodes_count_when_asked_for() -> None:
    """With --kubelet-use-node-status-port the status names the port; without it --kubelet-port does."""
    async with simulated() as cluster:
        right = cluster.fleet.port
        async with serving(cluster, "--kubelet-port=1") as world:
            await world.measured()
        for node in NODE_NAMES:
            set_port(cluster, node, 1)
        async with serving(cluster, f"--kubelet-port={right}", without=["--kubelet-use-node-status-port"]) as world:
            await world.measured()
        async with serving(cluster, f"--kubelet-port={right}") as world:
            line = await world.log.line(FAILED, node="node-1")
            assert line["cause"] == "refused"
            assert "--kubelet-use-node-status-port" in line["remedy"]


def set_port(cluster: Cluster, node: str, port: int) -> None:
    item = cluster.registry.get(NODE_OBJECTS, node)
    status = item["status"] | {"daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}
    cluster.registry.apply(NODE_OBJECTS, {**item, "status": status})


async def test_the_annotated_path_is_asked_for() -> None:
    """Nodes that share one address are told apart by the path in their annotation."""
    async with running(plan=Plan(nodes=3, pods=2, housekeeping=0, shared_address=True)) as world:
        cluster = world.cluster
        names = ["worker-1", "worker-2", "worker-3"]
        assert {cluster.nodes.address(name) for name in names} == {"127.0.0.1"}
        master = world.master()
        await eventually(lambda: listed(world, names, 6))
        for name in names:
            pods = {pod["metadata"]["name"] for pod in cluster.pods.of(name)}
            assert pods <= set(await master.names(PODS))


async def listed(world: World, names: list[str], pods: int) -> bool:
    try:
        master = world.master()
        return await master.names(NODES) == names and len(await master.names(PODS)) == pods
    except CUT:
        return False


async def test_certificates_can_be_for_the_nodes_name() -> None:
    """A certificate that holds the node's name and no address passes with --kubelet-tls-server-name only."""
    async with simulated() as cluster:
        for node in NODE_NAMES:
            await cluster.nodes.certify(node, cluster.authority.serving(f"system:node:{node}", [node]))
        async with serving(cluster) as world:
            line = await world.log.line("No node can be scraped")
            assert line["cause"] == "san_ip"
            assert "--kubelet-tls-server-name=node-name" in world.log.lines(FAILED)[0]["remedy"]
        async with serving(cluster, "--kubelet-tls-server-name=node-name") as world:
            await world.measured()
            await cluster.nodes.certify("node-2", cluster.authority.serving("node-1", ["node-1"]))
            line = await world.log.line(FAILED, node="node-2")
            assert line["cause"] == "san_host"


async def test_unverified_kubelets_are_scraped_when_told_to() -> None:
    """With --kubelet-insecure-tls a self-signed kubelet certificate will do."""
    async with simulated() as cluster:
        cluster.nodes.renew_certificates(type(cluster.authority)("somebody", now=cluster.registry.now))
        flag = "--kubelet-certificate-authority"
        async with serving(cluster, "--kubelet-insecure-tls", without=[flag]) as world:
            await world.measured()


async def test_paths_can_be_opened_to_all() -> None:
    """--authorization-always-allow-paths opens what it names, and nothing else."""
    async with running("--authorization-always-allow-paths=/metrics,/openapi/*") as world:
        await world.measured()
        nobody = world.direct()
        codes = {path: await nobody.code(path) for path in ("/metrics", "/openapi/v2", "/apis", NODES)}
        assert codes == {"/metrics": 200, "/openapi/v2": 200, "/apis": 403, NODES: 403}
        text = (await nobody.ask("/metrics")).body
        assert "metrics_server_kubelet_request_total" in text
        assert await world.master().names(PODS) == POD_NAMES


async def test_without_a_serving_certificate_one_is_made() -> None:
    """Without --tls-cert-file the server shows a certificate of its own, which it keeps in --cert-dir."""
    async with simulated() as cluster, serving(cluster, without=["--tls-"]) as world:
        directory = cluster.files.directory / "serving"
        assert sorted(path.name for path in directory.iterdir()) == ["apiserver.crt", "apiserver.key"]
        assert (directory / "apiserver.key").stat().st_mode & 0o077 == 0
        cluster.register("127.0.0.1", world.port)
        await cluster.wait_available()
        await eventually(lambda: read_by_admin(world))


async def read_by_admin(world: World) -> bool:
    return await world.admin().names(NODES) == NODE_NAMES
