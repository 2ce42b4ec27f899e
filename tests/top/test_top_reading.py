"""How lists are asked for: pages, versions, and pages that are forgotten before they are read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from kubevitals.errors import ApiServerError, ApiStatusError
from kubevitals.kube.client import ApiClient
from kubevitals.kube.config import ClusterConfig
from kubevitals.top import reading
from kubevitals.top.reading import Question

METRICS = "/apis/metrics.k8s.io/v1beta1"


@asynccontextmanager
async def api(answers: dict[str, object]) -> AsyncIterator[tuple[ApiClient, list[str]]]:
    """A server that answers each path and query as told, 404 to all others; yields what it was asked, too."""
    asked: list[str] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path_qs)
        answer = answers.get(request.path_qs, answers.get(request.path, 404))
        if isinstance(answer, int):
            return web.json_response({"kind": "Status", "message": f"told to say {answer}"}, status=answer)
        return web.Response(text=json.dumps(answer), content_type="application/json")

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with ApiClient(ClusterConfig(f"http://127.0.0.1:{runner.addresses[0][1]}")) as client:
            yield client, asked
    finally:
        await runner.cleanup()


def listed(*names: str, rest: str = "") -> object:
    return {"metadata": {"continue": rest}, "items": [{"metadata": {"name": name}} for name in names]}


NODES = Question(bounds=False)


async def test_pages_are_followed_to_the_end():
    """500 at a time, each page from where the one before ended."""
    answers = {
        f"{METRICS}/nodes": listed("a"),
        "/api/v1/nodes?limit=500": listed("a", rest="x=1"),
        "/api/v1/nodes?limit=500&continue=x%3D1": listed("b"),
    }
    async with api(answers) as (client, _):
        found = await reading.nodes(client, NODES)
    assert [node.name for node in found.objects] == ["a", "b"]


async def test_a_page_that_is_forgotten_means_to_begin_anew_in_one_piece():
    """A list that changes faster than it is read would otherwise never end."""
    answers = {
        f"{METRICS}/nodes": listed("a"),
        "/api/v1/nodes?limit=500": listed("a", rest="old"),
        "/api/v1/nodes?limit=500&continue=old": 410,
        "/api/v1/nodes": listed("a", "b", "c"),
    }
    async with api(answers) as (client, asked):
        found = await reading.nodes(client, NODES)
    assert [node.name for node in found.objects] == ["a", "b", "c"]
    assert asked[-1] == "/api/v1/nodes"


async def test_v1_is_asked_only_where_v1beta1_is_not():
    """404 leads on to v1; any other refusal is the answer."""
    answers = {"/apis/metrics.k8s.io/v1/nodes": listed("a"), "/api/v1/nodes": listed("a")}
    async with api(answers) as (client, _):
        assert [use.name for use in (await reading.nodes(client, NODES)).uses] == ["a"]
    async with api({**answers, f"{METRICS}/nodes": 503}) as (client, asked):
        with pytest.raises(ApiStatusError, match="503"):
            await reading.nodes(client, NODES)
    assert "/apis/metrics.k8s.io/v1/nodes" not in asked


async def test_objects_that_are_refused_are_left_out_and_told():
    """The metrics are shown all the same."""
    async with api({f"{METRICS}/pods": listed(), "/api/v1/pods": 403}) as (client, _):
        found = await reading.pods(client, Question())
    assert (found.uses, found.objects) == ([], None)
    assert found.notes == (
        "you may not list pods, so percentages and pods without metrics are left out: told to say 403",
    )


async def test_an_answer_that_is_no_list_is_an_error():
    """What answers in the API server's place is not taken for an empty cluster."""
    async with api({f"{METRICS}/pods": ["hello"], "/api/v1/pods": listed()}) as (client, _):
        with pytest.raises(ApiServerError, match="no list of the metrics of pods"):
            await reading.pods(client, Question())


async def test_selectors_and_namespaces_are_asked_for():
    """Labels of both, fields only of the pods, and never pods that are over."""
    async with api({}) as (client, asked):
        with pytest.raises(ApiStatusError, match="404"):
            await reading.pods(client, Question("shop", "app=cart", "spec.nodeName=n"))
    assert f"{METRICS}/namespaces/shop/pods?labelSelector=app%3Dcart" in asked
    selected = "spec.nodeName%3Dn%2Cstatus.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed"
    assert f"/api/v1/namespaces/shop/pods?labelSelector=app%3Dcart&fieldSelector={selected}&limit=500" in asked
