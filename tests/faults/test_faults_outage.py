"""The API server is away, forgetful or busy: the server goes on with what it knows, and catches up by itself."""

from __future__ import annotations

import asyncio

from tests.whole.callers import NODES, Caller
from tests.whole.waiting import eventually, watching
from tests.whole.world import NODE_NAMES, World, running, serving, simulated

from kubevitals.simulator import roles
from kubevitals.simulator.faults import Refusal

READER = "system:aggregated-metrics-reader"
LOST, FOUND = "Cannot follow the API server", "Following the API server again"
TROUBLE = "Something needs attention"
REMEMBER = (
    "--authorization-webhook-cache-authorized-ttl=1m",
    "--authentication-token-webhook-cache-ttl=1m",
)


async def test_the_server_may_start_before_the_api_server() -> None:
    """Started into an outage it is alive and says why it is not ready; then it becomes ready by itself."""
    async with simulated() as cluster:
        await cluster.api.pause()
        async with serving(cluster) as world:
            nobody = world.direct()
            line = await world.log.line(LOST, resource="nodes")
            answer = await nobody.ask("/readyz?verbose")
            assert (await nobody.ask("/livez")).body == "ok"
            assert answer.code == 500
            assert f"cache for node informer has not synced: cannot reach the API server at {cluster.api.url}" in (
                answer.body
            )
            assert "connection refused; check that it runs" in line["reason"]
            await cluster.api.resume()
            await world.measured()
            assert (await nobody.ask("/readyz")).body == "ok"
            await world.log.line(FOUND, resource="nodes")
            assert len(world.log.lines(LOST, resource="nodes")) == 1


async def test_reads_go_on_while_the_api_server_is_away() -> None:
    """Masters and callers whose rights are remembered read on, fresh values; all others fail closed."""
    async with running(*REMEMBER) as world:
        master = await world.measured()
        jane, robot = await known_callers(world)
        stranger = world.bearer(world.cluster.tokens.issue("default", "other"))
        await world.cluster.api.pause()
        async with watching(lambda: master.code(NODES)) as watched:
            lost = [await world.log.line(LOST, resource=resource) for resource in ("nodes", "pods")]
            await world.scraped()
            assert await jane.names(NODES) == NODE_NAMES
            assert await robot.names(NODES) == NODE_NAMES
            assert await world.proxied("joe").code(NODES) == 500
            assert await stranger.code(NODES) == 401
            assert (await world.direct().ask("/readyz")).body == "ok"
        assert [answer for answer in watched.answers if answer != 200] == []
        assert all(world.cluster.api.url in line["reason"] for line in lost)
        assert sorted(line["about"] for line in world.log.lines(TROUBLE)) == ["SubjectAccessReview", "TokenReview"]
        assert all("system:auth-delegator" in line["remedy"] for line in world.log.lines(TROUBLE))


async def known_callers(world: World) -> tuple[Caller, Caller]:
    """Return two readers whom the server has asked the API server about already."""
    subjects = [roles.user("jane"), roles.service_account("robot", "default")]
    world.grant(roles.binding("readers", READER, subjects))
    jane, robot = world.proxied("jane"), world.bearer(world.cluster.tokens.issue("default", "robot"))
    assert await jane.names(NODES) == await robot.names(NODES) == NODE_NAMES
    return jane, robot


async def test_what_changed_during_an_outage_is_noticed(world: World) -> None:
    """Objects that were deleted while the API server was away are gone afterwards, and one line says it is back."""
    cluster = world.cluster
    await cluster.api.pause()
    await world.log.line(LOST, resource="nodes")
    await world.log.line(LOST, resource="pods")
    await delete_one_of_each(world)
    await cluster.api.resume()
    await world.measured(["node-1", "node-2"], ["db-0", "cart-0"])
    for resource in ("nodes", "pods"):
        await world.log.line(FOUND, resource=resource)
    assert len(world.log.lines(FOUND, resource="pods")) == 1
    assert await world.proxied("jane").code(NODES) == 403


async def delete_one_of_each(world: World) -> None:
    """Delete a node with its pod, and a pod of a node that stays."""
    await world.cluster.nodes.remove("node-3")
    world.cluster.pods.delete("shop", "till-0")


async def test_a_watch_that_expires_within_is_listed_again(world: World) -> None:
    """When a watch ends with a 410 in its stream, deletions that it never brought are seen, without a word."""
    world.cluster.pods.delete("shop", "till-0")
    world.cluster.registry.forget()  # before the watch has had its turn
    await world.measured(pods=["db-0", "db-1", "cart-0"])
    world.cluster.pods.delete("data", "db-1")
    await world.measured(pods=["db-0", "cart-0"])
    assert world.log.troubles() == []


async def test_a_watch_that_is_refused_as_expired_is_listed_again(world: World) -> None:
    """When a watch after an outage is answered with 410, the difference is found by a list."""
    cluster = world.cluster
    cluster.api.faults.gone_as_status = True
    await cluster.api.pause()
    await delete_one_of_each(world)
    cluster.registry.forget()
    await cluster.api.resume()
    await world.measured(["node-1", "node-2"], ["db-0", "cart-0"])
    world.cluster.pods.delete("shop", "cart-0")
    await world.measured(["node-1", "node-2"], ["db-0"])
    assert [line for line in world.log.lines(LOST) if "410" in line["reason"]] == []


async def test_a_busy_api_server_is_waited_for() -> None:
    """Lists that are refused with 429 are asked again after the time that was named, and then all is well."""
    async with simulated() as cluster:
        refusal = cluster.api.faults.refusal = Refusal(429, retry_after=1, paths=("/api/v1/",), count=3)
        async with serving(cluster) as world:
            line = await world.log.line(LOST, resource="pods")
            assert "429" in line["reason"]
            answer = await world.direct().ask("/readyz?verbose")
            assert "429" in answer.body
            await world.measured()
            found = await world.log.line(FOUND, resource="pods")
            assert found["ts"] - line["ts"] >= 1000  # milliseconds
            assert refusal.count == 0


async def test_a_busy_review_is_asked_again(world: World) -> None:
    """A SubjectAccessReview that is refused with 429 is asked again; the caller only waits."""
    world.grant(roles.binding("jane-reads", READER, [roles.user("jane")]))
    world.cluster.api.faults.refusal = Refusal(429, retry_after=1, paths=("/apis/authorization.k8s.io",), count=1)
    assert await world.proxied("jane").names(NODES) == NODE_NAMES
    assert len(world.reviews("jane")) == 1
    assert world.log.lines(TROUBLE) == []


async def test_failing_reviews_open_nothing(world: World) -> None:
    """While reviews are answered with errors nobody gets in by asking, and one line each says what is wrong."""
    world.cluster.api.faults.reviews_fail = True
    token = world.cluster.tokens.issue("default", "robot")
    async with asyncio.TaskGroup() as group:  # each is asked again for some seconds
        jane = group.create_task(world.proxied("jane").code(NODES))
        robot = group.create_task(world.bearer(token).code(NODES))
    assert (jane.result(), robot.result()) == (500, 401)
    assert len(world.log.lines(TROUBLE, about="SubjectAccessReview")) == 1
    assert len(world.log.lines(TROUBLE, about="TokenReview")) == 1
    world.cluster.api.faults.reviews_fail = False
    assert await world.proxied("jane").code(NODES) == 403
    await eventually(lambda: world.log.lines("A problem is over", about="SubjectAccessReview"))
