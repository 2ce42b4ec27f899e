"""The checklist of what clients need, 1 to 8: connections, and who is known by what, against the whole server."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.conformance.programs import PROBE
from tests.conformance.wire import (
    BETA,
    NODES,
    PODS,
    TEXT,
    Reply,
    Wire,
    master,
    nobody,
    pods_in,
    proxied,
    with_certificate,
)
from tests.whole.callers import CUT
from tests.whole.waiting import eventually
from tests.whole.world import HOST, World, running, serving, simulated

from kubevitals import settings
from kubevitals.simulator import pki, roles
from kubevitals.simulator.faults import KubeletFault
from kubevitals.simulator.kinds import CLUSTER_ROLE_BINDINGS
from kubevitals.simulator.rbac import MASTERS
from kubevitals.simulator.templates import FRONT_PROXY_NAME

pytestmark = pytest.mark.asyncio(loop_scope="module")

READER = "system:aggregated-metrics-reader"
PROBER = "system:kube-aggregator"


async def test_checklist_of_clients_01_http_1_1_is_spoken(world: World) -> None:
    """The front proxy reads the resources over HTTP/1.1, which is what a client gets that would also take HTTP/2."""
    asker = master(world)
    asker.context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection(HOST, world.port, ssl=asker.context)
    chosen = writer.get_extra_info("ssl_object").selected_alpn_protocol()
    writer.close()

    assert chosen == "http/1.1"
    assert (await asker.get(BETA)).code == 200


async def test_checklist_of_clients_02_the_availability_check_always_passes() -> None:
    """Ten probes at once are answered 2xx in time: while scraping, without any kubelet, and without reviews."""
    async with running() as world:
        await world.measured()
        prober = proxied(world, PROBER, [MASTERS], *PROBE)
        assert await probes(prober) == [200] * 10
        await world.scraped()
        assert await probes(prober) == [200] * 10
        for kubelet in world.cluster.fleet:
            kubelet.fault = KubeletFault.SILENT
        await world.log.line("No node can be scraped")
        assert await probes(prober) == [200] * 10
        world.cluster.api.faults.reviews_fail = True
        assert await probes(prober) == [200] * 10


async def probes(prober: Wire) -> list[int]:
    """The codes of ten probes, each of which must come within five seconds."""
    async with asyncio.timeout(5):
        replies = await prober.together(*[BETA] * 10)
    return [reply.code for reply in replies]


async def test_checklist_of_clients_03_nobody_borrows_the_front_proxys_voice(world: World) -> None:
    """Identity headers give nobody a master's rights without the right certificate of the right authority."""
    headers = [("X-Remote-User", "u"), ("X-Remote-Group", MASTERS)]
    strange = pki.Authority("strange", now=time.time)
    cluster = world.cluster
    callers = {
        "none": nobody(world, *headers),
        "a client's": with_certificate(world, cluster.client(FRONT_PROXY_NAME), *headers),
        "another name's": with_certificate(world, cluster.front_proxy.client("u"), *headers),
        "a stranger's": with_certificate(world, strange.client(FRONT_PROXY_NAME), *headers),
        "an old one": with_certificate(world, cluster.front_proxy.client(FRONT_PROXY_NAME, lifetime=-60), *headers),
    }

    codes = {name: await code(caller) for name, caller in callers.items()}

    assert codes == {"none": 403, "a client's": 403, "another name's": 401, "a stranger's": 0, "an old one": 0}
    assert world.reviews("u") == []


async def code(caller: Wire) -> int:
    """The code of a list of nodes, 0 when the connection is refused."""
    try:
        return (await caller.get(NODES)).code
    except CUT:
        return 0


async def test_checklist_of_clients_04_a_user_arrives_whole(world: World) -> None:
    """Every group, the extra information with its decoded key, and the uid reach the review."""
    more = [("X-Remote-Extra-Acme.com%2fproject", "p1"), ("X-Remote-Uid", "42")]

    await proxied(world, "whole", ["one", "two"], *more).get(pods_in("shop"))

    asked = {"verb": "list", "group": "metrics.k8s.io", "version": "v1beta1", "resource": "pods"}
    assert world.reviews("whole") == [
        {
            "resourceAttributes": {"namespace": "shop", **asked},
            "user": "whole",
            "groups": ["one", "two", "system:authenticated"],
            "extra": {"acme.com/project": ["p1"]},
            "uid": "42",
        }
    ]


async def test_checklist_of_clients_05_the_aggregators_own_user_may_read_documents(world: World) -> None:
    """The default roles let a user without groups read the documents, as being authenticated is added here."""
    aggregator = proxied(world, "system:aggregator")

    paths = ["/openapi/v2", "/openapi/v3", "/apis", "/apis/metrics.k8s.io", BETA]
    replies = {path: (await aggregator.get(path)).code for path in paths}

    assert replies == dict.fromkeys(paths, 200)
    assert (await aggregator.get(NODES)).code == 403


async def test_checklist_of_clients_06_a_refusal_is_in_the_usual_words_and_soon_forgotten() -> None:
    """The 403 says who may not do what; rights that were given or taken count within ten seconds."""
    usual = settings.parse([])
    assert usual.authorization_webhook_cache_authorized_ttl <= 10
    assert usual.authorization_webhook_cache_unauthorized_ttl <= 10
    short = [f"--authorization-webhook-cache-{kind}authorized-ttl=500ms" for kind in ("", "un")]
    async with running(*short) as world:
        await world.measured()
        jane = proxied(world, "jane")
        in_shop = 'in API group "metrics.k8s.io" in the namespace "shop"'
        at_scope = 'in API group "metrics.k8s.io" at the cluster scope'
        assert (await jane.get(NODES)).message == (
            f'nodes.metrics.k8s.io is forbidden: User "jane" cannot list resource "nodes" {at_scope}'
        )
        assert (await jane.get(f"{pods_in('shop')}/cart-0")).message == (
            f'pods.metrics.k8s.io "cart-0" is forbidden: User "jane" cannot get resource "pods" {in_shop}'
        )
        assert (await jane.get(PODS)).header("X-Content-Type-Options") == "nosniff"
        assert (await jane.get("/metrics")).message == 'forbidden: User "jane" cannot get path "/metrics"'
        world.grant(roles.binding("jane-reads", READER, [roles.user("jane")]))
        assert (await jane.get(NODES)).code == 403, "the refusal is still remembered"
        await eventually(lambda: is_code(jane, 200))
        world.cluster.registry.delete(CLUSTER_ROLE_BINDINGS, "jane-reads")
        assert (await jane.get(NODES)).code == 200, "the permission is still remembered"
        await eventually(lambda: is_code(jane, 403))


async def is_code(caller: Wire, expected: int) -> bool:
    return (await caller.get(NODES)).code == expected


async def test_checklist_of_clients_07_a_token_opens_the_metrics(world: World) -> None:
    """A scraper of the server's own metrics shows the token of a service account that may read that path."""
    world.grant(
        roles.role("metrics-reader", [roles.paths(["/metrics"])]),
        roles.binding("scraper-reads", "metrics-reader", [roles.service_account("scraper", "default")]),
    )
    scraper, other = [
        nobody(world, ("Authorization", f"Bearer {world.cluster.tokens.issue('default', name)}"))
        for name in ("scraper", "other")
    ]

    read, refused = await scraper.get("/metrics"), await other.get("/metrics")

    assert (read.code, read.type.split(";")[0]) == (200, "text/plain")
    assert b"\nmetrics_server_kubelet_request_total{" in read.body
    assert (refused.code, refused.type) == (403, "application/json")


async def test_checklist_of_clients_08_probes_need_no_credentials() -> None:
    """Before there is anything to serve the server is alive and not ready; then all three probes say ok."""
    async with simulated() as cluster:
        for kubelet in cluster.fleet:
            kubelet.fault = KubeletFault.ERROR
        async with serving(cluster) as world:
            anybody = nobody(world)
            await world.log.line("Nodes and pods are known")
            ready, live, well = await anybody.together("/readyz", "/livez", "/healthz")
            assert (ready.code, live.code, well.code) == (500, 200, 200)
            assert b"[-]metric-storage-ready failed: " in ready.body
            for kubelet in cluster.fleet:
                kubelet.fault = None
            await world.measured()
            replies = await anybody.together("/readyz", "/livez", "/healthz")
    assert [plain(reply) for reply in replies] == [(200, TEXT, b"ok", "nosniff")] * 3


def plain(reply: Reply) -> tuple[int, str, bytes, str]:
    return reply.code, reply.type, reply.body, reply.header("X-Content-Type-Options")
