"""What ``kubevitals doctor`` finds of kubelets, autoscalers and the front proxy in a real control plane."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.e2e import objects
from tests.e2e.bare_kubelet import bare_kubelet
from tests.e2e.diagnosis import Diagnosis
from tests.e2e.doctoring import Patient
from tests.e2e.fleet import MI, Container, Node, Pod
from tests.e2e.kubelets import Kubelets
from tests.e2e.world import reviewer
from tests.kubeletcerts.making import KEY, manifest, pem
from tests.kubeletcerts.making import PATH as REQUESTS
from tests.processes import eventually

from kubevitals.simulator.pki import KeyPair

pytestmark = pytest.mark.e2e

SERVICE = f"{objects.CORE}/namespaces/{objects.NAMESPACE}/services/{objects.NAME}"
SHOP = "shop"
Manifest = objects.Manifest


def test_a_kubelet_without_a_certificate(patient: Patient) -> None:
    """D21: the command asks, approves and lets the controller sign; with what it signed the kubelet is measured."""
    admin, authority = patient.plane.admin, patient.plane.authorities.cluster
    node = Node("node-d", "127.10.0.4", 100, 200 * MI)
    with bare_kubelet(node.address, authority.pair("unsigned", [])) as port:
        admin.post(f"{objects.CORE}/nodes", objects.node(node, port))
        user = authority.client("system:node:node-d", "system:nodes")
        patient.plane.client(user).post(REQUESTS, manifest("csr-d", pem(node.name, [node.name, node.address])))
        seen = eventually(lambda: pending(patient.found_first("D21")), within=30)
        assert seen.finding("D21")["nodes"] == ["node-d"]
        strangers = patient.doctor("--redact").stdout
        assert [word for word in (node.name, node.address, patient.address) if word in strangers] == []
        told = patient.run_command(seen.remedy("D21"), answer="y\n")
        assert "csr-d" in told
        issued = eventually(lambda: admin.get(f"{REQUESTS}/csr-d")["status"].get("certificate"), within=30)
    pair = KeyPair(base64.b64decode(issued), private_key())
    with Kubelets([node], pair, reviewer(patient.plane), client_ca=authority.pem) as kubelet:
        endpoint = {"daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.port}}}
        admin.patch(f"{objects.CORE}/nodes/{node.name}/status", {"status": endpoint})
        assert "4 of 4 nodes measured" in patient.healed().state("provider → kubelets")
        admin.delete(f"{objects.CORE}/nodes/{node.name}")
    patient.healed()


def pending(seen: Diagnosis) -> Diagnosis:
    """What was found, once the request is among it."""
    assert seen.says("D21", "no serving certificate", "INTERNAL_ERROR", "pending csr-d of system:node:node-d")
    return seen


def private_key() -> bytes:
    """The key of the requests."""
    return KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_an_autoscaler_without_metrics_and_then_without_requests(patient: Patient) -> None:
    """D39, and D38 when there are metrics: the Deployment is changed as it is printed, and the autoscaler scales."""
    admin, apps = patient.plane.admin, f"/apis/apps/v1/namespaces/{SHOP}/deployments"
    admin.post(*objects.namespace(SHOP))
    try:
        admin.post(apps, deployment())
        admin.post(f"/apis/autoscaling/v1/namespaces/{SHOP}/horizontalpodautoscalers", autoscaler())
        (first,) = eventually(lambda: patient.run_pods(SHOP), within=30)
        assert patient.found_first("D39").says("D39", "Autoscaler shop/web", "no metrics returned")
        measure(patient, first)
        seen = patient.found_first("D38")
        assert seen.says("D38", "container app of Deployment web requests none", "missing request for cpu")
        assert patient.diagnose("hpa", "shop/web").rows == ["D38"]
        patient.run_command(seen.remedy("D38"))
        second = eventually(lambda: set(patient.run_pods(SHOP)) - {first}, within=30)
        measure(patient, *second)
        assert "1 autoscaler served" in patient.healed().state("consumers")
    finally:
        admin.delete(f"{objects.CORE}/namespaces/{SHOP}")


def measure(patient: Patient, *names: str) -> None:
    """Let the kubelet of the first node report pods."""
    for name in names:
        patient.kubelets.run_pod(Pod(SHOP, name, (Container("app", 100, 64 * MI),)), patient.nodes[0])


def deployment() -> Manifest:
    """One pod whose container requests nothing."""
    spec = {"terminationGracePeriodSeconds": 0, "containers": [{"name": "app", "image": "none"}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": spec}
    selector = {"matchLabels": {"app": "web"}}
    return {"metadata": {"name": "web"}, "spec": {"replicas": 1, "selector": selector, "template": template}}


def autoscaler() -> Manifest:
    """An autoscaler that wants a percentage of what is requested."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    limits = {"minReplicas": 1, "maxReplicas": 1, "targetCPUUtilizationPercentage": 60}
    return {"metadata": {"name": "web"}, "spec": {"scaleTargetRef": target} | limits}


def test_a_service_that_leads_out_of_the_cluster(patient: Patient) -> None:
    """An API server that dials pods itself takes no ExternalName: that is what is told, and no endpoints are missed."""
    outside = {"type": "ExternalName", "externalName": "metrics.example.com"}
    inside = {"clusterIP": None, "clusterIPs": None, "selector": None}
    try:
        patient.plane.admin.patch(SERVICE, {"spec": outside | inside})
        seen = patient.found_first("D40")
        assert set(seen.rows) <= {"D40", "D39"}  # an autoscaler that is still there misses its metrics soon
        assert seen.says("D40", 'unsupported service type "ExternalName"')
        assert seen.state("Service and endpoints") == "ok: leads to metrics.example.com, outside the cluster"
    finally:
        patient.plane.admin.delete(SERVICE)
        patient.run_command("kubevitals manifests | kubectl apply -f -")
    patient.healed()


def test_a_front_proxy_whose_name_is_not_allowed(patient: Patient) -> None:
    """D15: with one authority for all, the provider takes everybody for the API server; the flag that is told helps."""
    plane, authorities = patient.plane, patient.plane.authorities
    authorities.front_proxy = authorities.cluster
    authorities.proxy_client = authorities.cluster.client("aggregator")
    plane.kill_api_server()
    plane.restart_api_server()
    seen = patient.found_first("D15")
    assert seen.says("D15", "takes everybody for aggregator", '["front-proxy-client"]')
    plane.kill_api_server()
    plane.restart_api_server(seen.remedy("D15"))
    patient.healed()
