"""The listener, on a real socket: what a caller can take, and what a bad one gets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import asynccontextmanager

import pytest

from kubevitals.api.http import Limits, Listener
from kubevitals.api.listening import listen
from kubevitals.api.message import Response


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


@pytest.mark.parametrize(
    ("target", "arrives"),
    [
        ("/apis/metrics.k8s.io?watch=1", ["/apis/metrics.k8s.io", "watch=1"]),
        ("http://metrics/livez?verbose", ["/livez", "verbose"]),
    ],
)
async def test_a_target_is_a_path_in_every_form(target: str, arrives: list[str]):
    """CONNECT with a path asks for that path, and a URL for the path in it."""

    async def handler(request):
        return Response(404, [f"{request.path} {request.query}".encode()], "text/plain")  # 200 would open a tunnel

    method = b"CONNECT" if target.startswith("/") else b"GET"
    async with serving(handler) as listener:
        answer = await talk(listener.port, get(target).replace(b"GET", method, 1))
    assert answer.partition(b"\r\n\r\n")[2].decode().split(" ") == arrives


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


async def test_an_old_caller_is_told_where_an_answer_of_unknown_length_ends():
    """HTTP/1.0 has no chunks, so that the connection ends with the answer, whatever the caller wants to keep."""

    async def rest():
        yield b"second"

    async def handler(request):
        return Response(200, [b"first "], "text/plain", rest=rest())

    asked = get().replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Connection: close", b"Connection: keep-alive")
    async with serving(handler) as listener:
        answer = await talk(listener.port, asked)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert (body, b"keep-alive" in head) == (b"first second", False)


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
    assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.0 431 "))


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


# --- heads ------------------------------------------------------------------------------------------------------


async def test_a_very_long_path_arrives():
    """A path of 660 kB is unusual and within the limit."""

    async def handler(request):
        return Response(200, [str(len(request.path)).encode()], "text/plain")

    async with serving(handler) as listener:
        answer = await talk(listener.port, get("/" + "a" * 660_000))
    assert answer.endswith(b"\r\n\r\n660001")


async def test_a_head_of_many_lines_is_bounded_as_a_whole():
    """Lines that are short enough one by one, and too much together, are refused before the head is complete."""
    line = b"X-Filler: " + b"x" * 8000 + b"\r\n"
    async with serving(echo) as listener:
        answer = await talk(listener.port, b"GET / HTTP/1.1\r\nHost: x\r\n", *[line] * 150)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 431 " in head.partition(b"\r\n")[0]
    assert body == b"431 Request Header Fields Too Large"


async def test_a_body_is_not_taken_for_a_head():
    """A caller may send more than a head's worth of what nobody reads, and is answered all the same."""
    entered, leave = asyncio.Event(), asyncio.Event()

    async def handler(request):
        entered.set()
        await leave.wait()
        return Response(200, [b"done"], "text/plain")

    async with serving(handler, Limits(head_bytes=10_000)) as listener, asyncio.TaskGroup() as group:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n"
        answer = group.create_task(talk(listener.port, head, b"x" * 60_000))
        await entered.wait()
        leave.set()
    assert answer.result().endswith(b"done")


async def test_requests_in_one_piece_are_answered_one_by_one():
    """Pipelined heads each count for themselves."""
    async with serving(echo, Limits(head_bytes=5000)) as listener:
        answer = await talk(listener.port, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n" * 300 + get("/b"))
    assert answer.count(b"HTTP/1.1 200 OK") == 301


async def test_a_refusal_names_nobody():
    """What is sent to one who does not speak HTTP tells nothing of library and versions."""
    async with serving(echo) as listener:
        answer = await talk(listener.port, b"nonsense\r\n\r\n")
    assert b"Server: kubevitals\r\n" in answer
    assert b"aiohttp" not in answer


# --- time -------------------------------------------------------------------------------------------------------


async def test_an_answer_that_is_not_taken_in_time_is_cut_off():
    """The time of a request goes on while its answer is sent."""

    async def handler(request):
        return Response(200, [b"x" * 100_000] * 1000, "text/plain", within=0.1)

    async with serving(handler) as listener:
        with socket.socket() as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(lazy, ("127.0.0.1", listener.port))
            await loop.sock_sendall(lazy, get())
            taken = len(await loop.sock_recv(lazy, 1000))
            await asyncio.wait_for(unheld(listener), 5)
            with contextlib.suppress(ConnectionError):
                while piece := await loop.sock_recv(lazy, 1 << 20):
                    taken += len(piece)
    assert 0 < taken < 100_000_000


async def unheld(listener: Listener) -> None:
    """Return when the server holds no connection any more, which shows in that it stops at once."""
    await listener.stop(60.0)


async def test_an_answer_that_is_taken_slowly_within_its_time_arrives():
    """Being slow is no fault as long as there is time."""

    async def handler(request):
        return Response(200, [b"x" * 100_000] * 50, "text/plain", within=10.0)

    async with serving(handler) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, limit=1024)
        writer.write(get())
        size = 0
        while piece := await reader.read(65_536):
            size += len(piece)
            await asyncio.sleep(0)
        writer.close()
    assert size > 5_000_000


async def test_an_answer_that_cannot_be_sent_is_logged(caplog):
    """A defect behind the chain ends the one connection, and somebody hears of it."""

    async def handler(request):
        return Response(200, [b"x"], "text/plain", [("X-Bad", "a\nb")])

    async with serving(handler) as listener:
        answer = await talk(listener.port, get())
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert [record.getMessage() for record in caplog.records] == ["An answer could not be sent"]


# --- the end ----------------------------------------------------------------------------------------------------


class Held:
    """A handler whose first request waits, and the listener in front of it."""

    def __init__(self) -> None:
        self.entered, self.leave, self.seen = asyncio.Event(), asyncio.Event(), 0

    async def handle(self, request) -> Response:
        self.seen += 1
        if request.path == "/slow":
            self.entered.set()
            await self.leave.wait()
        return Response(200, [request.path.encode()], "text/plain")


async def opened(port: int, *pieces: bytes):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    return reader, writer


async def ask_on(connection, path: str) -> bytes:
    reader, writer = connection
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return await asyncio.wait_for(reader.readuntil(path.encode()), 5)


async def test_stopping_hangs_up_on_the_idle_and_serves_who_has_begun():
    """An idle connection is closed at once; a new one and half a head are answered while the last request lasts."""
    held = Held()
    async with serving(held.handle) as listener:
        idle, fresh = await opened(listener.port), await opened(listener.port)
        half = await opened(listener.port, b"GET /half HTTP/1.1\r\nHost")
        await ask_on(idle, "/first")
        async with asyncio.TaskGroup() as group:
            slow = group.create_task(talk(listener.port, get("/slow")))
            await held.entered.wait()
            group.create_task(listener.stop(5.0))
            assert await asyncio.wait_for(idle[0].read(), 5) == b""
            late = await ask_on(fresh, "/late")
            half[1].write(b": x\r\n\r\n")
            finished = await asyncio.wait_for(half[0].read(), 5)
            held.leave.set()
        assert b"Connection: close\r\n" in late
        assert await fresh[0].read() == b""
        assert finished.endswith(b"/half")
        assert slow.result().endswith(b"/slow")
        for _, writer in (idle, fresh, half):
            writer.close()


async def test_a_kept_connection_ends_with_the_answer_it_waits_for():
    """Whoever waits for an answer when the server stops is told that it is the last one."""
    held = Held()
    async with serving(held.handle) as listener:
        waiting = await opened(listener.port)
        async with asyncio.TaskGroup() as group:
            answer = group.create_task(ask_on(waiting, "/slow"))
            await held.entered.wait()
            group.create_task(listener.stop(5.0))
            await asyncio.sleep(0)
            held.leave.set()
        assert b"Connection: close\r\n" in answer.result()
        assert await waiting[0].read() == b""
        waiting[1].close()


async def test_draining_goes_on_listening_and_waits_for_those_before():
    """It ends when the requests that were there at its beginning have their answers; later ones are served too."""
    held = Held()
    async with serving(held.handle) as listener, asyncio.TaskGroup() as group:
        slow = group.create_task(talk(listener.port, get("/slow")))
        await held.entered.wait()
        drained = group.create_task(listener.drain(5.0))
        assert (await talk(listener.port, get("/new"))).endswith(b"/new")
        assert not drained.done()
        held.leave.set()
        await drained
        assert (await slow).endswith(b"/slow")


async def test_a_request_that_outlasts_the_grace_is_given_up(caplog):
    """Its caller is cut off, the server ends, and the log tells how many there were."""
    held = Held()
    async with serving(held.handle) as listener:
        async with asyncio.TaskGroup() as group:
            slow = group.create_task(talk(listener.port, get("/slow")))
            await held.entered.wait()
            await asyncio.wait_for(listener.stop(0.05), 5)
        assert slow.result() == b""
    warning = "Requests were given up: they took too long to be answered"
    assert [record.pairs for record in caplog.records if record.getMessage() == warning] == [{"requests": 1}]


async def test_an_answer_may_end_its_connection():
    """Connection: close among an answer's headers closes, and is sent once."""

    async def handler(request):
        return Response(429, [b"busy"], "text/plain", [("Connection", "close")])

    async with serving(handler) as listener:
        answer = await talk(listener.port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.count(b"Connection: close\r\n") == 1
    assert answer.endswith(b"busy")


async def test_a_caller_that_never_hangs_up_does_not_keep_the_server():
    """A connection that was closed and whose caller takes nothing more is cut off after a moment."""

    async def handler(request):
        return Response(200, [b"x" * 100_000_000], "text/plain", within=0.05)

    loop = asyncio.get_running_loop()
    async with serving(handler) as listener:
        _, fresh = await opened(listener.port)
        lazy = socket.socket()
        lazy.setblocking(False)
        await loop.sock_connect(lazy, ("127.0.0.1", listener.port))
        await loop.sock_sendall(lazy, get())
        assert await loop.sock_recv(lazy, 100)
        began = loop.time()
        await listener.stop(30.0)
        assert loop.time() - began < 5
        lazy.close()
        fresh.close()


@pytest.mark.parametrize(
    "chunks", [[b"a" * 1_000_000], [b"b", b"c" * 300_000, b"d"] * 3, [b"e" * 262_144] * 2, [b"f" * 1000] * 600]
)
async def test_chunks_of_any_size_arrive_in_order(chunks: list[bytes]):
    """Small chunks are joined and large ones cut, and no byte is lost or moved."""

    async def handler(request):
        return Response(200, chunks, "text/plain")

    async with serving(handler) as listener:
        answer = await talk(listener.port, get())
    assert answer.partition(b"\r\n\r\n")[2] == b"".join(chunks)


async def test_a_head_request_gets_the_head_alone():
    """The length of a large answer is told, and nothing of it sent."""

    async def handler(request):
        return Response(200, [b"x" * 1000] * 1000, "text/plain")

    async with serving(handler) as listener:
        answer = await talk(listener.port, get().replace(b"GET", b"HEAD"))
    assert b"Content-Length: 1000000\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")
