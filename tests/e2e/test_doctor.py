"""``kubevitals doctor`` in a real control plane: what it finds, and that its remedies are typed as they are printed."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.e2e import objects
from tests.e2e.bare_kubelet import bare_kubelet
from tests.e2e.doctoring import Diagnosis, Patient, gone, patient, serving
from tests.e2e.fleet import MI, Container, Node, Pod, small_fleet
from tests.e2e.installing import printed
from tests.e2e.kubelets import Kubelets
from tests.e2e.test_install_rights import DELEGATOR, READER, ROLE, without
from tests.e2e.world import reviewer
from tests.kubeletcerts.making import KEY, manifest, pem
from tests.kubeletcerts.making import PATH as REQUESTS
from tests.processes import eventually

from kubevitals.simulator.pki import KeyPair

pytestmark = pytest.mark.e2e

REGISTRATIONS = "/apis/apiregistration.k8s.io/v1/apiservices"
SHOP = "shop"
MAIN = f"{REGISTRATIONS}/v1beta1.metrics.k8s.io"
ALL_READING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
REVIEWING = {
    "apiGroups": ["authorization.k8s.io"],
    "resources": ["subjectaccessreviews", "selfsubjectaccessreviews"],
    "verbs": ["create"],
}
Manifest = objects.Manifest


class Case(NamedTuple):
    """A right of the provider that is missing.

    Args:
        path: of the role or binding it comes from.
        rules: what the role has left of the installed rules; None where the binding is gone.
        evidence: words of what is found.
        made: what the remedy makes, to be removed afterwards.
    """

    path: str
    rules: Callable[[list[Manifest]], list[Manifest]] | None
    evidence: tuple[str, ...]
    made: tuple[str, ...] = ()


CASES: Mapping[str, Case] = {
    "D17": Case(
        READER,
        None,
        ("can-i get configmap/extension-apiserver-authentication -n kube-system", "kube-system:metrics-server: no"),
    ),
    "D18": Case(
        DELEGATOR,
        None,
        ("ServiceAccount kube-system/metrics-server", "create tokenreviews", "create subjectaccessreviews"),
    ),
    "D29": Case(
        ROLE,
        without("resources", "nodes/metrics"),
        ("no right to get nodes/metrics", "--as=system:serviceaccount:kube-system:metrics-server: no", "403"),
        ("clusterroles/system:metrics-server:kubelets", "clusterrolebindings/system:metrics-server:kubelets"),
    ),
    "D50": Case(
        ROLE,
        without("resources", "nodes"),
        ("may not list nodes, watch nodes", "can-i list nodes --as=system:serviceaccount:kube-system:metrics-server"),
        ("clusterroles/metrics-server-objects", "clusterrolebindings/metrics-server-objects"),
    ),
}  # fmt: skip


def own_address() -> str:
    """An address of this machine that pods may have; an API server refuses those of the loopback interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        try:
            asker.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            pytest.skip("This machine has no address but those of the loopback interface.")
        return str(asker.getsockname()[0])


@pytest.fixture(scope="module")
def site(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    """A cluster that has what doctor said to install when there was nothing, and is healthy."""
    with patient(assets, tmp_path_factory.mktemp("doctor"), small_fleet(), own_address()) as found:
        found.before = found.diagnose()
        found.run_command(found.before.remedy("D01"))
        with serving(found, found.new_server("provider", printed())):
            found.healed()
            yield found


@pytest.fixture(scope="module")
def reader(site: Patient) -> Path:
    """Somebody who may see everything and change nothing."""
    return site.granted("reader", [ALL_READING, REVIEWING])


def test_an_installation_is_what_helps_where_there_is_none(site: Patient) -> None:
    """D01: nothing but the remedy was applied, and all is well."""
    assert site.before.rows == ["D01"]
    assert site.before.says("D01", "none of", "404")
    seen = site.healed()
    assert {walked["state"] for walked in seen.report["hops"]} == {"ok"}
    assert seen.unseen == {}
    assert "All is well" in site.doctor().stdout


@pytest.mark.parametrize("row", CASES)
def test_a_right_that_the_provider_lacks(site: Patient, reader: Path, row: str) -> None:
    """It is found first, by whoever may see it, and the remedy gives it back."""
    case, admin = CASES[row], site.plane.admin
    try:
        if case.rules is None:
            admin.delete(case.path)
        else:
            admin.patch(case.path, {"rules": case.rules(admin.get(case.path)["rules"])})
        site.kubelets.forget()
        seen = site.found_first(row)
        assert seen.says(row, *case.evidence)
        assert site.diagnose(kubeconfig=reader).rows == seen.rows
        site.run_command(seen.remedy(row))
        site.healed()
    finally:
        site.run_command("kubevitals manifests | kubectl apply -f -")
        for made in case.made:
            gone(site, f"{objects.RBAC}/{made}")


def test_a_reader_without_rights(site: Patient) -> None:
    """D16: the administrator binds what is printed; what else is not to be seen is told, and nothing is made up."""
    nobody = site.user("nobody")
    seen = site.found_first("D16", kubeconfig=nobody)
    assert seen.rows == ["D16"]
    assert seen.says("D16", "nobody may not read metrics", "403", "can-i list pods.metrics.k8s.io: no")
    assert set(seen.unseen.values()) == {403}
    site.run_command(seen.remedy("D16"))

    def allowed() -> bool:  # the provider remembers a refusal for a while
        unseen = site.healed(kubeconfig=nobody).unseen
        return "/apis/metrics.k8s.io/v1beta1/nodes" not in unseen and "/api/v1/nodes" in unseen

    eventually(allowed, within=30, every=0.5)
    assert "Nothing is wrong with what could be looked at." in site.doctor(kubeconfig=nobody).stdout


def test_a_viewer_is_told_what_is_not_to_be_seen(site: Patient) -> None:
    """The ClusterRole view reads metrics and pods, and neither nodes nor registrations."""
    seen = site.healed(kubeconfig=site.bound("viewer", "view"))
    assert set(seen.unseen) >= {"/api/v1/nodes", REGISTRATIONS}
    assert seen.state("registration of the Metrics API") == "unseen: could not be looked at"
    assert seen.state("what the kubelets report").startswith("ok: 4 pods measured")
    assert "kubelets asked" not in seen.state("what the kubelets report")


def test_reading_suffices(site: Patient, reader: Path) -> None:
    """Who may get, list, watch and ask for reviews sees all that an administrator sees."""
    seen = site.healed(kubeconfig=reader)
    assert seen.unseen == {}
    states = [(walked["hop"], walked["state"]) for walked in seen.report["hops"]]
    assert states == [(walked["hop"], walked["state"]) for walked in site.healed().report["hops"]]


@pytest.mark.parametrize("number", [0, 1])
def test_a_registration_that_leads_nowhere(site: Patient, number: int) -> None:
    """D04: both remedies help, one after names are filled in as its first line prints them."""
    site.plane.admin.patch(MAIN, {"spec": {"service": {"name": "renamed"}}})
    seen = site.found_first("D04")
    assert seen.says("D04", "Service kube-system/renamed, which does not exist", "ServiceNotFound")
    looking, _, leading = seen.remedy("D04", number).partition("\n")
    told = site.run_command(looking)
    if number == 0:
        namespace, name, *_ = told.splitlines()[1].split()
        leading = leading.replace("NAMESPACE", namespace).replace("NAME", name)
    site.run_command(leading)
    site.healed()


def test_somebody_elses_registration_that_is_left_over(site: Patient) -> None:
    """D40: it holds up a namespace that is to go; when it is removed, the namespace goes."""
    admin = site.plane.admin
    service = {"namespace": "default", "name": "gone", "port": 443}
    group = {"group": "left.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100}
    registration = {"spec": group | {"service": service, "insecureSkipTLSVerify": True}}
    admin.post(*objects.namespace("doomed"))
    admin.post(REGISTRATIONS, {"metadata": {"name": "v1.left.example.com"}} | registration)
    site.found_first("D40")
    admin.delete(f"{objects.CORE}/namespaces/doomed")

    def stuck() -> bool:
        return site.found_first("D40").says("D40", "ServiceNotFound", "namespace doomed: ", "DiscoveryFail")

    eventually(stuck, within=30, every=1)
    site.run_command(site.found_first("D40").remedy("D40", 1))
    site.healed()
    eventually(lambda: "doomed" not in [row[0] for row in site.rows("get", "namespaces")], within=60)


def test_a_kubelet_without_a_certificate(site: Patient) -> None:
    """D21: the command asks, approves and lets the controller sign; with what it signed the kubelet is measured."""
    admin, authority = site.plane.admin, site.plane.authorities.cluster
    node = Node("node-d", "127.10.0.4", 100, 200 * MI)
    with bare_kubelet(node.address, authority.pair("unsigned", [])) as port:
        admin.post(f"{objects.CORE}/nodes", objects.node(node, port))
        user = authority.client("system:node:node-d", "system:nodes")
        site.plane.client(user).post(REQUESTS, manifest("csr-d", pem(node.name, [node.name, node.address])))
        seen = eventually(lambda: pending(site.found_first("D21")), within=30)
        assert seen.finding("D21")["nodes"] == ["node-d"]
        told = site.run_command(seen.remedy("D21"), answer="y\n")
        assert "csr-d" in told
        issued = eventually(lambda: admin.get(f"{REQUESTS}/csr-d")["status"].get("certificate"), within=30)
    pair = KeyPair(base64.b64decode(issued), private_key())
    with Kubelets([node], pair, reviewer(site.plane), client_ca=authority.pem) as kubelet:
        endpoint = {"daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.port}}}
        admin.patch(f"{objects.CORE}/nodes/{node.name}/status", {"status": endpoint})
        assert "4 of 4 nodes measured" in site.healed().state("provider → kubelets")
        admin.delete(f"{objects.CORE}/nodes/{node.name}")
    site.healed()


def pending(seen: Diagnosis) -> Diagnosis:
    """What was found, once the request is among it."""
    assert seen.says("D21", "no serving certificate", "INTERNAL_ERROR", "pending csr-d of system:node:node-d")
    return seen


def private_key() -> bytes:
    """The key of the requests."""
    return KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_an_autoscaler_without_metrics_and_then_without_requests(site: Patient) -> None:
    """D39, and D38 when there are metrics: the Deployment is changed as it is printed, and the autoscaler scales."""
    admin, apps = site.plane.admin, f"/apis/apps/v1/namespaces/{SHOP}/deployments"
    admin.post(*objects.namespace(SHOP))
    try:
        admin.post(apps, deployment())
        admin.post(f"/apis/autoscaling/v1/namespaces/{SHOP}/horizontalpodautoscalers", autoscaler())
        (first,) = eventually(lambda: site.run_pods(SHOP), within=30)
        assert site.found_first("D39").says("D39", "Autoscaler shop/web", "no metrics returned")
        measure(site, first)
        seen = site.found_first("D38")
        assert seen.says("D38", "container app of Deployment web requests none", "missing request for cpu")
        assert site.diagnose("hpa", "shop/web").rows == ["D38"]
        site.run_command(seen.remedy("D38"))
        second = eventually(lambda: set(site.run_pods(SHOP)) - {first}, within=30)
        measure(site, *second)
        assert "1 autoscaler served" in site.healed().state("consumers")
    finally:
        admin.delete(f"{objects.CORE}/namespaces/{SHOP}")


def measure(site: Patient, *names: str) -> None:
    """Let the kubelet of the first node report pods."""
    for name in names:
        site.kubelets.run_pod(Pod(SHOP, name, (Container("app", 100, 64 * MI),)), site.nodes[0])


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


def test_a_front_proxy_whose_name_is_not_allowed(site: Patient) -> None:
    """D15: with one authority for all, the provider takes everybody for the API server; the flag that is told helps."""
    plane, authorities = site.plane, site.plane.authorities
    authorities.front_proxy = authorities.cluster
    authorities.proxy_client = authorities.cluster.client("aggregator")
    plane.kill_api_server()
    plane.restart_api_server()
    seen = site.found_first("D15")
    assert seen.says("D15", "takes everybody for aggregator", '["front-proxy-client"]')
    plane.kill_api_server()
    plane.restart_api_server(seen.remedy("D15"))
    site.healed()
