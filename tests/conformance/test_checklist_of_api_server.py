"""The short checklist of what an API server owes its callers, statement by statement, against the whole server."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from tests.conformance.additions import WIDE, WIDE_PODS, add_wide_pods
from tests.conformance.programs import TABLE
from tests.conformance.wire import (
    JSON,
    NODES,
    PROTOBUF,
    TEXT,
    YAML,
    accept,
    master,
    nobody,
    pods_in,
    proxied,
    with_certificate,
)
from tests.whole.callers import CUT
from tests.whole.waiting import eventually
from tests.whole.world import HOST, World, running, serving, simulated

from kubevitals.app import Server
from kubevitals.quantity import format_time
from kubevitals.simulator import pki, roles
from kubevitals.simulator.cluster import Cluster
from kubevitals.simulator.kinds import CONFIG_MAPS
from kubevitals.simulator.rbac import MASTERS
from kubevitals.simulator.templates import FRONT_PROXY_NAME
from kubevitals.simulator.workload import Reading

pytestmark = pytest.mark.asyncio(loop_scope="module")

READER = "system:aggregated-metrics-reader"
UNAUTHORIZED = (
    b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
    b'"message":"Unauthorized","reason":"Unauthorized","code":401}\n'
)
NOT_ALLOWED = (
    b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
    b'"message":"the server does not allow this method on the requested resource",'
    b'"reason":"MethodNotAllowed","details":{},"code":405}\n'
)
NO_WATCH = (
    b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
    b'"message":"watch is not supported on resources of kind \\"nodes.metrics.k8s.io\\"",'
    b'"reason":"MethodNotAllowed","details":{"group":"metrics.k8s.io","kind":"nodes"},"code":405}\n'
)
READY = (
    "[+]ping ok\n[+]log ok\n[+]poststarthook/max-in-flight-filter ok\n"
    "[+]poststarthook/storage-object-count-tracker-hook ok\n[+]metric-storage-ready ok\n"
    "[+]metric-informer-sync ok\n[+]metadata-informer-sync ok\n[+]shutdown ok\nreadyz check passed\n"
)
LIVE = (
    "[+]ping ok\n[+]log ok\n[+]poststarthook/max-in-flight-filter ok\n"
    "[+]poststarthook/storage-object-count-tracker-hook ok\n[+]metric-collection-timely ok\n"
    "[+]metadata-informer-sync ok\nlivez check passed\n"
)


def forbidden_nodes(user: str) -> bytes:
    """The body of the answer to a list of nodes that a user may not have."""
    sentence = (
        f'nodes.metrics.k8s.io is forbidden: User "{user}" cannot list resource "nodes" '
        'in API group "metrics.k8s.io" at the cluster scope'
    )
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": sentence}
    details = {"group": "metrics.k8s.io", "kind": "nodes"}
    return _compact({**status, "reason": "Forbidden", "details": details, "code": 403})


def _compact(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


async def test_checklist_of_api_server_01_nobody_may_probe_and_nothing_else(world: World) -> None:
    """Without credentials there are the probes, and a 403 that names the anonymous user; bad ones are a 401."""
    live, listed = await nobody(world).together("/livez", NODES)
    refused = await nobody(world, ("Authorization", "Bearer nonsense")).get(NODES)
    refused_probe = await nobody(world, ("Authorization", "Bearer nonsense")).get("/livez")

    assert (live.code, live.body, live.type) == (200, b"ok", TEXT)
    assert (listed.code, listed.body) == (403, forbidden_nodes("system:anonymous"))
    assert listed.header("X-Content-Type-Options") == "nosniff"
    assert (refused.code, refused.body, refused.type) == (401, UNAUTHORIZED, JSON)
    assert refused.all("WWW-Authenticate") == []
    assert refused_probe.code == 401, "authentication comes before the list of open paths"


async def test_checklist_of_api_server_02_only_the_front_proxy_speaks_for_others(world: World) -> None:
    """Identity headers count with the front proxy's certificate, and with no other and with none."""
    headers = [("X-Remote-User", "root"), ("X-Remote-Group", MASTERS)]
    stranger = pki.Authority("somebody", now=time.time).client(FRONT_PROXY_NAME)
    unlisted = world.cluster.front_proxy.client("somebody-else")

    jane = await with_certificate(world, world.cluster.client("jane"), *headers).get(NODES)
    other = await with_certificate(world, unlisted, *headers).get(NODES)
    unproved = await nobody(world, *headers).get(NODES)

    assert (jane.code, jane.body) == (403, forbidden_nodes("jane"))
    assert (other.code, other.body) == (401, UNAUTHORIZED)
    assert (unproved.code, unproved.body) == (403, forbidden_nodes("system:anonymous"))
    with pytest.raises(CUT):  # where the Go server goes on and answers 401, the handshake fails here
        await with_certificate(world, stranger, *headers).get(NODES)


async def test_checklist_of_api_server_03_groups_come_line_by_line(world: World) -> None:
    """Every line is one group, commas and all; an underscore is no hyphen; being authenticated is added."""
    more = [("X-Remote-Group", "b,c"), ("X_Remote_Group", MASTERS), ("X-Remote_Group", MASTERS)]

    reply = await proxied(world, "grouped", ["a", "a"], *more).get(NODES)

    assert reply.code == 403
    assert [spec["groups"] for spec in world.reviews("grouped")] == [["a", "a", "b,c", "system:authenticated"]]


async def test_checklist_of_api_server_04_trust_follows_its_config_map() -> None:
    """Both authorities and the allowed names change while the server runs, and outlive their ConfigMap."""
    async with running() as world:
        await world.measured()
        world.grant(roles.binding("jane-reads", READER, [roles.user("jane")]))
        clients, proxies = (pki.Authority(name, now=time.time) for name in ("clients", "proxies"))
        before = (with_certificate(world, world.cluster.client("jane")), master(world))
        after = (
            with_certificate(world, clients.client("jane")),
            proxied(world, "root", [MASTERS], pair=proxies.client("new-name")),
        )
        assert await codes(*before) == [200, 200]
        world.publish(
            client_ca_file=clients.pem.decode(),
            requestheader_client_ca_file=proxies.pem.decode(),
            requestheader_allowed_names='["new-name"]',
        )
        await eventually(lambda: all_known(after))
        assert await codes(*before) == [0, 0]
        world.cluster.registry.delete(CONFIG_MAPS, "extension-apiserver-authentication", "kube-system")
        await world.log.line("Something needs attention")
        assert await codes(*after) == [200, 200]


async def all_known(callers: Any) -> bool:
    return await codes(*callers) == [200, 200]


async def codes(*callers: Any) -> list[int]:
    """The codes of lists of nodes; 0 where there is no answer."""
    found = []
    for caller in callers:
        try:
            found.append((await caller.get(NODES)).code)
        except CUT:
            found.append(0)
    return found


async def test_checklist_of_api_server_05_decisions_are_remembered(world: World) -> None:
    """Two equal questions within ten seconds are one review; without reviews it is a 500; masters need none."""
    world.grant(roles.binding("may-read", READER, [roles.user("allowed")]))
    allowed, denied = proxied(world, "allowed"), proxied(world, "denied")

    assert [(await caller.get(NODES)).code for caller in (allowed, allowed, denied, denied)] == [200, 200, 403, 403]
    assert [len(world.reviews(user)) for user in ("allowed", "denied")] == [1, 1]
    await master(world).get(NODES)
    assert world.reviews("root") == []
    world.cluster.api.faults.reviews_fail = True
    try:
        failed = await proxied(world, "unlucky").get(f"{NODES}?labelSelector=a%3Cb&limit=1")
        remembered, needless = await allowed.get(NODES), await master(world).get(NODES)
    finally:
        world.cluster.api.faults.reviews_fail = False
    assert (failed.code, failed.type, failed.header("X-Content-Type-Options")) == (500, TEXT, "nosniff")
    assert failed.body.startswith(f'Internal Server Error: "{NODES}?labelSelector=a%3Cb&amp;limit=1": '.encode())
    assert failed.body.endswith(b"\n")
    assert (remembered.code, needless.code) == (200, 200)


async def test_checklist_of_api_server_06_probes_name_their_checks() -> None:
    """The long forms are the same to the byte; a server that was told to stop is alive and not ready."""
    async with running("--shutdown-delay-duration=2s") as world:
        await world.measured()
        ready, live = await nobody(world).together("/readyz?verbose", "/livez?verbose")
        assert (ready.code, ready.body.decode(), ready.type) == (200, READY, TEXT)
        assert (live.code, live.body.decode(), live.type) == (200, LIVE, TEXT)
        world.server.stop()
        ready, live, well = await nobody(world).together("/readyz", "/livez", "/healthz")
        assert ready.code == 500
        assert b"[-]shutdown failed: " in ready.body
        assert ready.body.endswith(b"readyz check failed\n")
        assert [(reply.code, reply.body) for reply in (live, well)] == [(200, b"ok")] * 2


async def test_checklist_of_api_server_07_every_form_is_served() -> None:
    """Table, metadata alone, YAML, protobuf, gzip above 128 KiB, and indented JSON for people."""
    async with running(resolution=1.0) as world:
        await world.measured()
        asker = master(world)
        await add_wide_pods(world, asker)
        table, metadata, text, wire, plain, packed, indented, curled = [
            await asker.get(pods_in(WIDE) + query, *lines)
            for query, lines in (
                ("", [accept(TABLE)]),
                ("", [accept("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")]),
                ("", [accept(YAML)]),
                ("", [accept(PROTOBUF)]),
                ("", [accept(JSON), ("Accept-Encoding", "identity")]),
                ("", [accept(JSON), ("Accept-Encoding", "gzip")]),
                ("?pretty", [("User-Agent", "kubectl")]),
                ("", [("User-Agent", "curl/8.5.0")]),
            )
        ]
        small = await asker.get(NODES, ("Accept-Encoding", "gzip"))
        pretty = await asker.get(f"{NODES}?pretty=true")
    assert (table.type, table.document["kind"], len(table.document["rows"])) == (JSON, "Table", WIDE_PODS)
    assert (metadata.type, metadata.document["kind"]) == (JSON, "PartialObjectMetadataList")
    assert (text.type, len(text.names)) == (YAML, WIDE_PODS)
    assert (wire.type, len(wire.names)) == (PROTOBUF, WIDE_PODS)
    assert len(plain.body) > 128 * 1024
    assert (plain.header("Content-Encoding"), plain.all("Vary")) == ("", [])
    assert (packed.header("Content-Encoding"), packed.all("Vary")) == ("gzip", ["Accept-Encoding"])
    assert len(packed.names) == WIDE_PODS
    assert (small.header("Content-Encoding"), small.all("Vary")) == ("", [])
    for reply in (pretty, curled):
        assert reply.body.startswith(b'{\n  "kind": ')
        assert reply.body.endswith(b"\n}")
    assert indented.body.startswith(b'{"kind":'), "an empty parameter asks for nothing"


async def test_checklist_of_api_server_08_what_is_not_there_is_said_in_the_usual_words(world: World) -> None:
    """Other methods and watches are 405, and a path that nobody serves is a 404 that lists those that are served."""
    asker = master(world)

    head, post = [await asker.get(NODES, method=method) for method in ("HEAD", "POST")]
    watch, unknown, root = await asker.together(f"{NODES}?watch=1", "/nowhere", "/")

    assert (head.code, head.body, head.header("Content-Length")) == (405, b"", str(len(NOT_ALLOWED)))
    assert (post.code, post.body, post.all("Allow")) == (405, NOT_ALLOWED, [])
    assert (watch.code, watch.body) == (405, NO_WATCH)
    assert (unknown.code, unknown.type, unknown.body) == (404, JSON, root.body)
    assert root.body.startswith(b'{\n  "paths": [\n    "/apis",\n    "/apis/metrics.k8s.io",\n')
    assert root.body.endswith(b'    "/version"\n  ]\n}')


async def test_checklist_of_api_server_09_a_mounted_certificate_needs_no_restart(tmp_path: Path) -> None:
    """When the link of a mounted secret is turned to new files, new connections see the new pair within a minute."""
    async with simulated() as cluster:
        mount(tmp_path, "first", cluster)
        flags = f"--tls-cert-file={tmp_path}/tls.crt", f"--tls-private-key-file={tmp_path}/tls.key"
        async with serving(cluster, *flags, without=["--tls-cert-file", "--tls-private-key-file"]) as world:
            assert await shown(world) == serial(tmp_path)
            mount(tmp_path, "second", cluster)
            await eventually(lambda: is_shown(world, serial(tmp_path)))
            assert world.log.troubles() == []
    usual = inspect.signature(Server).parameters["reload_every"].default
    assert usual <= 60


def mount(folder: Path, name: str, cluster: Cluster) -> None:
    """Put a serving certificate into a folder as the kubelet puts a secret there: two links, one turned at once."""
    pair = cluster.authority.serving("metrics-server", ["metrics-server.kube-system.svc", "127.0.0.1"])
    version = folder / f"..{name}"
    version.mkdir()
    (version / "tls.crt").write_bytes(pair.certificate)
    (version / "tls.key").write_bytes(pair.key)
    turned = folder / "..data_tmp"
    turned.symlink_to(version.name)
    turned.rename(folder / "..data")
    for file in ("tls.crt", "tls.key"):
        if not (folder / file).is_symlink():
            (folder / file).symlink_to(f"..data/{file}")


def serial(folder: Path) -> int:
    return x509.load_pem_x509_certificate((folder / "tls.crt").read_bytes()).serial_number


async def is_shown(world: World, number: int) -> bool:
    return await shown(world) == number


async def shown(world: World) -> int:
    """Return the serial number of the certificate that a new connection is shown."""
    _, writer = await asyncio.open_connection(HOST, world.port, ssl=nobody(world).context)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return x509.load_der_x509_certificate(der).serial_number


async def test_checklist_of_api_server_10_rates_are_the_worked_examples() -> None:
    """Two points of a node become the rate, memory, window and time that the published example works out.

    All examples, and the tables of quantities and durations, are in tests/store/test_points_examples.py and
    tests/test_quantity.py; this one goes the whole way from a kubelet's text to a client's JSON.
    """
    async with running() as world:
        await world.measured()
        asker = master(world)
        began = int(time.time() - 60) * 1000
        machine = world.cluster.pods.machine("node-3")
        machine.set_node(Reading(began, 4_710_169_000, 12533760))
        await world.scraped("node-3")
        await world.scraped("node-3")
        machine.set_node(Reading(began + 15_012, 4_833_912_000, 12533760))

        async def arrived() -> dict[str, Any] | None:
            found = (await asker.get(f"{NODES}/node-3")).document
            return found if found.get("window") == "15.012s" else None

        found = await eventually(arrived)
    assert found["usage"] == {"cpu": "8242938n", "memory": "12240Ki"}
    assert found["timestamp"] == format_time(began + 15_012)
