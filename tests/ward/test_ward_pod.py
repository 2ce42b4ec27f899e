"""The provider's pod does not run: what the doctor says, and that what it says helps."""

from __future__ import annotations

import socket
from typing import Any

from tests.ward.machine import NODE
from tests.ward.ward import INSTALL, ward

from kubevitals.simulator.controlobjects import REPLICA_SET
from kubevitals.simulator.kinds import DEPLOYMENTS, EVENTS, Object

_ON_THE_NODE = "kubevitals manifests --host-network"
_QUOTA = "insufficient quota to match these scopes: [{PriorityClass In [system-cluster-critical]}]"
_NO_NODE = "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules."


def waiting(reason: str, message: str) -> Any:
    """A pod whose container waits."""

    def held(pod: Object) -> Object:
        [container] = pod["status"]["containerStatuses"]
        state = {"waiting": {"reason": reason, "message": message}}
        statuses = [container | {"ready": False, "restartCount": 0, "state": state}]
        return {**pod, "status": pod["status"] | {"phase": "Pending", "containerStatuses": statuses}}

    return held


def unscheduled(pod: Object) -> Object:
    """A pod that no node takes."""
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": _NO_NODE}
    spec = {key: value for key, value in pod["spec"].items() if key != "nodeName"}
    return {**pod, "spec": spec, "status": {"phase": "Pending", "conditions": [condition]}}


def killed(pod: Object) -> Object:
    """A pod whose container was killed for its memory."""
    [container] = pod["status"]["containerStatuses"]
    last = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    statuses = [container | {"restartCount": 4, "lastState": last}]
    return {**pod, "status": pod["status"] | {"containerStatuses": statuses}}


async def test_a_port_that_is_taken() -> None:
    """D42: on the node's network the kubelet has that port; the manifests that are printed have another."""
    async with ward() as patient:
        with socket.create_server((patient.cluster.nodes.address(NODE), 10250)):
            await patient.types(f"{_ON_THE_NODE} | sed s/4443/10250/ | kubectl apply -f -")
            finding = await patient.diagnosed("D42")
            await patient.types(finding.remedies[0].command)
            await patient.healthy()


async def test_an_image_that_is_out_of_reach() -> None:
    """D43: the command that is printed names another image."""
    async with ward() as patient:
        patient.machine.held = waiting("ImagePullBackOff", 'Back-off pulling image "kubevitals/kubevitals:v0.1.0"')
        finding = await patient.diagnosed("D43")
        await patient.types(finding.remedies[0].command.replace("REGISTRY/NAME:TAG", "mirror.example/kubevitals:0.1.0"))
        deployment = patient.cluster.registry.get(DEPLOYMENTS, "metrics-server", "kube-system")
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        assert container["image"] == "mirror.example/kubevitals:0.1.0"
        patient.machine.held = None
        await patient.healthy()


async def test_a_pod_that_is_refused() -> None:
    """D44: the event of the ReplicaSet is quoted."""
    async with ward() as patient:
        patient.machine.held = lambda pod: None
        about = {"kind": "ReplicaSet", "namespace": "kube-system", "name": REPLICA_SET}
        message = f'Error creating: pods "{REPLICA_SET}-" is forbidden: {_QUOTA}'
        event = {"metadata": {"namespace": "kube-system", "name": "refused"}, "involvedObject": about}
        event |= {"type": "Warning", "reason": "FailedCreate", "message": message}
        patient.cluster.registry.create(EVENTS, event)
        finding = await patient.diagnosed("D44")
        await patient.types(finding.remedies[1].command)
        patient.machine.held = None
        await patient.healthy()


async def test_a_pod_that_no_node_takes() -> None:
    """D45: one replica, as is printed, finds a place."""
    async with ward() as patient:
        patient.machine.held = unscheduled
        finding = await patient.diagnosed("D45")
        await patient.types(finding.remedies[0].command)
        patient.machine.held = None
        await patient.healthy()


async def test_too_little_memory() -> None:
    """D49: the command that is printed gives the pod more."""
    async with ward() as patient:
        patient.machine.held = killed
        finding = await patient.diagnosed("D49")
        await patient.types(finding.remedies[0].command)
        deployment = patient.cluster.registry.get(DEPLOYMENTS, "metrics-server", "kube-system")
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        assert container["resources"]["limits"]["memory"]
        patient.machine.held = None
        await patient.healthy()


async def test_no_aggregation_layer() -> None:
    """D14: the flags of kube-apiserver are named when it publishes no authority for its front proxy."""
    async with ward() as patient:
        await patient.types(
            "kubectl -n kube-system patch configmap extension-apiserver-authentication --type json "
            """-p '[{"op":"remove","path":"/data/requestheader-client-ca-file"}]'"""
        )
        await patient.types("kubectl -n kube-system rollout restart deployment/metrics-server")
        await patient.diagnosed("D14")
        patient.cluster.rotate_front_proxy()
        await patient.types(INSTALL)
        await patient.healthy()
