"""What TLS can refuse, over real handshakes."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import threading
from contextlib import contextmanager, suppress

import pytest
import trustme

from kubevitals.errors import ScrapeError
from kubevitals.scraper.pins import Pins
from kubevitals.scraper.target import Target
from kubevitals.tls.client import client_context

PAST = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
FUTURE = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)


async def failure_of(client, kubelet, address="127.0.0.1", *, node="node-a", scheme=None):
    async with client:
        with pytest.raises(ScrapeError) as raised:
            await client.fetch(kubelet.target(node, scheme=scheme), address)
    return raised.value


@pytest.mark.parametrize(
    ("names", "address", "cause"),
    [
        (["10.0.0.1"], "127.0.0.1", "san_ip"),
        (["node-a"], "127.0.0.1", "san_ip"),
        (["node-a", "127.0.0.1"], "localhost", "san_host"),
    ],
)
async def test_a_certificate_must_name_the_address(kubelets, serve_tls, client_of, names, address, cause):
    """By default the dialled address is verified, as metrics-server does."""
    async with kubelets(tls=serve_tls(*names)) as kubelet:
        assert (await failure_of(client_of(), kubelet, address)).cause == cause


async def test_node_names_can_be_verified_instead(kubelets, serve_tls, client_of):
    """With --kubelet-tls-server-name=node-name a kubelet's default certificate is verifiable by IP."""
    async with (
        kubelets(tls=serve_tls("node-a")) as kubelet,
        client_of(tls_server_name="node-name") as client,
    ):
        assert (await client.fetch(kubelet.target("node-a"), "127.0.0.1")).body == kubelets.BODY


async def test_another_nodes_certificate_is_refused(kubelets, serve_tls, client_of):
    """A node cannot answer in another one's name."""
    async with kubelets(tls=serve_tls("node-b")) as kubelet:
        error = await failure_of(client_of(tls_server_name="node-name"), kubelet)

    assert error.cause == "san_host"


async def test_an_unknown_ca_is_refused(kubelets, serve_tls, client_of):
    """A certificate of another CA is told as that."""
    async with kubelets(tls=serve_tls(by=trustme.CA())) as kubelet:
        assert (await failure_of(client_of(), kubelet)).cause == "unknown_ca"


async def test_a_kubelets_own_certificate_is_self_signed(kubelets, client_of, tmp_path):
    """kubelet.crt holds the leaf and its throw-away CA: told as self-signed, whatever else is wrong."""
    own = trustme.CA()
    leaf = own.issue_cert("node-a")
    chain = tmp_path / "kubelet.crt"
    chain.write_bytes(leaf.private_key_and_cert_chain_pem.bytes() + own.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    async with kubelets(tls=context) as kubelet:
        assert (await failure_of(client_of(), kubelet)).cause == "self_signed"


@pytest.mark.parametrize(
    ("validity", "cause"),
    [
        ({"not_before": PAST, "not_after": PAST + datetime.timedelta(days=1)}, "expired"),
        ({"not_before": FUTURE, "not_after": FUTURE + datetime.timedelta(days=1)}, "not_yet_valid"),
    ],
)
async def test_a_certificate_out_of_its_time_is_refused(kubelets, serve_tls, client_of, validity, cause):
    """Expired and not yet valid are different faults: one of the node, one of a clock."""
    async with kubelets(tls=serve_tls("127.0.0.1", **validity)) as kubelet:
        assert (await failure_of(client_of(), kubelet)).cause == cause


async def test_verification_can_be_given_up(kubelets, serve_tls, client_of):
    """With --kubelet-insecure-tls any certificate will do."""
    context = client_context(None, insecure=True)
    async with (
        kubelets(tls=serve_tls("elsewhere", by=trustme.CA())) as kubelet,
        client_of(context=lambda: context) as client,
    ):
        assert (await client.fetch(kubelet.target(), "127.0.0.1")).body == kubelets.BODY


@contextmanager
def rude_server(speak):
    """Serve one connection in a thread; ``speak(socket)`` says what it likes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with suppress(OSError):
                accepted, _ = listener.accept()
                with accepted:
                    speak(accepted)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join(5)


async def failure_at(client, port):
    async with client:
        with pytest.raises(ScrapeError) as raised:
            await client.fetch(Target("n", ("127.0.0.1",), port), "127.0.0.1")
    return raised.value


@pytest.mark.parametrize(
    ("alert", "cause"),
    [
        (80, "no_serving_cert"),
        (112, "no_serving_cert"),
        (70, "tls_mismatch"),
        (40, "tls_mismatch"),
        (42, "client_cert"),
    ],
)
async def test_alerts_in_the_handshake_are_told_apart(client_of, alert, cause):
    """A pending serving certificate, versions and ciphers that do not meet, and a wanted client certificate."""

    def speak(sock):
        sock.recv(4096)
        sock.sendall(bytes([0x15, 3, 3, 0, 2, 2, alert]))
        sock.recv(1)

    with rude_server(speak) as port:
        assert (await failure_at(client_of(), port)).cause == cause


async def test_a_client_certificate_that_is_demanded_is_told(client_of, serve_tls):
    """TLS 1.3 demands one only after the handshake, in place of a response."""

    def speak(sock):
        context = serve_tls()
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        with suppress(ssl.SSLError):
            context.wrap_socket(sock, server_side=True).close()

    with rude_server(speak) as port:
        error = await failure_at(client_of(), port)
        assert (error.cause, error.detail) == (
            "client_cert",
            "waiting for the response ended with TLSV13_ALERT_CERTIFICATE_REQUIRED",
        )


async def test_https_to_a_port_without_tls_is_told(client_of):
    """A plain HTTP or SSH port is recognised by what it says first."""

    def speak(sock):
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        sock.recv(4096)
        sock.recv(1)

    with rude_server(speak) as port:
        assert (await failure_at(client_of(), port)).cause == "not_tls"


@pytest.mark.parametrize("reset", [True, False])
async def test_a_peer_that_hangs_up_in_the_handshake_is_told(client_of, reset):
    """A reset and a polite end say the same."""

    def speak(sock):
        sock.recv(1)
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        else:
            sock.recv(4096)

    with rude_server(speak) as port:
        assert (await failure_at(client_of(), port)).cause == "closed"


async def test_plain_http_to_a_tls_port_is_told(kubelets, tls, client_of):
    """A TLS port answers plain HTTP with an alert, or hangs up."""
    async with kubelets(tls=tls) as kubelet:
        error = await failure_of(client_of(), kubelet, scheme="http")

    assert error.cause in ("not_http", "closed")


async def test_handshakes_of_many_nodes_all_succeed(kubelets, tls, client_of):
    """Many first scrapes at once take their turns, and none is left out."""
    async with kubelets(tls=tls) as kubelet, client_of() as client, asyncio.TaskGroup() as group:
        tasks = [group.create_task(client.fetch(kubelet.target(f"node-{number}"), "127.0.0.1")) for number in range(30)]

    assert {task.result().body for task in tasks} == {kubelets.BODY}
    assert kubelet.connections == 30


async def test_a_request_larger_than_the_socket_takes_is_sent_whole(client_of, serve_tls):
    """Over TLS, too, sending waits for room, however slowly the kubelet reads."""
    received = []

    def speak(sock):
        with serve_tls().wrap_socket(sock, server_side=True) as secure:
            request = bytearray()
            while b"\r\n\r\n" not in request[-4:]:
                request += secure.recv(65536)
            received.append(len(request))
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async def authorization():
        return "Bearer " + "x" * 8_000_000

    with rude_server(speak) as port:
        async with client_of(authorization=authorization) as client:
            reply = await client.fetch(Target("n", ("127.0.0.1",), port), "127.0.0.1")

    assert reply.body == b""
    assert received[0] > 8_000_000


# --- what a certificate says --------------------------------------------------------------------------------


async def test_a_refusal_tells_what_the_certificate_says(kubelets, serve_tls, client_of):
    """OpenSSL names the first fault of a chain; who the certificate is of and for says what else is wrong with it."""
    other = trustme.CA(organization_name="Elsewhere")
    async with kubelets(tls=serve_tls("node-a", by=other)) as kubelet, client_of() as client:
        details, heads = [], []
        for _ in range(3):
            with pytest.raises(ScrapeError) as raised:
                await client.fetch(kubelet.target(), "127.0.0.1")
            details.append(raised.value.detail)
            heads.append(len(kubelet.heads))
        assert raised.value.cause == "unknown_ca"
        assert details[0].endswith("for DNS:node-a, and not for 127.0.0.1")
        assert "Elsewhere" in details[0]
        assert len(set(details)) == 1
        assert heads == [0, 0, 0], "nothing may be said to a kubelet that is not believed"
        assert kubelet.connections == 1, "it is looked at once, not in every cycle"
        assert client.certificates["node-a"].names == ("DNS:node-a",)
        client.forget("node-a")
        assert client.certificates == {}


async def test_what_was_believed_is_known_too(kubelets, serve_tls, client_of):
    """Until when each kubelet's certificate is valid can be told before it has expired."""
    async with kubelets(tls=serve_tls("127.0.0.1", not_after=FUTURE)) as kubelet, client_of() as client:
        await client.fetch(kubelet.target(), "127.0.0.1")
        shown = client.certificates["node-a"]
        assert (shown.not_after, shown.names) == (FUTURE.timestamp(), ("IP:127.0.0.1",))
        assert shown.days_left(FUTURE.timestamp() - 86400) == 1.0
        assert shown.is_for("127.0.0.1")
        assert not shown.is_for("127.0.0.2")


# --- pins ---------------------------------------------------------------------------------------------------


async def test_a_pinned_kubelet_keeps_its_certificate(kubelets, client_of, tmp_path):
    """Whatever a kubelet shows first is believed without a CA; another one later is not, and gets no token."""
    pins = Pins({}, "the file")
    anything = client_context(None, insecure=True)
    settings = {
        "context": lambda: anything,
        "judge": lambda node, shown: pins.check(node, shown.fingerprint),
    }
    first, second = (trustme.CA().issue_cert("whatever") for _ in range(2))
    contexts = []
    for leaf in (first, second):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        contexts.append(context)

    async def token():
        return "Bearer secret"

    async with kubelets(tls=contexts[0]) as kubelet, client_of(authorization=token, **settings) as client:
        for _ in range(2):
            assert (await client.fetch(kubelet.target(), "127.0.0.1")).body == kubelets.BODY
            client.forget("node-a")
    known = pins.known()
    assert list(known) == ["node-a"]

    async with kubelets(tls=contexts[1]) as kubelet, client_of(authorization=token, **settings) as client:
        with pytest.raises(ScrapeError) as raised:
            await client.fetch(kubelet.target(), "127.0.0.1")
        assert raised.value.cause == "pin_changed"
        assert known["node-a"] in raised.value.detail
        assert "deleting node-a from the file" in raised.value.remedy
        assert kubelet.heads == []
        assert (await client.fetch(kubelet.target("node-b"), "127.0.0.1")).body == kubelets.BODY

        pins.forget("node-a")
        assert (await client.fetch(kubelet.target(), "127.0.0.1")).body == kubelets.BODY
        assert pins.known()["node-a"] == pins.known()["node-b"] != known["node-a"]
