"""Nodes on IPv6, on both, and with addresses and paths that nobody means well with."""

from __future__ import annotations

import pytest
from tests.whole.waiting import eventually
from tests.whole.world import NODE_NAMES, World

from kubevitals.simulator.kinds import NODES as NODE_OBJECTS
from kubevitals.simulator.templates import PATH_ANNOTATION

FAILED, RECOVERED = "Node cannot be scraped", "Node is scraped again"
SIX, NOBODY = "::1", "127.9.9.9"


async def on_ipv6(world: World, node: str) -> None:
    """Let a node's kubelet listen on IPv6, with a certificate for that address."""
    cluster = world.cluster
    before = cluster.nodes.address(node)
    fleet, machine = cluster.fleet, cluster.pods.machine(node)
    await fleet.stop(before)
    fleet.remove(node)
    fleet.add(node, machine, SIX)
    fleet.certify([SIX], cluster.authority.serving(f"system:node:{node}", [SIX]))
    await fleet.start(SIX)


@pytest.mark.parametrize("addresses", [[SIX], [NOBODY, SIX]], ids=["IPv6 only", "IPv4 that refuses, then IPv6"])
async def test_a_node_on_ipv6_is_scraped_like_any_other(world: World, addresses: list[str]) -> None:
    """Its address is verified and remembered; after the change, nothing fails."""
    await on_ipv6(world, "node-2")
    world.set_addresses("node-2", *(("InternalIP", address) for address in addresses))
    await eventually(lambda: world.cluster.fleet["node-2"].requests >= 3)
    await world.measured()
    known = len(world.log.lines(FAILED))
    for _ in range(3):
        await world.scraped()
    assert len(world.log.lines(FAILED)) == known


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "https://elsewhere.example/metrics",
        "//elsewhere.example/metrics",
        "/a\r\nHost: b",
        "/\x1b[2J",
        "/ü",
    ],
    ids=["above the root", "another host", "no scheme", "a header", "an escape", "no ASCII"],
)
async def test_a_path_that_tries_to_escape_stays_on_its_kubelet(world: World, path: str) -> None:
    """Whatever the annotation says, the request goes to the node's own kubelet, in one line; the others are served."""
    item = world.cluster.registry.get(NODE_OBJECTS, "node-2")
    metadata = item["metadata"] | {"annotations": {PATH_ANNOTATION: path}}
    world.cluster.registry.apply(NODE_OBJECTS, {**item, "metadata": metadata})
    line = await world.log.line(FAILED, node="node-2")
    assert line["cause"] in ("http_404", "http_400", "no_address", "path", "not_found"), line
    raw = world.log.stream.getvalue()
    assert "\x1b" not in raw
    assert "\r" not in raw
    await world.scraped("node-1", "node-3")
    mended = {key: value for key, value in metadata.items() if key != "annotations"}
    world.cluster.registry.apply(NODE_OBJECTS, {**item, "metadata": mended})
    await world.log.line(RECOVERED, node="node-2")
    await world.measured(NODE_NAMES)
