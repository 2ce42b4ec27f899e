"""The server's own account lacks a right: what works without it works, and the log names what to grant."""

from __future__ import annotations

from tests.whole.callers import NODES
from tests.whole.waiting import eventually
from tests.whole.world import NODE_NAMES, serving, simulated

from kubevitals.simulator import roles
from kubevitals.simulator.kinds import CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS

LOST = "Cannot follow the API server"
ACCOUNT = roles.service_account("metrics-server", "kube-system")


async def test_nodes_and_pods_must_be_allowed() -> None:
    """Without its ClusterRole the server is alive, not ready, and says which resources to allow; then it catches up."""
    async with simulated() as cluster:
        cluster.registry.delete(CLUSTER_ROLE_BINDINGS, "system:metrics-server")
        async with serving(cluster) as world:
            lines = [await world.log.line(LOST, resource=resource) for resource in ("nodes", "pods")]
            assert [line["level"] for line in lines] == ["error", "error"]
            assert "allow list and watch on nodes" in lines[0]["reason"]
            assert "allow list and watch on pods" in lines[1]["reason"]
            answer = await world.direct().ask("/readyz?verbose")
            assert (answer.code, "allow list and watch on nodes" in answer.body) == (500, True)
            assert (await world.direct().ask("/livez")).body == "ok"
            world.grant(roles.binding("system:metrics-server", "system:metrics-server", [ACCOUNT]))
            await world.measured()


async def test_the_config_map_must_be_allowed() -> None:
    """Without the right to read the ConfigMap no caller is known by certificate; readiness and the log say why."""
    async with simulated() as cluster:
        item = cluster.registry.delete(ROLE_BINDINGS, "metrics-server-auth-reader", "kube-system")
        async with serving(cluster) as world:
            line = await world.log.line(LOST, resource="configmaps/extension-apiserver-authentication")
            answer = await eventually(lambda: world.direct().ask("/readyz?verbose"))
            assert line["level"] == "error"
            assert "extension-apiserver-authentication" in line["reason"]
            assert (answer.code, "it is not known yet whom the API server speaks for" in answer.body) == (500, True)
            cluster.registry.apply(ROLE_BINDINGS, item)
            await world.measured()
            assert (await world.direct().ask("/readyz")).body == "ok"


async def test_kubelets_must_be_allowed() -> None:
    """Without nodes/metrics every kubelet answers 403; one line per node names the account, and the right to grant."""
    async with simulated() as cluster:
        name = "system:metrics-server"
        cluster.registry.apply(*roles.role(name, [roles.rule([""], ["pods", "nodes"], ["get", "list", "watch"])]))
        async with serving(cluster, resolution=5.0) as world:
            line = await world.log.line("Node cannot be scraped", node="node-1")
            assert line["cause"] == "http_403"
            assert "system:serviceaccount:kube-system:metrics-server" in line["detail"]
            assert "nodes/metrics" in line["remedy"]
            summary = (await world.log.line("No node can be scraped"))["summary"]
            assert summary == f"0 of {len(NODE_NAMES)} nodes scraped: {len(NODE_NAMES)} × 403 Forbidden"


async def test_reviews_must_be_allowed() -> None:
    """Without system:auth-delegator nobody who must be asked about gets in, and the log names the role."""
    async with simulated() as cluster:
        cluster.registry.delete(CLUSTER_ROLE_BINDINGS, "metrics-server:system:auth-delegator")
        async with serving(cluster) as world:
            await world.measured()
            token = cluster.tokens.issue("default", "robot")
            assert await world.proxied("jane").code(NODES) == 500
            assert await world.bearer(token).code(NODES) == 401
            for about in ("SubjectAccessReview", "TokenReview"):
                line = await world.log.line("Something needs attention", about=about)
                assert "403" in line["cause"]
                assert "system:auth-delegator" in line["remedy"]
