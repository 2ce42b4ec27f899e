"""What stands around the provider, or takes its time: what the doctor says, and that what it says helps."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from tests.ward.machine import NODE
from tests.ward.ward import Ward, ward

from kubevitals.doctor.scope import Scope
from kubevitals.simulator import templates
from kubevitals.simulator.kinds import DEPLOYMENTS, ENDPOINT_SLICES, NAMESPACES, NODES, PODS, SERVICES
from kubevitals.simulator.workload import Reading

DASHBOARD = "kubernetes-dashboard"
SCRAPER = "dashboard-metrics-scraper"


class Falling:
    """Counters that are smaller each time they are read."""

    start = 5.0

    def at(self, time: float) -> Reading:
        return Reading(int(time * 1000), int((4e9 - time) * 1e6), 1 << 25)


async def test_a_young_pod() -> None:
    """D34: whoever asks about one that has only just started is told until when to wait."""
    async with ward() as patient:
        pod = templates.pod("shop", "cart-0", "worker-2", ["cart"], labels={}, started=time.time())
        patient.cluster.registry.apply(PODS, pod)
        patient.scope = Scope(pod=("shop", "cart-0"))
        await patient.diagnosed("D34")
        patient.cluster.registry.delete(PODS, "cart-0", "shop")
        patient.scope = Scope()
        await patient.healthy()


async def test_counters_that_go_back() -> None:
    """D36: when many fall at once it is no restart; the pods are named as long as it lasts."""
    async with ward() as patient:
        names = [f"cart-{number}" for number in range(10)]
        for name in names:
            patient.cluster.pods.run("worker-2", "shop", name, {"cart": Falling()})
        finding = await patient.diagnosed("D36")
        assert names[0] in await patient.types(finding.remedies[0].command)
        for name in names:
            patient.cluster.pods.delete("shop", name)
        await patient.healthy()


async def test_the_providers_own_node_on_fargate() -> None:
    """D48: that nothing is wrong is said; with the flag that is printed there is nothing left to say."""
    async with ward() as patient:
        labels = '{"metadata":{"labels":{"eks.amazonaws.com/compute-type":"fargate"}}}'
        await patient.types(f"kubectl patch node {NODE} -p '{labels}'")
        await patient.cluster.nodes.stop_kubelet(NODE)
        finding = await patient.noted("D48")
        await patient.types(finding.remedies[2].command)
        await patient.healthy()
        assert not (await patient.examined()).notes


def place_dashboard(patient: Ward, *args: str, ready: bool = True) -> None:
    """Install a Dashboard with its scraper, as far as the doctor looks at it."""
    registry = patient.cluster.registry
    registry.apply(NAMESPACES, templates.namespace(DASHBOARD))
    for name in (DASHBOARD, SCRAPER):
        labels = {"k8s-app": name}
        container: dict[str, Any] = {"name": name, "image": name, "args": list(args) if name == DASHBOARD else []}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        metadata = {"namespace": DASHBOARD, "name": name}
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        registry.apply(DEPLOYMENTS, {"metadata": metadata, "spec": spec})
        patient.cluster.pods.ensure_namespace(DASHBOARD)
        registry.apply(PODS, templates.pod(DASHBOARD, f"{name}-1", NODE, [name], labels=labels, started=5.0))
    port = {"port": 8000, "targetPort": 8000}
    service = {"metadata": {"namespace": DASHBOARD, "name": SCRAPER}, "spec": {"ports": [port], "selector": labels}}
    registry.apply(SERVICES, service)
    end = {"addresses": ["10.244.0.9"], "conditions": {"ready": ready}}
    metadata = {"namespace": DASHBOARD, "name": SCRAPER, "labels": {"kubernetes.io/service-name": SCRAPER}}
    slice_ = {"metadata": metadata, "addressType": "IPv4", "endpoints": [end], "ports": [{"port": 8000}]}
    registry.apply(ENDPOINT_SLICES, slice_)


@pytest.mark.parametrize(
    ("name", "flags"),
    [("D46-none", ["--metrics-provider=none"]), ("D46-address", [f"--sidecar-host={SCRAPER}"])],
    ids=["none", "address"],
)
async def test_a_dashboard_without_graphs(name: str, flags: list[str]) -> None:
    """D46: the patch that is printed lets the Dashboard ask its scraper."""
    async with ward() as patient:
        place_dashboard(patient, f"--namespace={DASHBOARD}", *flags)
        finding = await patient.diagnosed("D46", name)
        await patient.types(finding.remedies[0].command)
        deployment = patient.cluster.registry.get(DEPLOYMENTS, DASHBOARD, DASHBOARD)
        assert f"http://{SCRAPER}.{DASHBOARD}:8000" in json.dumps(deployment)
        await patient.healthy()


async def test_a_dashboard_whose_scraper_sleeps() -> None:
    """D46: a scraper without endpoint is named; when it is ready all is well."""
    async with ward() as patient:
        place_dashboard(patient, ready=False)
        await patient.diagnosed("D46", "D46-asleep")
        place_dashboard(patient)
        await patient.healthy()


async def test_an_address_that_a_firewall_keeps_from_the_provider() -> None:
    """D25: the provider dials another address of the node than the API server, which gets there."""
    async with ward() as patient:
        for node in ("worker-1", "worker-2"):
            item = patient.cluster.registry.get(NODES, node)
            outside = {"type": "ExternalIP", "address": "127.255.0.9"}
            addresses = [*item["status"]["addresses"], outside]
            patient.cluster.registry.update(NODES, {**item, "status": item["status"] | {"addresses": addresses}})
        await patient.types(
            "kubevitals manifests | sed s/InternalIP,ExternalIP,Hostname/ExternalIP/ | kubectl apply -f -"
        )
        await patient.diagnosed("D25")
        await patient.types("kubevitals manifests | kubectl apply -f -")
        await patient.healthy()
