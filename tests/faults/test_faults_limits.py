"""What callers may take: whoever is slow, wordy or does not speak HTTP is cut off, and the others notice nothing."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.whole.callers import CUT, NODES, PODS, Caller
from tests.whole.waiting import Watched, eventually, watching
from tests.whole.world import HOST, World, running, steady, still

from kubevitals.api.http import Limits
from kubevitals.simulator import pki
from kubevitals.simulator.rbac import MASTERS
from kubevitals.simulator.templates import FRONT_PROXY_NAME

SHORT = 0.5  # seconds
LIMITS = Limits(
    head_timeout=SHORT,
    idle_timeout=SHORT,
    handshake_timeout=SHORT,
    head_bytes=8192,
    header_lines=50,
    connections=8,
)
GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n"
LONG_WORD = b"a" * 20_000


@pytest.fixture
async def limited() -> AsyncIterator[World]:
    """The world with narrow limits; a client asks all the time, and every answer of it must be right."""
    async with still(limits=LIMITS) as world:
        master = world.master()
        async with watching(lambda: master.code(PODS)) as watched:
            await watched.more()
            yield world
        assert_right(watched)
        assert world.log.lines("A caller's TLS handshake failed") == []


def assert_right(watched: Watched) -> None:
    assert [answer for answer in watched.answers if answer != 200] == []


async def opened(world: World, *, tls: bool = True) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection that shows nothing."""
    context = pki.client_context(world.cluster.authority.pem) if tls else None
    return await asyncio.open_connection(HOST, world.port, ssl=context)


async def rest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, within: float = 5.0) -> bytes:
    """Read until the other side closes, and return what it said; nothing if it cut the connection off."""
    try:
        async with asyncio.timeout(within):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def answer_to(world: World, sent: bytes, *, tls: bool = True) -> bytes:
    """Open a connection, send this, and return all that comes until it is closed."""
    reader, writer = await opened(world, tls=tls)
    writer.write(sent)
    return await rest(reader, writer)


async def test_a_connection_without_a_handshake_is_closed(limited: World) -> None:
    """Whoever connects and says nothing at all is cut off."""
    began = time.monotonic()

    said = await rest(*await opened(limited, tls=False))

    assert said == b""
    assert time.monotonic() - began >= SHORT - 0.1


async def test_a_connection_without_a_request_is_closed(limited: World) -> None:
    """Whoever shakes hands and then says nothing is cut off."""
    began = time.monotonic()

    said = await rest(*await opened(limited))

    assert said == b""
    assert time.monotonic() - began >= SHORT - 0.1


async def test_half_a_head_does_not_buy_time(limited: World) -> None:
    """Whoever sends a head byte by byte is cut off when its time is over, not later."""
    reader, writer = await opened(limited)
    writer.write(GET + b"X-Slow: ")
    began = time.monotonic()

    async def trickled() -> bool:
        writer.write(b"a")
        return reader.at_eof() or reader.exception() is not None

    await eventually(trickled)

    assert SHORT - 0.1 <= time.monotonic() - began < 6 * SHORT
    assert await rest(reader, writer) == b""


async def test_an_idle_connection_is_closed(limited: World) -> None:
    """A connection that was answered and is not used again is closed."""
    said = await answer_to(limited, GET + b"\r\n")

    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert said.endswith(b"ok")


async def test_a_head_over_the_limit_is_refused(limited: World) -> None:
    """A head with more or longer lines than allowed gets a 4xx, and the connection is closed."""
    heads = [GET + b"X-Long: " + LONG_WORD, b"GET /" + LONG_WORD + b" HTTP/1.1\r\nHost: x", GET + b"X: y\r\n" * 100]

    said = [await answer_to(limited, head + b"\r\n\r\n") for head in heads]

    assert [answer.split(b" ")[1] for answer in said] == [b"431", b"431", b"400"]
    assert [answer for answer in said if b"aaaa" in answer] == [], "what the caller sent is not repeated"


async def test_what_is_no_http_is_refused(limited: World) -> None:
    """Bytes that are no request are answered with 400 at most, and the connection is closed."""
    garbage = [b"\x00\x01\x02\x03\r\n\r\n", b"SSH-2.0-OpenSSH_9.9\r\n", b"GET\r\n\r\n", bytes(range(256)) * 64]

    said = [await answer_to(limited, sent) for sent in garbage]

    assert [answer for answer in said if answer and answer.split(b" ")[1] != b"400"] == []


async def test_what_is_no_tls_is_cut_off(limited: World) -> None:
    """Plain HTTP and other bytes on the TLS port get nothing, least of all an answer in clear."""
    garbage = [GET + b"\r\n", b"\x16\x03\x01nonsense", b"\x00" * 512]

    said = [await answer_to(limited, sent, tls=False) for sent in garbage]

    assert [answer for answer in said if b"HTTP/" in answer] == []


async def test_a_body_that_nobody_reads_is_not_waited_for(limited: World) -> None:
    """A request that announces a huge body is answered without it, and the connection is closed."""
    said = await answer_to(
        limited, b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n" + LONG_WORD
    )

    assert said.startswith(b"HTTP/1.1 "), said[:200]


async def test_who_only_holds_connections_keeps_nobody_out(limited: World) -> None:
    """Beyond their number the oldest that has never asked makes room; one that is used stays, as the fixture sees."""
    held = [await opened(limited) for _ in range(LIMITS.connections - 1)]
    for _ in range(3):
        assert (await limited.direct(keep=False).ask("/livez")).body == "ok"
    assert await rest(*held[0], within=1.0) == b""
    for reader, writer in held[1:]:
        await rest(reader, writer)


async def test_too_many_connections_that_are_used_are_cut_off() -> None:
    """Beyond their number new connections get nothing, and those that are there go on."""
    async with still(limits=replace(LIMITS, idle_timeout=30.0)) as world:
        used = []
        while len(used) <= LIMITS.connections:
            caller = world.direct()
            try:
                await caller.ask("/livez")
            except CUT:
                break
            used.append(caller)
        assert 0 < len(used) < LIMITS.connections  # the front proxy has one as well
        assert await rest(*await opened(world)) == b""
        assert [(await each.ask("/livez")).body for each in used] == ["ok"] * len(used)


async def test_a_caller_that_does_not_read_is_cut_off() -> None:
    """Whoever asks for a long list and takes none of it does not keep its connection."""
    async with running(limits=replace(LIMITS, connections=2)) as world:
        master = await world.measured()
        await crowded(world, master)
        async with watching(lambda: master.code(NODES)) as watched:  # the one connection
            reader, writer = await lazily_opened(world)  # the other
            writer.write(ask_as_root(PODS))
            await eventually(lambda: cut_off(world))
            await eventually(lambda: answered(world))
            said = await rest(reader, writer)
        assert len(said) < PODS_THERE * LONG
        assert_right(watched)


PODS_THERE, LONG = 400, 20_000


async def crowded(world: World, master: Caller) -> None:
    """Run so many pods with long labels that a list of them is no small thing."""
    for number in range(PODS_THERE):
        boxes = {"box": steady(time.time() - 3600, (1, 1))}
        world.cluster.pods.run("node-1", "crowd", f"pod-{number}", boxes, labels={"filler": "x" * LONG})
    await eventually(lambda: holds(master, PODS_THERE))


async def holds(caller: Caller, count: int) -> bool:
    return len(await caller.names(PODS)) >= count


async def lazily_opened(world: World) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection, as the front proxy, that hardly takes anything before it is read."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)  # the other side's buffer is as many times this
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, (HOST, world.port))
    context = pki.client_context(world.cluster.authority.pem, world.cluster.front_proxy.client(FRONT_PROXY_NAME))
    return await asyncio.open_connection(sock=plain, ssl=context, server_hostname=HOST, limit=1024)


def ask_as_root(path: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: x", "X-Remote-User: root", f"X-Remote-Group: {MASTERS}", "", ""]
    return "\r\n".join(lines).encode()


async def answered(world: World) -> bool:
    caller = world.direct(keep=False)
    try:
        return await caller.code("/livez") == 200
    except CUT:
        return False
    finally:
        await caller.close()


async def cut_off(world: World) -> bool:
    return not await answered(world)
