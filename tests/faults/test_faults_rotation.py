"""Certificates, names and tokens are replaced while clients ask without pause, and no request fails that need not."""

from __future__ import annotations

import asyncio
import ssl
import time

import pytest
from cryptography import x509
from tests.whole.callers import CUT, NODES, PODS
from tests.whole.waiting import Watched, eventually, watching
from tests.whole.world import HOST, POD_NAMES, World, certify, running

from kubevitals.simulator import pki, roles
from kubevitals.simulator.cluster import Plan
from kubevitals.simulator.faults import KubeletFault
from kubevitals.simulator.files import replace
from kubevitals.simulator.templates import FRONT_PROXY_NAME

READER = "system:aggregated-metrics-reader"
TRUST_CHANGED = "The authorities or headers that identify callers changed"
FAILED = "Node cannot be scraped"
NEVER_REMEMBER = "--authorization-webhook-cache-authorized-ttl=0s"
KEEPING = "Keeping the last good content; mend the file, it is read again"


def wrong(*watched: Watched) -> list[object]:
    """The answers that were not 200."""
    return [answer for each in watched for answer in each.answers if answer != 200]


async def published(world: World, **changes: str) -> None:
    """Change the ConfigMap, and wait until the server has taken it over."""
    known = len(world.log.lines(TRUST_CHANGED))
    world.publish(**changes)
    await eventually(lambda: len(world.log.lines(TRUST_CHANGED)) > known)


async def test_the_front_proxys_authority_can_be_replaced(still: World) -> None:
    """Old and new together, then the new one alone: requests through the API server never fail."""
    cluster = still.cluster
    await cluster.wait_available()
    admin, old = still.admin(), cluster.front_proxy
    before = still.master()
    new = pki.Authority("front-proxy-ca", now=time.time)
    async with watching(lambda: admin.code(PODS)) as watched:
        await published(still, requestheader_client_ca_file=(old.pem + new.pem).decode())
        cluster.front_proxy = new
        cluster.aggregator.present(new.client(FRONT_PROXY_NAME))
        await watched.more()
        assert await before.code(PODS) == 200
        await published(still, requestheader_client_ca_file=new.pem.decode())
        assert await before.code(PODS) == 401  # on the connection that it kept
        with pytest.raises(CUT):
            await still.proxied("root", pair=old.client(FRONT_PROXY_NAME)).ask(PODS)
        await watched.more()
    assert wrong(watched) == []
    assert await still.master().names(PODS) == POD_NAMES


async def test_the_front_proxys_authority_can_be_replaced_at_once(still: World) -> None:
    """Without any overlap the API server's requests work again as soon as the ConfigMap has arrived."""
    await still.cluster.wait_available()
    admin = still.admin()
    assert await admin.names(PODS) == POD_NAMES
    still.cluster.rotate_front_proxy()

    async def works() -> bool:
        return await admin.code(PODS) == 200

    await eventually(works)
    assert await still.master().names(PODS) == POD_NAMES


async def test_the_front_proxys_name_can_be_replaced(still: World) -> None:
    """A new allowed name counts from the moment it is published, and the old one no longer."""
    old, authority = still.master(), still.cluster.front_proxy
    new = still.proxied("root", ["system:masters"], pair=authority.client("new-name"))
    assert await new.code(PODS) == 401
    async with watching(lambda: old.code(PODS)) as watched:
        await published(still, requestheader_allowed_names=f'["new-name","{FRONT_PROXY_NAME}"]')
        assert await new.names(PODS) == POD_NAMES
    await published(still, requestheader_allowed_names='["new-name"]')
    assert await old.code(PODS) == 401
    assert await new.names(PODS) == POD_NAMES
    assert wrong(watched) == []


async def test_the_client_authority_can_be_replaced(still: World) -> None:
    """Users with certificates of the old authority are known until it is no longer published."""
    still.grant(roles.binding("jane-reads", READER, [roles.user("jane")]))
    old, new = still.cluster.authority, pki.Authority("kubernetes", now=time.time)
    before, after = still.direct(old.client("jane")), still.direct(new.client("jane"))
    async with watching(lambda: before.code(PODS)) as watched:
        await published(still, client_ca_file=(old.pem + new.pem).decode())
        assert await after.names(PODS) == POD_NAMES
        await watched.more()
    async with watching(lambda: after.code(PODS)) as later:
        await published(still, client_ca_file=new.pem.decode())
    assert wrong(watched, later) == []
    assert await before.code(PODS) == 401
    with pytest.raises(CUT):
        await still.direct(old.client("jane")).ask(PODS)


async def test_the_token_can_be_replaced() -> None:
    """With the old token revoked, scrapes and reviews go on with the new one after a 401, and nobody notices."""
    plan = Plan(nodes=12, pods=1, housekeeping=0, check_interval=1.0)
    async with running(NEVER_REMEMBER, plan=plan, resolution=1.0) as world:
        fleet = world.cluster.fleet
        nodes = sorted(kubelet.node for kubelet in fleet)
        await world.log.line("Nodes and pods are known")
        world.grant(roles.binding("jane-reads", READER, [roles.user("jane")]))
        jane, master = world.proxied("jane"), world.master()
        async with watching(lambda: jane.code(NODES)) as watched:
            await world.scraped(*nodes)
            for kubelet in fleet:
                kubelet.fault, kubelet.delay = KubeletFault.SLOW, 0.3
            await world.scraped(*nodes)  # they all judge their requests after what follows
            fresh = world.cluster.rotate_token()
            await eventually(lambda: all(fresh in kubelet.tokens for kubelet in fleet))
        assert wrong(watched) == []
        assert world.log.troubles() == []
        series = (await master.ask("/metrics")).body.splitlines()
        assert [line for line in series if line.startswith("rest_client_requests_total{") and 'code="401"' in line]


async def test_a_revoked_token_fails_no_review(still: World) -> None:
    """Of many callers that the API server is asked about with the old token at the same time, none is turned away."""
    still.grant(roles.binding("readers", READER, [roles.group("readers")]))
    callers = [still.proxied(f"reader-{number}", ["readers"]) for number in range(10)]
    still.cluster.rotate_token()
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(caller.names(PODS)) for caller in callers]
    assert [task.result() for task in asked] == [POD_NAMES] * len(callers)
    assert still.log.troubles() == []


async def test_the_serving_certificate_can_be_replaced(still: World) -> None:
    """New connections show the new certificate, old ones live on, and no request fails."""
    master, often = still.master(), still.direct(keep=False)
    before = await shown(still)
    async with watching(lambda: master.code(PODS)) as kept, watching(lambda: often.code("/livez")) as fresh:
        certify(still.cluster)
        await eventually(lambda: differs(still, before))
    assert wrong(kept, fresh) == []
    assert still.log.troubles() == []


async def test_a_broken_serving_certificate_is_not_used(still: World) -> None:
    """A certificate without its key is logged once while the last good pair stays, until the files are mended."""
    before, key = await shown(still), still.cluster.files.directory / "serving.key"
    often = still.direct(keep=False)
    async with watching(lambda: often.code("/livez")) as fresh:
        replace(key, b"no key at all")
        line = await still.log.line(KEEPING)
        await fresh.more(20)  # the files are read again meanwhile
        assert await shown(still) == before
        assert still.log.lines(KEEPING) == [line]
        assert str(key) in line["problem"]
        certify(still.cluster)
        await eventually(lambda: differs(still, before))
    assert wrong(fresh) == []


async def shown(world: World) -> int:
    """Return the serial number of the certificate that a new connection is shown."""
    context = pki.client_context(world.cluster.authority.pem)
    _, writer = await asyncio.open_connection(HOST, world.port, ssl=context)
    connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
    der = connection.getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    assert der is not None
    return x509.load_der_x509_certificate(der).serial_number


async def differs(world: World, before: int) -> bool:
    return await shown(world) != before


async def test_the_kubelets_authority_can_be_replaced(world: World) -> None:
    """The CA file is read again: with old and new, then with new alone, no scrape fails."""
    cluster, file = world.cluster, world.cluster.files.ca
    master, old, new = world.master(), world.cluster.authority, pki.Authority("kubelet-ca", now=time.time)
    async with watching(lambda: master.code(NODES)) as watched:
        for content in (old.pem + new.pem, new.pem):
            connected = {kubelet.node: kubelet.connections for kubelet in cluster.fleet}
            cluster.nodes.renew_certificates(new if content == new.pem else old)
            replace(file, content)
            await eventually(lambda before=connected: all(k.connections > before[k.node] for k in cluster.fleet))
            await world.scraped()
    assert wrong(watched) == []
    assert world.log.troubles() == []


async def test_a_broken_kubelet_authority_is_not_used(world: World) -> None:
    """A CA file without a certificate is logged once, and the last good one goes on to be used."""
    replace(world.cluster.files.ca, b"nothing")
    line = await world.log.line(KEEPING)
    await world.cluster.nodes.stop_kubelet("node-2")
    await world.cluster.nodes.start_kubelet("node-2")
    await world.scraped()
    await world.scraped()
    assert str(world.cluster.files.ca) in line["problem"]
    assert world.log.lines(KEEPING) == [line]
    assert [each for each in world.log.troubles() if each not in (line, *world.log.lines(cause="refused"))] == []
