"""What kubelets report is wrong, or somebody cannot use it: what the doctor says, while it lasts."""

from __future__ import annotations

import time

import pytest
from tests.ward.ward import Ward, ward

from kubevitals.simulator.kinds import DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, Object
from kubevitals.simulator.quirks import Key, Quirks
from kubevitals.simulator.workload import Steady

NODE = "worker-2"
SHOP = ("shop", "cart-0", "cart")
MISSING = (
    "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in "
    "container cart of Pod cart-0"
)
NONE = (
    "the HPA was unable to compute the replica count: failed to get cpu utilization: did not receive metrics for "
    "targeted pods (pods might be unready)"
)


def cart(patient: Ward) -> Key:
    """Run a pod on the node; return its container."""
    use = Steady(time.time() - 3600, 5 * 10**7, 1 << 26)
    patient.cluster.pods.run(NODE, *SHOP[:2], {SHOP[2]: use}, labels={"app": "cart"})
    return SHOP


@pytest.mark.parametrize(
    ("row", "quirks"),
    [
        ("D31", Quirks(zero_node=True)),
        ("D32", Quirks(without_containers=True)),
        ("D33", Quirks(zeros=[SHOP])),
        ("D35", Quirks(duplicates={SHOP: Steady(5.0, 10**9, 1 << 20)})),
        ("D37", Quirks(clock_ahead=300)),
    ],
    ids=["D31", "D32", "D33", "D35", "D37"],
)
async def test_what_a_kubelet_reports_wrongly(row: str, quirks: Quirks) -> None:
    """The node or the pod is named while the kubelet reports so, and all is well afterwards."""
    async with ward() as patient:
        cart(patient)
        machine = patient.cluster.pods.machine(NODE)
        machine.set_quirks(quirks)
        await patient.diagnosed(row)
        machine.set_quirks(Quirks())
        await patient.healthy()


def autoscaler(status: str, message: str) -> Object:
    """An autoscaler of the cart, and what its controller says of it."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}
    reason = "ValidMetricFound" if status == "True" else "FailedGetResourceMetric"
    condition = {"type": "ScalingActive", "status": status, "reason": reason, "message": message}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3}
    metadata = {"namespace": "shop", "name": "cart"}
    return {"metadata": metadata, "spec": spec, "status": {"conditions": [condition]}}


async def test_pods_without_requests() -> None:
    """D38: the command that is printed gives the container a request, which is what the autoscaler misses."""
    async with ward() as patient:
        cart(patient)
        template = {"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [{"name": "cart", "image": "c"}]}}
        spec = {"selector": {"matchLabels": {"app": "cart"}}, "template": template}
        patient.cluster.registry.create(DEPLOYMENTS, {"metadata": {"namespace": "shop", "name": "cart"}, "spec": spec})
        patient.cluster.registry.create(HORIZONTAL_POD_AUTOSCALERS, autoscaler("False", MISSING))
        finding = await patient.diagnosed("D38")
        await patient.types(finding.remedies[0].command)
        [container] = patient.cluster.registry.get(DEPLOYMENTS, "cart", "shop")["spec"]["template"]["spec"][
            "containers"
        ]
        assert container["resources"]["requests"] == {"cpu": "100m"}
        patient.cluster.registry.apply(HORIZONTAL_POD_AUTOSCALERS, autoscaler("True", "it was able to scale"))
        await patient.healthy()


async def test_an_autoscaler_without_metrics() -> None:
    """D39: its controller's words are quoted; the commands that are printed show the pods."""
    async with ward() as patient:
        cart(patient)
        patient.cluster.registry.create(HORIZONTAL_POD_AUTOSCALERS, autoscaler("False", NONE))
        finding = await patient.diagnosed("D39")
        top = finding.remedies[0].command.splitlines()[-1]
        assert "cart-0" in await patient.types(top)
        patient.cluster.registry.apply(HORIZONTAL_POD_AUTOSCALERS, autoscaler("True", "it was able to scale"))
        await patient.healthy()
