"""Whatever the API server answers, the doctor only reads, ends with a report, and repeats no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from tests.doctor.clinic import printed

from kubevitals.cli import diagnosis, doctor
from kubevitals.doctor.redact import without_tokens
from kubevitals.doctor.report import examine
from kubevitals.doctor.scope import WHOLE
from kubevitals.errors import ApiServerError
from kubevitals.kube.client import ApiClient
from kubevitals.kube.config import ClusterConfig

REVIEWS = {
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
}
TOKEN = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0LXNlY3JldA.c2lnbmF0dXJl"
BEARER = "Bearer 0123456789abcdef"
Answer = Callable[[web.BaseRequest], web.Response]


def status(code: int, message: str = "no") -> Answer:
    """Refuse everything."""
    body = {"kind": "Status", "message": message, "reason": "Whatever", "code": code}
    return lambda request: web.json_response(body, status=code)


def cluster(request: web.BaseRequest) -> web.Response:
    """A cluster in which every hop is broken, and whose messages hold tokens."""
    path = request.path
    message = f"failing or missing response from https://10.0.0.1:10250/: {BEARER}: i/o timeout"
    condition = {"type": "Available", "status": "False", "reason": "FailedDiscoveryCheck", "message": message}
    service = {"namespace": "kube-system", "name": "metrics-server", "port": 443}
    answers: dict[str, Any] = {
        "apiservices": [
            {
                "metadata": {"name": "v1beta1.metrics.k8s.io"},
                "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "service": service},
                "status": {"conditions": [condition]},
            }
        ],
        "namespaces": [{"metadata": {"name": "kubernetes-dashboard"}}],
        "deployments": [
            {
                "metadata": {"name": "kubernetes-dashboard", "namespace": "kubernetes-dashboard"},
                "spec": {
                    "selector": {"matchLabels": {"k8s-app": "kubernetes-dashboard"}},
                    "template": {"spec": {"containers": [{"name": "d", "args": [f"--sidecar-host={BEARER}"]}]}},
                },
            }
        ],
        "nodes": [{"metadata": {"name": "node-1"}, "status": {"conditions": [{"type": "Ready", "status": "False"}]}}],
        "pods": [
            {
                "metadata": {"name": "metrics-server-1", "namespace": "kube-system"},
                "spec": {"nodeName": "node-1", "serviceAccountName": "metrics-server", "containers": [{"name": "m"}]},
                "status": {
                    "phase": "Running",
                    "containerStatuses": [{"name": "m", "restartCount": 9, "lastState": {"terminated": {}}}],
                },
            }
        ],
    }
    if path.endswith("/log"):
        return web.Response(text=f'E0101 "configmaps \\"extension-apiserver-authentication\\" is forbidden" {TOKEN}\n')
    if path.endswith("/services/metrics-server"):
        port = {"name": "https", "port": 443, "targetPort": "https"}
        spec = {"selector": {"k8s-app": "metrics-server"}, "ports": [port], "clusterIP": "10.96.0.9"}
        return web.json_response({"metadata": {"name": "metrics-server"}, "spec": spec})
    if path.startswith("/apis/metrics.k8s.io"):
        return status(503, f"unavailable {BEARER}")(request)
    if request.method == "POST":
        return web.json_response({"status": {"allowed": False}}, status=201)
    name = path.rpartition("/")[2]
    return web.json_response({"items": answers[name]}) if name in answers else status(404)(request)


ANSWERS: dict[str, Answer] = {
    "everything is broken": cluster,
    "nothing is there": status(404),
    "nothing may be seen": status(403),
    "nothing works": status(500),
    "nonsense": lambda request: web.Response(body=b"\xff\x00{", content_type="application/json"),
    "empty objects": lambda request: web.json_response({}),
    "lists of nothing": lambda request: web.json_response({"items": None}),
    "other types": lambda request: web.json_response({"items": [{"metadata": 5}], "spec": [], "status": "x"}),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_it_only_reads_and_always_reports(answer):
    """Every request is a GET or a review; the report can be printed, and no token is in it."""
    seen: list[tuple[str, str]] = []

    async def handle(request: web.BaseRequest) -> web.Response:
        seen.append((request.method, request.path))
        return web.json_response({}) if request.path == "/version" else answer(request)

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with ApiClient(ClusterConfig(server=f"http://127.0.0.1:{runner.addresses[0][1]}")) as client:
            report = examine(await doctor.look(client, WHOLE, lambda words: None))
    finally:
        await runner.cleanup()
    assert [item for item in seen if item[0] != "GET" and item[1] not in REVIEWS] == []
    text = printed(report) + diagnosis.as_json(report, without_tokens)
    assert [secret for secret in (TOKEN, BEARER) if secret in text] == []
    assert json.loads(diagnosis.as_json(report, without_tokens))["healthy"] is report.healthy
    if answer is cluster:
        assert report.first is not None
        assert "D46" in [item.check.id for item in report.others]


async def test_an_api_server_that_is_away_is_an_error():
    """Without an API server there is nothing to report."""
    async with ApiClient(ClusterConfig(server="http://127.0.0.1:1")) as client:
        with pytest.raises(ApiServerError, match="connection refused"):
            await doctor.look(client, WHOLE, lambda words: None)
