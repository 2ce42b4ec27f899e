"""Somebody else's server is the provider: what the doctor says of it, and that what it says helps."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from tests.ward.machine import NODE, POD, Machine
from tests.ward.ward import PLAN, Ward

from kubevitals.simulator import pki
from kubevitals.simulator.cluster import Cluster
from kubevitals.simulator.kinds import CONFIG_MAPS, PODS

GROUP = "/apis/metrics.k8s.io"
HOST = "127.0.0.1"
RULES = """\
resourceRules:
  cpu: {resources: {overrides: {instance: {resource: node}}}}
  memory: {resources: {overrides: {instance: {resource: node}}}}
"""


class Stranger:
    """A server of the Metrics API that knows what it is told, for the time of a with block.

    Attributes:
        nodes: the names of nodes that it has metrics of.
        pods: the same for pods, by namespace and name.
    """

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self.pods: list[tuple[str, str]] = []

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer whoever asks."""
        path = request.path
        if path.startswith(GROUP) and path.count("/") == 3:
            return web.json_response({"kind": "APIResourceList", "resources": []})
        if path.endswith("/nodes"):
            return web.json_response({"items": [self._item({"name": name}) for name in self.nodes]})
        if path.endswith("/pods"):
            places = ({"namespace": namespace, "name": name} for namespace, name in self.pods)
            return web.json_response({"items": [self._item(place) for place in places]})
        return web.Response(text="ok") if path == "/readyz" else web.Response(status=404)

    def _item(self, metadata: dict[str, str]) -> dict[str, Any]:
        use = {"cpu": "10m", "memory": "10Mi"}
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        more = {"containers": [{"name": "c", "usage": use}]} if "namespace" in metadata else {"usage": use}
        return {"metadata": metadata, "timestamp": now, "window": "15s"} | more


@asynccontextmanager
async def strangers(args: list[str]) -> AsyncIterator[tuple[Ward, Stranger]]:
    """Run a cluster in which somebody else's server is the provider, with these flags."""
    async with Cluster(PLAN, now=time.time, random=random.random) as cluster:
        stranger = Stranger()
        runner = web.ServerRunner(web.Server(stranger.answer, access_log=None))
        await runner.setup()
        pair = cluster.authority.serving("metrics-server", ["metrics-server.kube-system.svc", HOST])
        site = web.TCPSite(runner, HOST, 0, ssl_context=pki.serving_context(pair))
        await site.start()
        try:
            port = int(runner.addresses[0][1])
            cluster.register(HOST, port, ca=cluster.authority.pem, pod=NODE, args=args)
            yield Ward(cluster, Machine(cluster, f"127.{random.randrange(100, 200)}.9.9")), stranger
        finally:
            await runner.cleanup()


def runs(patient: Ward, name: str, image: str, **spec: Any) -> None:
    """Let the provider's pod run a container of this image."""
    pod = patient.cluster.registry.get(PODS, POD, "kube-system")
    [container] = pod["spec"]["containers"]
    containers = [container | {"name": name, "image": image}]
    statuses = [status | {"name": name} for status in pod["status"]["containerStatuses"]]
    status = pod["status"] | {"containerStatuses": statuses}
    spec = pod["spec"] | {"containers": containers} | spec
    patient.cluster.registry.update(PODS, {**pod, "spec": spec, "status": status})


async def test_a_list_without_nodes() -> None:
    """D02: the command that is printed shows the provider's log; when it has metrics, all is well."""
    async with strangers(["--metric-resolution=15s"]) as (patient, stranger):
        runs(patient, "metrics-server", "metrics-server:v0.8.0")
        patient.cluster.logs["kube-system", POD] = "I1123 serving\n"
        finding = await patient.diagnosed("D02")
        assert "serving" in await patient.types(finding.remedies[0].command)
        stranger.nodes = ["worker-1", "worker-2"]
        await patient.healthy()


async def test_an_adapter_that_finds_no_nodes() -> None:
    """D47: its configuration is quoted; a server that reads the kubelets, as is printed last, takes its place."""
    async with strangers(["--config=/etc/adapter/config.yaml"]) as (patient, stranger):
        stranger.pods = [("shop", "cart-0")]
        volume = {"name": "config", "configMap": {"name": "adapter-config"}}
        runs(patient, "prometheus-adapter", "prometheus-adapter:v0.12.0", volumes=[volume])
        place = {"namespace": "kube-system", "name": "adapter-config"}
        patient.cluster.registry.create(CONFIG_MAPS, {"metadata": place, "data": {"config.yaml": RULES}})
        finding = await patient.diagnosed("D47")
        patient.cluster.unregister()
        await patient.types(finding.remedies[-1].command)
        async with patient.machine.following():
            await patient.healthy()
