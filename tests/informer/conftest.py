"""An API server on loopback that lists and watches what the test scripts, and small objects."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from kubevitals.kube.client import ApiClient
from kubevitals.kube.config import ClusterConfig
from kubevitals.model import NO_LABELS, Labels


def intern(raw: bytes) -> Labels:
    return Labels(raw, json.loads(raw)) if raw else NO_LABELS


def meta(name, version="1", **extra):
    return {"metadata": {"name": name, "namespace": "ns", "resourceVersion": version, **extra}}


def event(kind, name, version="1", **extra):
    return json.dumps({"type": kind, "object": meta(name, version, **extra)}).encode() + b"\n"


def bookmark(version):
    line = {"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": version}}}
    return json.dumps(line).encode() + b"\n"


def error_event(code, reason="", message=""):
    status = {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code}
    return json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"


def listing(*names, version="10", **list_meta):
    """A step: a list that names these objects."""

    async def answer(request):
        body = {"metadata": {"resourceVersion": version, **list_meta}, "items": [meta(name) for name in names]}
        return web.json_response(body)

    return answer


def refused(code, reason="", message="", **headers):
    """A step: a Status instead of an answer."""

    async def answer(request):
        status = {"kind": "Status", "reason": reason, "message": message, "code": code}
        headers_sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(status, status=code, headers=headers_sent)

    return answer


def watching(*lines, then=None):
    """A step: a watch that brings these lines, and then ends, or does what it is told."""

    async def answer(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            await response.write(line)
        if then is not None:
            await then(request)
        return response

    return answer


async def hang(request):
    """For the end of a script: nothing more happens."""
    await asyncio.Event().wait()


async def cut(request):
    request.transport.abort()


class Script:
    """Answers requests one by one; when the last step begins, ``over`` is set."""

    def __init__(self, steps):
        self.steps = list(steps)
        self.asked = []
        self.accepted = []
        self.over = asyncio.Event()

    async def handle(self, request):
        self.asked.append("&".join(f"{key}={value}" for key, value in request.query.items()))
        self.accepted.append(request.headers["Accept"])
        step = self.steps.pop(0)
        if not self.steps:
            self.steps.append(watching(then=hang))
            self.over.set()
        return await step(request)


@asynccontextmanager
async def api_server(*steps):
    """A scripted API server and a client of it."""
    script = Script([*steps, watching(then=hang)])
    runner = web.ServerRunner(web.Server(script.handle), shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with ApiClient(ClusterConfig(url), timeout=5) as client:
            yield script, client
    finally:
        await runner.cleanup()


class Steps:
    """Everything that a script is written with."""

    listing = staticmethod(listing)
    refused = staticmethod(refused)
    watching = staticmethod(watching)
    event = staticmethod(event)
    bookmark = staticmethod(bookmark)
    error_event = staticmethod(error_event)
    hang = staticmethod(hang)
    cut = staticmethod(cut)
    server = staticmethod(api_server)


@pytest.fixture
def steps():
    return Steps


@pytest.fixture
def labels():
    """Reads labels without sharing them."""
    return intern
