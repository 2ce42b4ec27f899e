"""What is asked about a Dashboard and about an adapter's configuration, and that it is asked only where they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import web
from tests.doctor.seen import healthy, of, provider

from kubevitals.doctor.evidence import Evidence
from kubevitals.doctor.looker import Looker
from kubevitals.doctor.neighbours import adapter, dashboard
from kubevitals.doctor.objects import Namespace, Workload
from kubevitals.kube.client import ApiClient
from kubevitals.kube.config import ClusterConfig

HERE = "kubernetes-dashboard"
CORE, APPS = f"/api/v1/namespaces/{HERE}", f"/apis/apps/v1/namespaces/{HERE}"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{HERE}/endpointslices"
POD = "kubernetes-dashboard-1"
LOG = f"{CORE}/pods/{POD}/log"


def pod(name: str = POD, phase: str = "Running") -> dict[str, Any]:
    """A pod with a sidecar before the Dashboard."""
    containers = [{"name": "mesh", "image": "mesh"}, {"name": "main", "image": "x/kubernetes-dashboard-amd64:v1"}]
    return {"metadata": {"name": name}, "spec": {"containers": containers}, "status": {"phase": phase}}


WORKLOAD = {"metadata": {"name": HERE}, "spec": {"selector": {"matchLabels": {"k8s-app": HERE, "tier": "x"}}}}
ANSWERS: dict[str, Any] = {
    f"{APPS}/deployments": {"items": [WORKLOAD]},
    f"{CORE}/services": {"items": [{"metadata": {"name": "dashboard-metrics-scraper"}}]},
    SLICES: {"items": []},
    f"{CORE}/pods": {"items": [pod("done", "Succeeded"), pod(), pod("second"), pod("third")]},
    LOG: "Successful request to sidecar\n",
}


class Server:
    """An API server that answers from a table, and remembers what it was asked."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers
        self.asked: dict[str, str] = {}

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer 404 to what is not in the table."""
        assert request.method == "GET"
        self.asked[request.path] = unquote(request.query_string)
        answer = self._answers.get(request.path)
        if isinstance(answer, str):
            return web.Response(text=answer)
        return web.json_response(answer or {"message": "no"}, status=200 if answer else 404)


async def looked(answers: Mapping[str, Any], what: Any, evidence: Evidence) -> tuple[Any, dict[str, str]]:
    """What is seen, and the queries by path."""
    server = Server(answers)
    runner = web.ServerRunner(web.Server(server.handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with ApiClient(ClusterConfig(server=f"http://127.0.0.1:{runner.addresses[0][1]}")) as client:
            return await what(Looker(client), evidence), server.asked
    finally:
        await runner.cleanup()


def with_dashboard() -> Evidence:
    """A cluster with a namespace of that name."""
    return healthy(namespaces=[of(Namespace, {"metadata": {"name": name}}) for name in ("kube-system", HERE)])


# --- the Dashboard ------------------------------------------------------------------------------------------


async def test_a_cluster_without_costs_nothing():
    """Nothing is asked where nothing tells of one."""
    assert await looked(ANSWERS, dashboard, healthy()) == (None, {})


async def test_what_is_asked_of_a_dashboard():
    """Three lists, its pods, and the last minutes of two logs, of the container that it is."""
    seen, asked = await looked(ANSWERS, dashboard, with_dashboard())
    assert asked.keys() == {*ANSWERS, f"{CORE}/pods/second/log"}
    assert f"labelSelector=k8s-app={HERE},tier=x" in asked[f"{CORE}/pods"]
    assert set(asked[LOG].split("&")) == {"tailLines=400", "limitBytes=200000", "sinceSeconds=900", "container=main"}
    assert seen.namespace == HERE
    assert seen.services[0].metadata.name == "dashboard-metrics-scraper"
    assert seen.logs[POD] == ANSWERS[LOG]


async def test_one_beside_the_provider():
    """It is found by its Deployment, which was seen already."""
    beside = of(Workload, {"metadata": {"name": HERE, "namespace": "kube-system"}})
    seen, asked = await looked({}, dashboard, healthy(workloads=[beside]))
    assert seen.namespace == "kube-system"
    assert len(asked) == 3


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {f"{APPS}/deployments": {"items": [{"metadata": {"name": HERE}}]}},  # no labels: not all pods, then
        {f"{APPS}/deployments": {"items": [WORKLOAD]}, f"{CORE}/pods": {"items": [{"metadata": {"name": "x"}}]}},
    ],
)
async def test_no_pod_no_log(answers):
    """Without pods, or with the right to see nothing, no log is asked for."""
    seen, asked = await looked(answers, dashboard, with_dashboard())
    assert seen.logs == {}
    assert [path for path in asked if path.endswith("/log")] == []


# --- an adapter ---------------------------------------------------------------------------------------------


def volumes(*names: str) -> dict[str, Any]:
    """A pod's volumes: a temporary directory, and ConfigMaps."""
    return {
        "volumes": [{"name": "tmp", "emptyDir": {}}, *({"name": name, "configMap": {"name": name}} for name in names)]
    }


async def test_an_adapters_configuration():
    """Of at most three ConfigMaps that it mounts."""
    pods = [
        provider(container={"image": "x/prometheus-adapter:v0.12.0"}, spec=volumes("adapter-config", "b", "c", "d"))
    ]
    place = "/api/v1/namespaces/kube-system/configmaps"
    answers = {f"{place}/adapter-config": {"metadata": {"name": "adapter-config"}, "data": {"config.yaml": "x"}}}
    seen, asked = await looked(answers, adapter, healthy(pods=pods))
    assert set(asked) == {f"{place}/{name}" for name in ("adapter-config", "b", "c")}
    assert seen[0].data == {"config.yaml": "x"}
    assert [found.missing for found in seen[1:]] == [True, True]


@pytest.mark.parametrize(
    "pods", [[], [provider(spec=volumes("x"))], [provider(container={"image": "prometheus-adapter"})]]
)
async def test_another_provider_has_none(pods):
    """No ConfigMap is read of another provider, or of one that mounts none."""
    assert await looked({}, adapter, healthy(pods=pods)) == ((), {})
