"""As much of an API server as a metrics server needs: lists, watches without changes, and reviews that say yes.

A list of resource version 0 comes whole and in one body, as from the cache of a real one; others come in pages.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import ssl
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from aiohttp import web

from bench.cluster import Plan, node_items, pod_items
from bench.record import Record
from kubevitals.simulator import pki, templates

VERSION = "1000000"  # of everything, as nothing changes
_METADATA_LIST = ("PartialObjectMetadataList", "meta.k8s.io/v1")
_BATCH = 500  # items written at once
_BOOKMARKS = 60.0  # seconds between two
_LONGEST_WATCH = 2700.0
_CONFIG_MAP = "extension-apiserver-authentication"

Items = Callable[[int], Iterator[bytes]]  # from the item of a number on


class ApiServer:
    """One TLS listener on loopback.

    Args:
        plan: what exists.
        kubelet_port: of every node.
        trust: PEM of the CA of clients, and of the front proxy's.
        records: by the scraper's name; what ``/bench/…`` tells about.
    """

    def __init__(self, plan: Plan, kubelet_port: int, trust: tuple[bytes, bytes], records: dict[str, Record]) -> None:
        config = templates.authentication_config(*trust)
        config["metadata"] |= {"resourceVersion": VERSION, "uid": "0", "creationTimestamp": "2026-01-01T00:00:00Z"}
        self._config = config
        self._records = records
        nodes: Items = lambda first: itertools.islice(node_items(plan, kubelet_port), first, None)  # noqa: E731
        pods: Items = lambda first: pod_items(plan, first)  # noqa: E731
        configs: Items = lambda first: iter([msgspec.json.encode(config)][first:])  # noqa: E731
        self._lists: dict[str, tuple[tuple[str, str], Items, int]] = {
            "/api/v1/nodes": (("NodeList", "v1"), nodes, plan.nodes),
            "/api/v1/pods": (_METADATA_LIST, pods, plan.nodes * plan.pods),
            "/api/v1/namespaces/kube-system/configmaps": (("ConfigMapList", "v1"), configs, 1),
        }
        self._runner: web.ServerRunner | None = None

    async def start(self, pair: pki.KeyPair, client_ca: bytes) -> str:
        """Listen on any free port, and return the address as a URL."""
        context: ssl.SSLContext = pki.serving_context(pair, client_ca=client_ca)
        self._runner = web.ServerRunner(web.Server(self._answer, handler_cancellation=True), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context).start()
        return f"https://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Cut off every connection."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path in self._lists:
            if request.query.get("watch", "") in ("1", "true"):
                return await _watch(request)
            return await self._list(request, *self._lists[path])
        if path.endswith(f"/configmaps/{_CONFIG_MAP}"):
            return _json({"kind": "ConfigMap", "apiVersion": "v1", **self._config})
        if request.method == "POST" and path.endswith(("/tokenreviews", "/subjectaccessreviews")):
            return _json(_review(await request.json()), status=201)
        if path.startswith("/bench/"):
            return self._told(request)
        return web.Response(status=404, text="404 page not found\n")

    def _told(self, request: web.BaseRequest) -> web.Response:
        """Answer ``/bench/SCRAPER``, ``?since=N`` with the scrapes themselves, and ``?forget=1`` by dropping them."""
        record = self._records[request.path.rpartition("/")[2]]
        if "forget" in request.query:
            record.forget()
        since = request.query.get("since")
        return _json(record.pulse() if since is None else record.since(int(since)))

    async def _list(
        self, request: web.BaseRequest, kind: tuple[str, str], items: Items, count: int
    ) -> web.StreamResponse:
        query = request.query
        whole = query.get("resourceVersion") == "0"
        limit = 0 if whole else int(query.get("limit", "0"))
        first = int(base64.b64decode(query["continue"])) if "continue" in query else 0
        metadata = {"resourceVersion": VERSION}
        if limit and first + limit < count:
            metadata["continue"] = base64.b64encode(str(first + limit).encode()).decode()
        head = msgspec.json.encode({"kind": kind[0], "apiVersion": kind[1], "metadata": metadata})
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(head[:-1] + b',"items":[')
        await _write(response, items(first) if not limit else itertools.islice(items(first), limit))
        await response.write_eof(b"]}\n")
        return response


async def _write(response: web.StreamResponse, items: Iterable[bytes]) -> None:
    between = b""
    left = iter(items)
    while batch := list(itertools.islice(left, _BATCH)):
        await response.write(between + b",".join(batch))
        between = b","


async def _watch(request: web.BaseRequest) -> web.StreamResponse:
    """Send a bookmark now and then until the watch is over; nothing ever changes."""
    if "sendInitialEvents" in request.query:
        return _json({"kind": "Status", "status": "Failure", "reason": "Invalid", "code": 422}, status=422)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    bare = {"metadata": {"resourceVersion": VERSION, "creationTimestamp": None}}
    kind = (
        {"kind": "Node", "apiVersion": "v1"} if request.path.endswith("nodes") else {"kind": "Pod", "apiVersion": "v1"}
    )
    left = float(request.query.get("timeoutSeconds", _LONGEST_WATCH))
    while left > 0:
        await asyncio.sleep(min(left, _BOOKMARKS))
        left -= _BOOKMARKS
        await response.write(msgspec.json.encode({"type": "BOOKMARK", "object": kind | bare}) + b"\n")
    return response


def _review(asked: dict[str, Any]) -> dict[str, Any]:
    user = {"username": "system:serviceaccount:kube-system:metrics-server", "groups": ["system:serviceaccounts"]}
    return {**asked, "status": {"authenticated": True, "user": user, "allowed": True}}


def _json(item: object, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(item), status=status, content_type="application/json")
