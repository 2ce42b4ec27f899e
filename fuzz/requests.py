"""Any method, path, query and headers are answered, never by a 500 that says panic.

An input is the head of a request: a line with method and target, and below it lines of headers.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Iterator
from urllib.parse import unquote

from tests.api.whole_chain import World
from tests.odd import words

from kubevitals.api import status
from kubevitals.api.message import Headers, Request, Response
from kubevitals.kube.reviews import Decision

_RESULTS = (b"Internal Server Error: ", status.TIMEOUT_BODY)


def one(data: bytes) -> None:
    """Hold the promise against one request: of somebody who may, of somebody who may not, and while draining."""
    check(request_of(data))


def seeds() -> Iterator[bytes]:
    """Yield a request for every path there is, and one with every option and header."""
    for path in words.PATHS:
        yield b"GET " + path + b"\nAccept: application/json\nAuthorization: Bearer good"
    for value in words.VALUES:
        query = b"&".join(option + b"=" + value[:30] for option in words.OPTIONS[:8])
        yield b"GET " + words.PODS + b"?" + query
    for accept in words.ACCEPTS:
        yield b"GET " + words.NODES + b"\nAccept: " + accept[:300]


def request_of(data: bytes) -> Request:
    """Return the request of a head, read as generously as may be; bytes are decoded as the web framework does it."""
    first, *lines = data.decode("utf-8", "surrogateescape").split("\n")
    method, _, target = first.partition(" ")
    raw_path, _, query = target.partition("#")[0].partition("?")
    pairs = (line.partition(":") for line in lines)
    headers = Headers([(name, value.strip()) for name, _, value in pairs])
    return Request(method, unquote(raw_path), raw_path, query, headers)


def check(request: Request) -> None:
    """Assert that every kind of server has a good answer."""
    asyncio.run(_ask_all(request))


async def _ask_all(request: Request) -> None:
    for world in worlds():
        answer = await world.chain.handle(request)
        if answer.rest is not None:
            answer.chunks.extend([chunk async for chunk in answer.rest])
        for told in answer.sent:
            told(answer.size)
        _check_answer(answer)


@functools.cache
def worlds() -> tuple[World, ...]:
    """Return servers for all runs: one that lets everybody in, one that lets nobody in, and one on its way out."""
    everybody, nobody, leaving = World(), World(), World()
    nobody.allowed = lambda spec: Decision(False, False, "nobody may")
    leaving.draining = True
    return everybody, nobody, leaving


def _check_answer(answer: Response) -> None:
    body = b"".join(answer.chunks)
    assert body != status.PANIC_BODY
    assert 200 <= answer.status < 500 or answer.status == 503 or body.startswith(_RESULTS), body
    for name, value in [*answer.headers, ("Content-Type", answer.content_type)]:
        line = f"{name}: {value}".encode()  # fails for what the web framework could not send
        assert not set(line) & set(b"\r\n\0")
    if answer.content_type == "application/json" and not answer.has_header("Content-Encoding"):
        document = json.loads(body)
        assert document.get("kind") != "Status" or document["code"] == answer.status
