"""Sockets on the event loop."""

from __future__ import annotations

import asyncio
import socket

import pytest

from kubevitals.scraper.connection import BUFFER, Connection, Progress, connect


async def test_connect_tells_its_stage():
    """Progress says whether a name was being resolved or an address dialled."""
    progress = Progress()
    with pytest.raises(socket.gaierror):
        await connect("a:b", 1, progress)
    assert progress.stage == "resolve"

    with pytest.raises(ConnectionRefusedError):
        await connect("127.0.0.1", 1, progress)
    assert progress.stage == "connect"


async def test_a_peer_that_left_is_an_os_error():
    """Asking over a connection whose other end is closed raises what the system says."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.close()
    connection = Connection(ours, None)
    try:
        with pytest.raises(BrokenPipeError):
            await connection.ask(b"GET", bytearray(BUFFER), Progress(), body_limit=10)
    finally:
        connection.close()


async def test_a_request_larger_than_the_socket_takes_is_sent_whole():
    """Sending waits for room, however slowly the peer reads."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()
    connection = Connection(ours, None)
    request = b"x" * 2_000_000
    received = bytearray()
    try:
        async with asyncio.TaskGroup() as group:
            progress = Progress()
            task = group.create_task(connection.ask(request, bytearray(BUFFER), progress, body_limit=10))
            while len(received) < len(request):
                received += await loop.sock_recv(theirs, 65536)
            await loop.sock_sendall(theirs, b"HTTP/1.1 204 No Content\r\n\r\n")
        assert task.result().status == 204
        assert (progress.stage, progress.heard) == ("headers", True)
    finally:
        connection.close()
        theirs.close()

    assert bytes(received) == request
