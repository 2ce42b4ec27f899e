"""The listener, on a real socket: what a caller can take, and what a bad one gets."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from kubevitals.api.http import Limits, Listener, listen
from kubevitals.api.message import Response
from kubevitals.errors import ConfigError


@asynccontextmanager
async def serving(handler, limits=None):
    listener = Listener(handler, listen("127.0.0.1", 0), limits or Limits())
    await listener.start(None)
    try:
        yield listener
    finally:
        await listener.stop(1.0)


async def talk(port: int, *pieces: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def get(path: str = "/", *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


async def echo(request):
    lines = [f"{name}={value}" for name, value in request.headers]
    return Response(200, ["\n".join([request.path, request.raw_path, request.query, *lines]).encode()], "text/plain")


async def test_a_request_arrives_as_it_was_sent():
    """The path is decoded once, the query stays as it is, and repeated headers stay separate."""
    async with serving(echo) as listener:
        answer = await talk(
            listener.port, get("/a%20b?x=1+2&y=%2f", "X-Remote-Group: a", "X-Remote-Group: b,c", "X_Remote_Group: d")
        )
    body = answer.partition(b"\r\n\r\n")[2].decode().splitlines()
    assert body[:3] == ["/a b", "/a%20b", "x=1+2&y=%2f"]
    assert [line for line in body if "remote" in line] == [
        "x-remote-group=a",
        "x-remote-group=b,c",
        "x_remote_group=d",
    ]


async def test_many_and_long_headers_arrive():
    """A user in hundreds of groups is a user, and so is one with a long token."""
    groups = [f"X-Remote-Group: group-{i}" for i in range(500)]
    async with serving(echo) as listener:
        answer = await talk(listener.port, get("/", f"Authorization: Bearer {'t' * 100_000}", *groups))
    assert answer.count(b"x-remote-group=") == 500
    assert b"t" * 100_000 in answer


async def test_a_large_answer_arrives_whole():
    """An answer in thousands of pieces has the length it says."""

    async def handler(request):
        return Response(200, [b"%06d\n" % i for i in range(200_000)], "text/plain")

    async with serving(handler) as listener:
        answer = await talk(listener.port, get())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Length: 1400000" in head
    assert body.endswith(b"199999\n")
    assert len(body) == 1_400_000


async def test_statuses_without_a_body_have_none():
    """304 and an empty 404 end with their head."""

    async def handler(request):
        return Response(304, [], "", [("ETag", '"x"')])

    async with serving(handler) as listener:
        answer = await talk(listener.port, get())
    assert answer.startswith(b"HTTP/1.1 304 ")
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Type" not in answer


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_a_caller_that_does_not_finish_its_head_is_cut_off(sent: bytes):
    """Nothing, or half a head, does not hold a connection for ever."""
    async with serving(echo, Limits(head_timeout=0.05)) as listener:
        assert await talk(listener.port, sent) == b""


async def test_an_idle_connection_is_closed():
    """A kept connection that is not used again goes away."""
    async with serving(echo, Limits(idle_timeout=0.05)) as listener:
        answer = await talk(listener.port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_head_that_is_too_long_is_refused():
    """The limit is one for the caller, not for the memory of the server."""
    async with serving(echo, Limits(head_bytes=10_000)) as listener:
        answer = await talk(listener.port, get("/", "X: " + "x" * 20_000))
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))


async def test_what_is_no_http_is_refused():
    """Garbage gets 400 and nothing of what it was."""
    async with serving(echo) as listener:
        answer = await talk(listener.port, b"\x16\x03\x01 nonsense\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))


async def test_connections_are_bounded():
    """One above the limit is closed at once, and the others go on."""
    async with serving(echo, Limits(connections=1)) as listener:
        first_reader, first = await asyncio.open_connection("127.0.0.1", listener.port)
        first.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await first_reader.readline()).startswith(b"HTTP/1.1 200 ")
        assert await talk(listener.port, get()) == b""
        first.close()


async def test_a_request_in_flight_finishes_when_the_server_stops():
    """Stopping closes the door and lets whoever is inside finish."""
    entered, leave = asyncio.Event(), asyncio.Event()

    async def handler(request):
        entered.set()
        await leave.wait()
        return Response(200, [b"done"], "text/plain")

    listener = Listener(handler, listen("127.0.0.1", 0), Limits())
    await listener.start(None)
    port = listener.port
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(talk(port, get()))
        await entered.wait()
        stopped = group.create_task(listener.stop(5.0))
        await asyncio.sleep(0)
        leave.set()
    assert answer.result().endswith(b"done")
    assert stopped.done()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


def test_an_unspecified_address_takes_both_families():
    """0.0.0.0 means every address of the host, as in Go."""
    sock = listen("0.0.0.0", 0)
    try:
        port = sock.getsockname()[1]
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            if family == socket.AF_INET6 and not socket.has_dualstack_ipv6():
                continue
            with socket.socket(family) as caller:
                caller.connect((address, port))
    finally:
        sock.close()


def test_a_port_that_is_taken_names_the_remedy():
    """The kubelet holds 10250 on a host network, which is how most people meet this."""
    taken = listen("127.0.0.1", 0)
    try:
        with pytest.raises(ConfigError, match="something on this host holds the port"):
            listen("127.0.0.1", taken.getsockname()[1])
    finally:
        taken.close()
