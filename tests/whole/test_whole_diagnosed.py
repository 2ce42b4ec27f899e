"""What a diagnosis sees of a healthy cluster through its API server alone: every hop to the server and the kubelets."""

from __future__ import annotations

from tests.whole.callers import NODES, PODS
from tests.whole.waiting import eventually
from tests.whole.world import running

from kubevitals.simulator.cluster import Plan

SYSTEM = "/api/v1/namespaces/kube-system"
PROXY = f"{SYSTEM}/services/https:metrics-server:https/proxy"
PLAN = Plan(nodes=2, pods=3, housekeeping=0, check_interval=1.0, control_plane=True)


async def test_every_hop_of_a_healthy_cluster_can_be_asked() -> None:
    """The API is available, the server is ready through its Service, and every pod has metrics, its own included."""
    async with running(plan=PLAN) as world:
        admin = world.admin()
        await world.cluster.wait_available()

        async def served() -> bool:
            answer = await admin.ask(f"{PROXY}/readyz?verbose")
            assert (answer.code, "readyz check passed" in answer.body) == (200, True), answer.body
            return True

        async def complete() -> bool:
            pods = {item["metadata"]["name"] for item in (await admin.ask("/api/v1/pods")).body["items"]}
            assert set(await admin.names(PODS)) == pods
            assert await admin.names(NODES) == ["worker-1", "worker-2"]
            return any(name.startswith("metrics-server-") for name in pods)

        await eventually(served)
        await eventually(complete)
        for node in ("worker-1", "worker-2"):
            body = (await admin.ask(f"/api/v1/nodes/{node}/proxy/metrics/resource")).body
            assert "node_cpu_usage_seconds_total " in body


async def test_a_condition_that_is_set_reaches_every_client() -> None:
    """While the aggregation layer reports a failure, lists are refused as by a real API server."""
    async with running(plan=PLAN) as world:
        admin = world.admin()
        await world.cluster.wait_available()
        world.cluster.aggregator.faults.condition = ("FailedDiscoveryCheck", "i/o timeout")
        answer = await admin.ask(NODES)
        assert (answer.code, answer.body) == (503, "service unavailable\n")
        world.cluster.aggregator.faults.condition = None
        await world.cluster.wait_available()
        assert (await admin.ask(NODES)).code == 200
