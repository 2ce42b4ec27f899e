"""Kubelets over TLS: what they answer, and how they fail."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time

import pytest

from kubevitals.simulator import kubelet, pki, roles, verdicts
from kubevitals.simulator.faults import KubeletFault
from kubevitals.simulator.framing import chunked, read_request, write_response
from kubevitals.simulator.kinds import CLUSTER_ROLE_BINDINGS
from kubevitals.simulator.verdicts import UNAUTHORIZED, Verdict

PATIENCE = 10
NODE = "worker-1"


class Wire:
    """One TLS connection, byte for byte."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def ask(self, path=kubelet.PATH, *, token="", headers=()) -> tuple[int, dict[str, str], bytes]:
        await self.send(path, token=token, headers=headers)
        return await self.answer()

    async def send(self, path=kubelet.PATH, *, token="", headers=()) -> None:
        lines = [f"GET {path} HTTP/1.1", "Host: x", *headers]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            if "content-length" in headers:
                body = await self.reader.readexactly(int(headers["content-length"]))
            else:
                body = await self._chunks()
            if headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
        return int(head[0].split()[1]), headers, body

    async def _chunks(self) -> bytes:
        parts = []
        while size := int(await self.reader.readline(), 16):
            parts.append(await self.reader.readexactly(size))
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return b"".join(parts)

    async def rest(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (ConnectionError, ssl.SSLError):
            pass


@pytest.fixture
async def connect(cluster):
    """Returns a connector to a node's kubelet."""
    wires = []

    async def make(node=NODE, *, name=None, authority=None) -> Wire:
        address = cluster.nodes.address(node)
        context = pki.client_context((authority or cluster.authority).pem)
        streams = asyncio.open_connection(address, cluster.fleet.port, ssl=context, server_hostname=name or address)
        wires.append(Wire(*await asyncio.wait_for(streams, PATIENCE)))
        return wires[-1]

    yield make
    for wire in wires:
        await wire.close()


@pytest.fixture
def token(cluster):
    return cluster.files.token.read_text()


# --- pure ---------------------------------------------------------------------------------------------------


def test_short_answers_carry_their_length_and_long_ones_are_chunked():
    """Up to 2 KB an answer has Content-Length, as from Go's server."""
    assert b"Content-Length: 2048\r\n" in write_response(200, "t", b"x" * 2048, compress=False)
    long = write_response(200, "t", b"x" * 2049, compress=False)
    assert b"Transfer-Encoding: chunked\r\n\r\n801\r\n" in long
    assert b"Content-Length" not in long
    assert chunked(b"abc") == b"3\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize("head", [b"", b"GET /", b"GET / SPDY/3", b"a b c d"])
def test_what_is_no_request(head):
    """Only HTTP/1 requests are understood."""
    assert read_request(head) is None


def test_a_request_is_read():
    """Method, path without query, and headers by lower-case name."""
    request = read_request(b"GET /metrics/resource?x=1 HTTP/1.1\r\nAccept-Encoding: gzip\r\nX: a:b")
    assert request == ("GET", "/metrics/resource", {"accept-encoding": "gzip", "x": "a:b"})


# --- over the wire ------------------------------------------------------------------------------------------


async def test_a_scrape(cluster, connect, token):
    """With a good token a kubelet answers with metrics of its containers, again and again on one connection."""
    wire = await connect()
    for _ in range(2):
        status, headers, body = await wire.ask(token=token)
        assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert headers["transfer-encoding"] == "chunked"
        assert body.count(b"\ncontainer_cpu_usage_seconds_total{") == 4
        assert body.endswith(b"resource_scrape_error 0\n")
    assert (cluster.fleet[NODE].requests, cluster.fleet[NODE].connections) == (2, 1)
    assert cluster.fleet[NODE].tokens == {token}


async def test_a_body_can_be_compressed(connect, token):
    """A scraper that takes gzip gets it."""
    status, headers, body = await (await connect()).ask(token=token, headers=["Accept-Encoding: gzip"])
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert b"node_cpu_usage_seconds_total " in body


async def test_counters_grow_between_scrapes(connect, token):
    """The node has used more CPU a moment later, and says when it was measured."""

    async def node():
        _, _, body = await wire.ask(token=token)
        line = next(line for line in body.splitlines() if line.startswith(b"node_cpu"))
        return [float(part) for part in line.split()[1:]]

    wire = await connect()
    first = second = await node()
    async with asyncio.timeout(PATIENCE):
        while second[1] == first[1]:
            second = await node()
    assert second[0] > first[0]
    assert abs(second[1] / 1000 - time.time()) < 5


@pytest.mark.parametrize("token", ["", "nonsense"])
async def test_without_a_good_token_a_scrape_is_401(connect, token):
    """Neither anonymous nor unknown callers get metrics."""
    assert (await (await connect()).ask(token=token))[::2] == (401, b"Unauthorized")


async def test_without_the_right_a_scrape_is_403(cluster, connect, token):
    """A service account that may not read nodes/metrics is named in the refusal."""
    cluster.registry.delete(CLUSTER_ROLE_BINDINGS, "system:metrics-server")
    status, _, body = await (await connect()).ask(token=token)
    assert (status, body.decode()) == (
        403,
        "Forbidden (user=system:serviceaccount:kube-system:metrics-server, verb=get, resource=nodes, "
        "subresource(s)=[metrics])\n",
    )
    cluster.registry.create(
        *roles.binding("again", "system:metrics-server", [roles.service_account("metrics-server", "kube-system")])
    )
    assert (await (await connect()).ask(token=token))[0] == 200


async def test_other_paths_are_not_found(connect, token):
    """Only the metrics path is served, without a slash at its end."""
    wire = await connect()
    for path in ("/", "/metrics/resource/", "/metrics/nodes/none/metrics/resource"):
        assert (await wire.ask(path, token=token))[0] == 404


async def test_a_head_that_is_none_is_refused(connect):
    """Garbage gets 400 and the end of the connection; a head without end just the latter."""
    wire = await connect()
    wire.writer.write(b"what?\r\n\r\n")
    assert (await wire.answer())[0] == 400
    assert await wire.rest() == b""
    wire = await connect()
    wire.writer.write(b"x" * 20_000)
    assert await wire.rest() == b""


async def test_a_request_may_come_in_pieces(connect, token):
    """Where the network cuts a request does not matter, and two at once are answered in order."""
    wire = await connect()
    whole = f"GET {kubelet.PATH} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode() * 2
    for at in range(0, len(whole), 97):
        wire.writer.write(whole[at : at + 97])
        await wire.writer.drain()
    assert [(await wire.answer())[0] for _ in range(2)] == [200, 200]


async def test_certificates_name_address_and_node(connect, cluster):
    """A kubelet can be verified by its address and by its node's name, and by no other."""
    assert (await connect()).writer is not None
    assert (await connect(name=NODE)).writer is not None
    with pytest.raises(ssl.SSLCertVerificationError):
        await connect(name="worker-2")


async def test_one_listener_can_play_many_nodes(make_cluster, tmp_path):
    """On a shared address the path of the annotation tells nodes apart."""
    async with make_cluster(nodes=2, shared_address=True) as cluster:
        token = cluster.files.token.read_text()
        context = pki.client_context(cluster.authority.pem)
        assert cluster.nodes.address("worker-1") == cluster.nodes.address("worker-2")
        wire = Wire(*await asyncio.open_connection("127.0.0.1", cluster.fleet.port, ssl=context))
        bodies = [(await wire.ask(f"/metrics/nodes/worker-{i}/metrics/resource", token=token))[2] for i in (1, 2)]
        own = [cluster.pods.of(f"worker-{i}")[0]["metadata"]["name"].encode() for i in (1, 2)]
        assert [[name in body for name in own] for body in bodies] == [[True, False], [False, True]]
        assert (await wire.ask(token=token))[0] == 404
        await wire.close()


# --- faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "start"),
    [
        (KubeletFault.UNAUTHORIZED, 401, b"Unauthorized"),
        (KubeletFault.FORBIDDEN, 403, b"Forbidden (user=system:serviceaccount:kube-system:metrics-server, verb=get"),
        (KubeletFault.ERROR, 500, b"An error has occurred while serving metrics:\n"),
        (KubeletFault.HTML, 200, b"<!doctype html>"),
        (KubeletFault.GARBAGE, 200, b"\x00\x01\x02"),
    ],
)
async def test_wrong_answers(cluster, connect, token, fault, status, start):
    """A fault answers in its own way, and goes away with the fault."""
    cluster.fleet[NODE].fault = fault
    wire = await connect()
    found = await wire.ask(token=token)
    assert (found[0], found[2][: len(start)]) == (status, start)
    cluster.fleet[NODE].fault = None
    assert (await wire.ask(token=token))[0] == 200


async def test_nothing_is_an_answer_too(cluster, connect, token):
    """The connection closes without a byte."""
    cluster.fleet[NODE].fault = KubeletFault.NOTHING
    wire = await connect()
    await wire.send(token=token)
    assert await wire.rest() == b""


async def test_half_a_body(cluster, connect, token):
    """The connection closes within the body, which is chunked and has no end."""
    cluster.fleet[NODE].fault = KubeletFault.HALF_BODY
    wire = await connect()
    await wire.send(token=token)
    received = await wire.rest()
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert not received.endswith(b"0\r\n\r\n")


async def test_an_endless_body(cluster, connect, token):
    """More comes for as long as anyone reads, and no more than that is kept ready."""
    cluster.fleet[NODE].fault = KubeletFault.ENDLESS
    wire = await connect()
    await wire.send(token=token)
    async with asyncio.timeout(PATIENCE):
        assert len(await wire.reader.readexactly(4 << 20)) == 4 << 20


async def test_a_slow_answer(cluster, connect, token):
    """The answer comes after the delay, if anyone still waits for it."""
    cluster.fleet[NODE].fault, cluster.fleet[NODE].delay = KubeletFault.SLOW, 0.05
    impatient = await connect()
    await impatient.send(token=token)
    await impatient.close()
    wire = await connect()
    started = time.monotonic()
    assert (await wire.ask(token=token))[0] == 200
    assert time.monotonic() - started >= 0.05


async def test_a_silent_kubelet(cluster, connect, token):
    """A request is read and never answered."""
    cluster.fleet[NODE].fault = KubeletFault.SILENT
    wire = await connect()
    await wire.send(token=token)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await wire.reader.read(1)
    assert cluster.fleet[NODE].requests == 1


async def test_a_kubelet_can_be_down(cluster, connect, token):
    """Its connections are cut and new ones refused, until it is back on the same address and port."""
    wire = await connect()
    await cluster.nodes.stop_kubelet(NODE)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await wire.ask(token=token)
    with pytest.raises(ConnectionRefusedError):
        await connect()
    await cluster.nodes.start_kubelet(NODE)
    assert (await (await connect()).ask(token=token))[0] == 200


async def test_certificates_can_go_wrong(cluster, connect):
    """One kubelet can have any certificate: expired, for another name, or of another authority."""
    address = cluster.nodes.address(NODE)
    for pair in (
        cluster.authority.serving("x", [address], lifetime=-60),
        cluster.authority.serving("x", ["elsewhere"]),
        cluster.front_proxy.serving("x", [address]),
    ):
        await cluster.nodes.certify(NODE, pair)
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect()


async def test_certificates_can_be_rotated(cluster, connect, token):
    """New connections see new certificates, while open ones go on."""
    wire = await connect()
    before = wire.writer.get_extra_info("ssl_object").getpeercert(True)
    cluster.rotate_kubelet_certificates()
    after = (await connect()).writer.get_extra_info("ssl_object").getpeercert(True)
    assert before != after
    assert (await wire.ask(token=token))[0] == 200


def test_verdicts():
    """What the webhooks say is a code and a body."""
    assert Verdict(401, "Unauthorized") == UNAUTHORIZED
    assert verdicts.forbidden("jane").body.startswith("Forbidden (user=jane, verb=get, ")
