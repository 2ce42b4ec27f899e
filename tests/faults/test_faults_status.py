"""What the server tells of itself while things are wrong, to who may know."""

from __future__ import annotations

from typing import Any

from tests.whole.callers import BETA, Caller
from tests.whole.waiting import eventually
from tests.whole.world import NODE_NAMES, World, serving, simulated

from kubevitals.simulator import roles
from kubevitals.simulator.cluster import Cluster
from kubevitals.simulator.faults import KubeletFault
from kubevitals.simulator.kinds import EVENTS, Object
from kubevitals.simulator.roles import SYSTEM
from kubevitals.simulator.workload import Fixed, Reading

PATH = f"{BETA}/scrapestatus"


async def status(caller: Caller) -> dict[str, Any]:
    answer = await caller.ask(PATH)
    assert answer.code == 200, answer
    body: dict[str, Any] = answer.body
    return body


async def test_every_node_is_told_with_cause_and_remedy(world: World) -> None:
    """Through the API server, as ``kubectl get --raw`` asks: states, causes, addresses and certificates."""
    world.cluster.fleet["node-2"].fault = KubeletFault.FORBIDDEN
    await world.log.line("Node cannot be scraped", node="node-2")
    found = await status(world.admin())
    assert found["kind"] == "ScrapeStatus"
    assert found["summary"] == "2 of 3 nodes scraped: 1 × 403 Forbidden"
    nodes = {node["name"]: node for node in found["nodes"]}
    assert list(nodes) == NODE_NAMES
    assert {name: node["state"] for name, node in nodes.items()} == {
        "node-1": "ok",
        "node-2": "failing",
        "node-3": "ok",
    }
    assert nodes["node-2"]["cause"] == "http_403"
    assert "nodes/metrics" in nodes["node-2"]["remedy"]
    for name, node in nodes.items():
        assert node["address"] == world.cluster.nodes.address(name)
        assert node["certificate"]["issuer"] == "kubernetes"
        assert node["certificate"]["daysLeft"] > 0


async def test_a_withheld_pod_is_told_with_its_reason(world: World) -> None:
    """A pod whose container stands still for too long is in the list of what is withheld."""
    stuck = Fixed(0.0, Reading(1_790_000_000_000, 10**9, 1 << 20))
    world.cluster.pods.machine("node-1").set_usage("shop", "cart-0", "proxy", stuck)
    master = world.master()

    async def withheld() -> bool:
        entries = (await status(master))["withheld"]
        return any((entry["kind"], entry["name"]) == ("Pod", "cart-0") and entry["reason"] for entry in entries)

    await eventually(withheld)


async def test_only_who_has_the_right_is_told(world: World) -> None:
    """A user without rights gets 403, and nobody's names."""
    answer = await world.through_aggregator("jane").ask(PATH)
    assert answer.code == 403
    assert "node-1" not in str(answer.body)
    assert await world.direct().code(PATH) == 403


async def test_an_event_on_the_servers_pod_says_the_same() -> None:
    """When nodes fail, and when they are scraped again; kubectl describe of the pod shows both."""
    environ = {"POD_NAMESPACE": SYSTEM, "POD_NAME": "metrics-server-x", "POD_UID": "1-2-3"}
    account = roles.service_account(roles.SERVICE_ACCOUNT, SYSTEM)
    async with simulated() as cluster, serving(cluster, "--publish-events", environ=environ) as world:
        await world.measured()
        for kubelet in cluster.fleet:
            kubelet.fault = KubeletFault.ERROR
        line = await world.log.line("Something needs attention", about="publishing Events")
        assert "let our service account create events" in line["remedy"]
        for kubelet in cluster.fleet:
            kubelet.fault = None
        await world.log.line("Node is scraped again", node="node-3")

        world.grant(
            roles.role("events", [roles.rule([""], ["events"], ["create"])], SYSTEM),
            roles.binding("events", "events", [account], SYSTEM, role_namespaced=True),
        )
        cluster.fleet["node-2"].fault = KubeletFault.ERROR
        [told] = await eventually(lambda: of_type(cluster, "Warning"))
        assert told["message"] == "2 of 3 nodes scraped: 1 × 500 Internal Server Error"
        assert told["involvedObject"] | {"apiVersion": "v1"} == {
            "apiVersion": "v1", "kind": "Pod", "namespace": SYSTEM, "name": "metrics-server-x", "uid": "1-2-3",
        }  # fmt: skip
        cluster.fleet["node-2"].fault = None
        assert await eventually(lambda: [e for e in of_type(cluster, "Normal") if e["reason"] == "NodesScraped"])


def of_type(cluster: Cluster, kind: str) -> list[Object]:
    return [event for event in cluster.registry[EVENTS].items() if event["type"] == kind]
