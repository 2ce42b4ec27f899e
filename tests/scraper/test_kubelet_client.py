"""Asking kubelets over real sockets."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from contextlib import asynccontextmanager

import pytest

from kubevitals import __version__
from kubevitals.errors import ConfigError, ScrapeError
from kubevitals.scraper.client import Reply
from kubevitals.scraper.target import Target
from kubevitals.tls.client import client_context


async def failing(client, target, address="127.0.0.1", **how):
    with pytest.raises(ScrapeError) as raised:
        await client.fetch(target, address, **how)
    return raised.value


def closing(data=b""):
    def respond(head, writer):
        writer.write(data)
        writer.close()

    return respond


@pytest.mark.parametrize("shape", [{}, {"compress": True}, {"chunked": True}, {"compress": True, "chunked": True}])
async def test_a_body_arrives_whatever_its_framing(kubelets, tls, client_of, shape):
    """Sized or chunked, compressed or not: the body and its type arrive, with the time of the request."""
    async with (
        kubelets(lambda head, writer: writer.write(kubelets.ok(**shape)), tls=tls) as kubelet,
        client_of() as client,
    ):
        reply = await client.fetch(kubelet.target(), "127.0.0.1")

    assert reply == Reply(kubelets.BODY, "text/plain; version=0.0.4", int(kubelets.NOW * 1000))


async def test_a_large_body_arrives(kubelets, tls, client_of):
    """A body of many TLS records arrives whole."""
    body = os.urandom(1_000_000).hex().encode() + b"\n"
    async with (
        kubelets(lambda head, writer: writer.write(kubelets.ok(body, chunked=True)), tls=tls) as kubelet,
        client_of() as client,
    ):
        assert (await client.fetch(kubelet.target(), "127.0.0.1")).body == body


async def test_the_request_is_what_a_kubelet_expects(kubelets, tls, client_of):
    """Path, host with port, our name and version, and no OpenMetrics."""
    async with kubelets(tls=tls) as kubelet, client_of() as client:
        await client.fetch(kubelet.target(), "127.0.0.1")

    lines = kubelet.heads[0].splitlines()
    assert lines[:3] == [
        "GET /metrics/resource HTTP/1.1",
        f"Host: 127.0.0.1:{kubelet.port}",
        f"User-Agent: kubevitals/{__version__}",
    ]
    assert "openmetrics" not in kubelet.heads[0]


async def test_one_connection_serves_many_requests(kubelets, tls, client_of):
    """The second and every later scrape of a node shakes no hands."""
    async with kubelets(tls=tls) as kubelet, client_of() as client:
        for _ in range(5):
            await client.fetch(kubelet.target(), "127.0.0.1")

        assert (kubelet.connections, len(kubelet.heads), client.connections) == (1, 5, 1)


async def test_each_node_has_a_connection_of_its_own(kubelets, tls, client_of):
    """Nodes behind one address, as KWOK's are, do not share connections."""
    async with kubelets(tls=tls) as kubelet, client_of() as client:
        for node in ("a", "b", "a", "b"):
            await client.fetch(kubelet.target(node), "127.0.0.1")

        assert (kubelet.connections, client.connections) == (2, 2)


@pytest.mark.parametrize("politely", [True, False])
@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_a_connection_that_died_while_idle_is_replaced(kubelets, tls, client_of, scheme, politely):
    """A kubelet closes idle connections; the next scrape does not fail for it."""
    async with kubelets(tls=tls if scheme == "https" else None) as kubelet, client_of() as client:
        await client.fetch(kubelet.target(), "127.0.0.1")
        await kubelet.hang_up(politely=politely)
        reply = await client.fetch(kubelet.target(), "127.0.0.1")

        assert (reply.body, kubelet.connections) == (kubelets.BODY, 2)


async def test_a_response_that_breaks_off_is_not_asked_for_again(kubelets, tls, client_of):
    """Once a byte of the response came, a broken connection is the node's failure."""

    def respond(head, writer):
        whole = len(kubelet.heads) == 1
        writer.write(kubelets.ok() if whole else kubelets.ok()[:-5])
        if not whole:
            writer.close()

    async with kubelets(respond, tls=tls) as kubelet, client_of() as client:
        await client.fetch(kubelet.target(), "127.0.0.1")
        error = await failing(client, kubelet.target())

        assert (error.cause, len(kubelet.heads), client.connections) == ("truncated", 2, 0)


async def test_a_fresh_connection_that_dies_is_a_failure(kubelets, tls, client_of):
    """Only a kept connection earns a second try."""
    async with kubelets(closing(), tls=tls) as kubelet, client_of() as client:
        error = await failing(client, kubelet.target())

        assert (error.cause, len(kubelet.heads)) == ("closed", 1)


async def test_a_connection_that_the_kubelet_closes_is_not_kept(kubelets, tls, client_of):
    """Connection: close is believed."""
    respond = closing(kubelets.ok(headers=["Connection: close"]))
    async with kubelets(respond, tls=tls) as kubelet, client_of() as client:
        await client.fetch(kubelet.target(), "127.0.0.1")

        assert client.connections == 0


async def test_another_context_means_another_connection(kubelets, tls, client_of, authority):
    """After a CA was replaced, no connection made under the old one is used."""
    contexts = [client_context(authority.cert_pem.bytes()) for _ in range(2)]
    async with kubelets(tls=tls) as kubelet, client_of(context=lambda: contexts[0]) as client:
        await client.fetch(kubelet.target(), "127.0.0.1")
        contexts.reverse()
        await client.fetch(kubelet.target(), "127.0.0.1")

        assert (kubelet.connections, client.connections) == (2, 1)


async def test_forget_closes_the_connection_of_a_node(kubelets, tls, client_of, open_sockets):
    """A node that is gone leaves no connection behind."""
    async with client_of() as client:
        before = open_sockets()
        async with kubelets(tls=tls) as kubelet:
            await client.fetch(kubelet.target(), "127.0.0.1")
            client.forget("node-a")
            client.forget("never seen")

            assert client.connections == 0
    assert open_sockets() == before


async def test_leaving_the_client_closes_what_it_kept(kubelets, tls, client_of, open_sockets):
    """No connection outlives its client."""
    before = open_sockets()
    async with kubelets(tls=tls) as kubelet:
        async with client_of() as client:
            for node in ("a", "b", "c"):
                await client.fetch(kubelet.target(node), "127.0.0.1")

        assert repr(client) == "<KubeletClient 0 connections, closed>"
    assert open_sockets() == before


# --- credentials --------------------------------------------------------------------------------------------


class Tokens:
    """Credentials: a new token after each refresh, as long as there are any."""

    def __init__(self, *tokens):
        self.tokens = list(tokens)

    async def authorization(self):
        return f"Bearer {self.tokens[0]}"

    async def refreshed(self):
        del self.tokens[:-1]
        return True

    async def unchanged(self):
        return False


def wants(kubelets, token):
    def respond(head, writer):
        fine = f"Authorization: Bearer {token}\r\n" in head
        writer.write(kubelets.ok() if fine else kubelets.ok(b"Unauthorized", status="401 Unauthorized"))

    return respond


async def test_a_refreshed_token_is_tried_once_after_a_401(kubelets, tls, client_of):
    """A rotated service account token costs one more request, on the same connection."""
    tokens = Tokens("old", "new")
    async with kubelets(wants(kubelets, "new"), tls=tls) as kubelet:
        settings = {"authorization": tokens.authorization, "refreshed": tokens.refreshed}
        async with client_of(**settings) as client:
            reply = await client.fetch(kubelet.target(), "127.0.0.1")

    assert (reply.body, len(kubelet.heads), kubelet.connections) == (kubelets.BODY, 2, 1)


async def test_a_401_stays_one_when_nothing_changed(kubelets, tls, client_of):
    """Without new credentials a 401 is final, and says what to look at."""
    tokens = Tokens("old")
    async with kubelets(wants(kubelets, "new"), tls=tls) as kubelet:
        settings = {"authorization": tokens.authorization, "refreshed": tokens.unchanged}
        async with client_of(**settings) as client:
            error = await failing(client, kubelet.target())

    assert (error.cause, len(kubelet.heads)) == ("http_401", 1)


async def test_a_second_401_is_final(kubelets, tls, client_of):
    """The second token is not followed by a third."""
    tokens = Tokens("old", "older")
    async with kubelets(wants(kubelets, "new"), tls=tls) as kubelet:
        settings = {"authorization": tokens.authorization, "refreshed": tokens.refreshed}
        async with client_of(**settings) as client:
            error = await failing(client, kubelet.target())

    assert (error.cause, len(kubelet.heads)) == ("http_401", 2)


async def test_plain_http_carries_no_credentials(kubelets, client_of):
    """A token never travels in the clear, not even after a 401."""
    tokens = Tokens("secret", "secret")
    async with kubelets(wants(kubelets, "secret")) as kubelet:
        settings = {"authorization": tokens.authorization, "refreshed": tokens.refreshed}
        async with client_of(**settings) as client:
            error = await failing(client, kubelet.target())

    assert error.cause == "http_401"
    assert "Authorization" not in "".join(kubelet.heads)


async def test_credentials_that_cannot_be_had_fail_the_scrape(kubelets, tls, client_of):
    """An unreadable token file is told as what it is, and nothing is sent."""

    async def authorization():
        raise ConfigError("the token file is empty")

    async with kubelets(tls=tls) as kubelet, client_of(authorization=authorization) as client:
        error = await failing(client, kubelet.target())

    assert (error.cause, error.detail, kubelet.connections) == ("credentials", "the token file is empty", 0)


async def test_credentials_that_cannot_be_renewed_fail_the_scrape(kubelets, tls, client_of):
    """When renewing fails after a 401, that is the cause."""

    async def refreshed():
        raise ConfigError("the plugin failed")

    async with kubelets(wants(kubelets, "new"), tls=tls) as kubelet, client_of(refreshed=refreshed) as client:
        error = await failing(client, kubelet.target())

    assert (error.cause, error.detail) == ("credentials", "the plugin failed")


async def test_a_401_without_credentials_is_final(kubelets, tls, client_of):
    """Where there is nothing to send, there is nothing to renew."""
    async with kubelets(wants(kubelets, "new"), tls=tls) as kubelet, client_of() as client:
        error = await failing(client, kubelet.target())

    assert (error.cause, len(kubelet.heads)) == ("http_401", 1)


async def test_a_token_goes_only_to_a_kubelet_that_proved_its_name(kubelets, serve_tls, client_of):
    """Where verification fails, nothing was sent."""
    tokens = Tokens("secret")
    async with (
        kubelets(tls=serve_tls("10.0.0.1")) as kubelet,
        client_of(authorization=tokens.authorization) as client,
    ):
        await failing(client, kubelet.target())

    assert kubelet.heads == []


# --- answers that are none ----------------------------------------------------------------------------------


async def test_a_redirect_is_not_followed(kubelets, tls, client_of):
    """A redirect could carry the token elsewhere: it is an error that names its target."""
    async with kubelets(tls=tls) as elsewhere:
        moved = kubelets.ok(status="302 Found", headers=[f"Location: https://127.0.0.1:{elsewhere.port}/"])
        async with (
            kubelets(lambda head, writer: writer.write(moved), tls=tls) as kubelet,
            client_of() as client,
        ):
            error = await failing(client, kubelet.target())

    assert error.cause == "redirect"
    assert str(elsewhere.port) in error.detail
    assert elsewhere.connections == 0


@pytest.mark.parametrize(
    ("status", "cause"), [("403 Forbidden", "http_403"), ("404 Not Found", "http_404"), ("500 X", "http_500")]
)
async def test_other_statuses_are_failures_that_keep_the_connection(kubelets, tls, client_of, status, cause):
    """A refusal is no reason to shake hands again next time."""
    refused = kubelets.ok(b"no", status=status)
    async with kubelets(lambda head, writer: writer.write(refused), tls=tls) as kubelet, client_of() as client:
        error = await failing(client, kubelet.target())

        assert (error.cause, client.connections) == (cause, 1)


@pytest.mark.parametrize(
    ("sent", "cause"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not_http"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "truncated"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10001\r\n\r\n", "too_large"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, "not_http"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", "encoding"),
    ],
)
async def test_what_is_no_answer_is_told(kubelets, tls, client_of, sent, cause):
    """Other protocols, cut and oversized answers fail with their causes and cost the connection."""
    async with kubelets(closing(sent), tls=tls) as kubelet, client_of(body_limit=10_000) as client:
        error = await failing(client, kubelet.target())

        assert (error.cause, client.connections) == (cause, 0)


# --- the way there ------------------------------------------------------------------------------------------


async def test_ipv6_works(kubelets, tls, client_of):
    """An IPv6 address is dialled, verified, and bracketed in the Host header."""
    async with kubelets(tls=tls, host="::1") as kubelet, client_of() as client:
        await client.fetch(kubelet.target(), "::1")

    assert f"\r\nHost: [::1]:{kubelet.port}\r\n" in kubelet.heads[0]


async def test_names_are_resolved(kubelets, tls, client_of):
    """A host name is dialled at the address of it that answers, and verified by that name."""
    async with kubelets(tls=tls) as kubelet, client_of() as client:
        reply = await client.fetch(kubelet.target(), "localhost")

    assert reply.body == kubelets.BODY


@pytest.mark.parametrize("address", ["a:b", "a..b", "not a name"])
async def test_a_name_that_does_not_resolve_is_dns(client_of, address):
    """An unknown name, one that is none, and one that is not even asked for have one cause."""
    async with client_of() as client:
        assert (await failing(client, Target("n", (address,), 10250), address)).cause == "dns"


async def test_nobody_listening_is_refused(client_of):
    """A closed port is told at once."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with client_of() as client:
        error = await failing(client, Target("n", ("127.0.0.1",), port))

    assert (error.cause, error.detail) == ("refused", "connecting failed with ECONNREFUSED")


@asynccontextmanager
async def full_listener():
    """A listener whose queue is full: like a firewall that drops packets, it answers nothing."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        queued = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            queued.append(client)
            try:
                async with asyncio.timeout(0.1):
                    await loop.sock_connect(client, listener.getsockname())
            except TimeoutError:
                break
        try:
            yield listener.getsockname()[1]
        finally:
            for client in queued:
                client.close()


async def test_silence_to_a_connection_is_a_connect_timeout(client_of):
    """A dropped SYN is told apart from a slow kubelet."""
    async with full_listener() as port, client_of() as client:
        error = await failing(client, Target("n", ("127.0.0.1",), port), timeout=0.1)

    assert error.cause == "timeout_connect"


async def test_a_connect_timeout_of_its_own_leaves_time_for_more(client_of):
    """Half of a scrape's time may be kept for another address."""
    loop = asyncio.get_running_loop()
    async with full_listener() as port, client_of() as client:
        began = loop.time()
        error = await failing(client, Target("n", ("127.0.0.1",), port), timeout=5, connect_timeout=0.1)

    assert error.cause == "timeout_connect"
    assert loop.time() - began < 2


async def test_silence_in_the_handshake_is_a_tls_timeout(kubelets, client_of):
    """A port that accepts and says nothing is told as a TLS timeout."""
    async with kubelets() as kubelet, client_of() as client:
        error = await failing(client, kubelet.target(scheme="https"), timeout=0.2)

    assert error.cause == "timeout_tls"


@pytest.mark.parametrize(
    ("sent", "cause"),
    [
        (b"", "timeout_headers"),
        (b"HTTP/1.1 200 OK\r\n", "timeout_headers"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1", "timeout_body"),
    ],
)
async def test_a_slow_response_is_a_timeout_of_its_part(kubelets, tls, client_of, sent, cause):
    """A kubelet that is slow to begin is told apart from one that stalls."""
    async with (
        kubelets(lambda head, writer: writer.write(sent), tls=tls) as kubelet,
        client_of(timeout=0.3) as client,
    ):
        error = await failing(client, kubelet.target())

        assert (error.cause, client.connections) == (cause, 0)


async def test_no_descriptor_left_is_a_fault_of_this_side(kubelets, client_of):
    """Running out of descriptors is not blamed on the node."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with kubelets() as kubelet, client_of() as client:
        lowest_free = os.dup(0)
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            error = await failing(client, kubelet.target())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert error.cause == "no_descriptors"


# --- cancellation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1"])
async def test_cancellation_within_a_response_closes_the_socket(kubelets, tls, client_of, open_sockets, sent):
    """A scrape that is cancelled while it waits leaves no descriptor and no connection."""
    before = open_sockets()
    async with kubelets(lambda head, writer: writer.write(sent), tls=tls) as kubelet, client_of() as client:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(client.fetch(kubelet.target(), "127.0.0.1"))
            await kubelet.asked.wait()
            task.cancel()

        assert task.cancelled()
        assert client.connections == 0
    assert open_sockets() == before


async def test_cancellation_within_connect_and_handshake_closes_the_socket(kubelets, client_of, open_sockets):
    """Cancelled before the connection stands, a scrape leaves no descriptor either."""
    before = open_sockets()
    async with full_listener() as port, kubelets() as silent, client_of() as client:
        mine = open_sockets()
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(client.fetch(Target("a", ("127.0.0.1",), port), "127.0.0.1")),
                group.create_task(client.fetch(silent.target(scheme="https"), "127.0.0.1")),
            ]
            while not silent.connections:  # one loop pass after another, until the handshake hangs
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()

        assert [task.cancelled() for task in tasks] == [True, True]
        assert len(open_sockets()) - len(mine) <= 1  # the silent server's own end, until it notices
    assert open_sockets() == before


async def test_a_scrape_that_ends_after_its_client_keeps_nothing(kubelets, tls, client_of, open_sockets):
    """A response that arrives when the client is already closed is returned, its connection is not kept."""
    before = open_sockets()
    async with kubelets(lambda head, writer: None, tls=tls) as kubelet:
        late = []
        kubelet.respond = lambda head, writer: late.append(writer)
        async with asyncio.TaskGroup() as group:
            async with client_of() as client:
                task = group.create_task(client.fetch(kubelet.target(), "127.0.0.1"))
                await kubelet.asked.wait()
            late[0].write(kubelets.ok())

        assert task.result().body == kubelets.BODY
        assert client.connections == 0
    assert open_sockets() == before
