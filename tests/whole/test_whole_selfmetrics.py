"""What the server tells of itself: after a busy moment every family has numbers, and nobody can invent series."""

from __future__ import annotations

import asyncio
import re

from prometheus_client.parser import text_string_to_metric_families
from tests.whole.callers import BETA, NODES, PODS
from tests.whole.waiting import eventually
from tests.whole.world import NODE_NAMES, World, running

from kubevitals.simulator import roles


async def test_the_end_of_the_first_cycle_is_told_once() -> None:
    """What should happen when everything was scraped for the first time happens then, and not again."""
    told: list[None] = []
    async with running(resolution=0.5, settled=lambda: told.append(None)) as world:
        await world.measured()  # which takes two cycles
        assert told == [None]


DASHBOARDS = {
    "apiserver_request_total",
    "apiserver_request_duration_seconds",
    "apiserver_request_sli_duration_seconds",
    "apiserver_response_sizes",
    "apiserver_current_inflight_requests",
    "apiserver_request_filter_duration_seconds",
    "apiserver_delegated_authn_request_total",
    "apiserver_delegated_authn_request_duration_seconds",
    "apiserver_delegated_authz_request_total",
    "apiserver_delegated_authz_request_duration_seconds",
    "apiserver_client_certificate_expiration_seconds",
    "apiserver_tls_handshake_errors_total",
    "authenticated_user_requests",
    "authentication_attempts",
    "authentication_duration_seconds",
    "authentication_token_cache_request_total",
    "authentication_token_cache_request_duration_seconds",
    "authentication_token_cache_fetch_total",
    "authorization_attempts_total",
    "authorization_duration_seconds",
    "rest_client_requests_total",
    "rest_client_request_duration_seconds",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_network_receive_bytes_total",
    "process_virtual_memory_max_bytes",
    "metrics_server_kubelet_request_total",
    "metrics_server_storage_points",
}


async def read(world: World) -> dict[str, float]:
    """Every series of ``/metrics`` with its value."""
    answer = await world.master().ask("/metrics")
    assert answer.code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
    list(text_string_to_metric_families(answer.body))  # Prometheus' own parser takes it
    found = re.findall(r"^([^#\s]\S*(?: \S+)*) (\S+)$", answer.body, re.MULTILINE)
    return {series: float(value) for series, value in found}


def families(series: dict[str, float]) -> set[str]:
    names = {name.partition("{")[0] for name in series}
    return {re.sub("_(bucket|sum|count)$", "", name) for name in names} | names


async def busied(world: World) -> None:
    """Let everybody ask: through the API server, as front proxy, by certificate, by token, and as nobody."""
    world.grant(roles.binding("jane-reads", "system:aggregated-metrics-reader", [roles.user("jane")]))
    await world.admin().names(NODES)
    await world.proxied("jane").names(PODS)
    await world.direct(world.cluster.client("jane")).ask(f"{NODES}/node-1")
    await world.bearer(world.cluster.tokens.issue("default", "somebody")).ask(NODES)
    await world.bearer("nonsense").ask(NODES)
    await world.direct().ask("/livez")


async def test_every_family_that_dashboards_use_has_numbers(world: World) -> None:
    """After a busy moment none of the families is empty, and the numbers are those of what happened."""
    await busied(world)

    series = await read(world)

    assert DASHBOARDS - families(series) == set()
    assert series['authentication_attempts{result="error"}'] == 1
    assert series['apiserver_delegated_authn_request_total{code="201"}'] == 2
    assert series['authentication_token_cache_request_total{status="miss"}'] == 2
    assert series["apiserver_client_certificate_expiration_seconds_count"] >= 1
    assert series['apiserver_delegated_authz_request_total{code="201"}'] >= 1
    assert any(key.startswith('rest_client_request_duration_seconds_count{verb="GET",') for key in series)


async def test_series_of_deleted_nodes_disappear(world: World) -> None:
    """A node that is gone leaves no series, the others keep theirs."""
    before = await read(world)

    await world.cluster.nodes.remove("node-2")

    after = await eventually(lambda: gone(world, "node-2"))
    assert any('node="node-2"' in name for name in before)
    assert {node for node in NODE_NAMES if any(f'node="{node}"' in name for name in after)} == {"node-1", "node-3"}


async def gone(world: World, node: str) -> dict[str, float] | None:
    series = await read(world)
    return None if any(f'node="{node}"' in name for name in series) else series


async def test_callers_cannot_invent_series(world: World) -> None:
    """Names, namespaces, paths, methods and users that callers make up do not add a series each."""
    await busied(world)
    master = world.master()
    await master.ask(f"{NODES}/x-0")
    before = set(await read(world))

    for number in range(5):
        await master.ask(f"{NODES}/x-{number}")
        await master.ask(f"{BETA}/namespaces/x-{number}/pods/y")
        await master.ask(f"/x-{number}")
        await master.ask(f"/apis/x-{number}/v1/things")
        await world.proxied(f"user-{number}").ask(f"{NODES}?fieldSelector=metadata.name=x-{number}")
    new = set(await read(world)) - before

    assert [name for name in new if re.search(r"x-\d|user-\d", name)] == []
    assert len({name.partition("{")[0] for name in new}) <= 12


async def test_the_gauge_of_requests_in_flight_remembers_a_burst(world: World) -> None:
    """Requests that were in progress together within a second show in the next."""
    master = world.master()

    async def burst_seen() -> bool:
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(master.ask("/metrics"))
        return (await read(world))['apiserver_current_inflight_requests{request_kind="readOnly"}'] >= 2

    await eventually(burst_seen)


async def test_what_is_turned_away_is_told() -> None:
    """A 429 shows among requests and terminations, under the labels of what was asked."""
    async with running("--max-requests-inflight=1") as world:
        master = await world.measured()
        nobody = [world.direct() for _ in range(6)]

        async def turned_away() -> bool:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(caller.code("/metrics")) for caller in nobody]
                group.create_task(master.ask("/metrics"))
            return 429 in [task.result() for task in tasks]

        await eventually(turned_away)
        series = await read(world)
        assert any(name.startswith("apiserver_request_terminations_total{") and "429" in name for name in series)
