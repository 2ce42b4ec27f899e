"""The API server does not get to the provider's pod: what the doctor says, and that what it says helps."""

from __future__ import annotations

from tests.ward.machine import NODE
from tests.ward.ward import Ward, ward

from kubevitals.simulator.kinds import PODS

_NOBODY = "127.255.0.1"  # an address where nobody listens
_CLUSTER_IP = "10.96.20.30"
_API_SERVER = f"kube-apiserver-{NODE}"


def unreachable(patient: Ward, address: str, port: int, why: str) -> None:
    """Let the aggregation layer fail in the words of kube-apiserver."""
    url = f"https://{address}:{port}/apis/metrics.k8s.io/v1beta1"
    message = f'failing or missing response from {url}: Get "{url}": {why}'
    patient.cluster.aggregator.faults.condition = ("FailedDiscoveryCheck", message)


def reachable(patient: Ward) -> None:
    """Let the aggregation layer see for itself again."""
    patient.cluster.aggregator.faults.condition = None


async def has_cluster_ip(patient: Ward) -> None:
    """Give the Service its address."""
    change = f'{{"spec":{{"clusterIP":"{_CLUSTER_IP}"}}}}'
    await patient.types(f"kubectl -n kube-system patch service metrics-server -p '{change}'")


async def test_a_pod_that_is_out_of_reach() -> None:
    """D05: with the node's network, as is printed, the API server gets there."""
    async with ward() as patient:
        patient.machine.told = _NOBODY
        finding = await patient.diagnosed("D05")
        await patient.types(finding.remedies[1].command)
        await patient.healthy()


async def test_no_route_to_the_service() -> None:
    """D06: the pod answers, the Service's address does not; it does when the API server dials pods itself."""
    async with ward() as patient:
        await has_cluster_ip(patient)
        unreachable(patient, _CLUSTER_IP, 443, f"dial tcp {_CLUSTER_IP}:443: i/o timeout")
        await patient.diagnosed("D06")
        reachable(patient)
        await patient.healthy()


async def test_a_control_plane_outside_of_the_pods_network() -> None:
    """D07: neither address answers; with the node's network the pod does, and only the route is left to mend."""
    async with ward() as patient:
        await has_cluster_ip(patient)
        patient.machine.told = _NOBODY
        unreachable(patient, _CLUSTER_IP, 443, f"dial tcp {_CLUSTER_IP}:443: i/o timeout")
        finding = await patient.diagnosed("D07")
        await patient.types(finding.remedies[0].command)
        await patient.diagnosed("D06", "D07-after")
        reachable(patient)
        await patient.healthy()


async def test_no_konnectivity_agent() -> None:
    """D08: the agents are named, as long as none is connected."""
    async with ward() as patient:
        unreachable(patient, patient.machine.address, 10250, "No agent available")
        await patient.diagnosed("D08")
        reachable(patient)
        await patient.healthy()


async def test_a_proxy_in_between() -> None:
    """D09: the API server's environment sends it through a proxy, until the pods' network is exempt."""
    async with ward() as patient:
        pod = patient.cluster.registry.get(PODS, _API_SERVER, "kube-system")
        [container] = pod["spec"]["containers"]
        through = container | {"env": [{"name": "HTTPS_PROXY", "value": "http://user:hidden@proxy.example:3128"}]}
        patient.cluster.registry.update(PODS, {**pod, "spec": pod["spec"] | {"containers": [through]}})
        unreachable(patient, patient.machine.address, 10250, "EOF")
        await patient.diagnosed("D09")
        reachable(patient)
        await patient.healthy()


async def test_the_kubelet_answers() -> None:
    """D10: the Service leads to the kubelet's port of the node; the manifests that are printed have another."""
    async with ward() as patient:
        await patient.types("kubevitals manifests --host-network | kubectl apply -f -")
        await patient.healthy()
        change = f'[{{"op":"replace","path":"/spec/ports/0/targetPort","value":{patient.cluster.fleet.port}}}]'
        await patient.types(f"kubectl -n kube-system patch service metrics-server --type json -p '{change}'")
        finding = await patient.diagnosed("D10")
        await patient.types(finding.remedies[0].command)
        await patient.healthy()
