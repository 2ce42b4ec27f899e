"""What real control planes answered that was once misread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from tests.doctor.seen import api_service, found, healthy, of, service

from kubevitals.cli import doctor
from kubevitals.doctor.evidence import Access, Evidence, Unseen
from kubevitals.doctor.objects import Autoscaler, ConfigMap, Namespace, Workload
from kubevitals.doctor.report import examine
from kubevitals.doctor.rights import AUTHENTICATION
from kubevitals.doctor.scope import WHOLE
from kubevitals.kube.client import ApiClient
from kubevitals.kube.config import ClusterConfig

NODES = "/apis/metrics.k8s.io/v1beta1/nodes"
MISSING = "failed to get cpu utilization: missing request for cpu"

INACTIVE = {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "message": MISSING}
STARVED = {
    "metadata": {"namespace": "shop", "name": "web"},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}},
    "status": {"conditions": [INACTIVE]},
}


def refused(user: str, *, allowed: str = '["front-proxy-client"]', may: bool = True) -> Evidence:
    """The provider says that somebody may not list nodes."""
    message = f'nodes.metrics.k8s.io is forbidden: User "{user}" cannot list resource "nodes"'
    return healthy(
        node_metrics=Unseen(NODES, 403, message),
        published=of(ConfigMap, {"data": {"requestheader-allowed-names": allowed}}),
        own_rights={"list nodes.metrics.k8s.io": Access(may)},
    )


def scaled(**spec: Any) -> Evidence:
    """An autoscaler of Kubernetes 1.20, which does not say whose request is missing."""
    workload = of(Workload, {"spec": {"template": {"spec": spec}}})
    return healthy(autoscalers=[of(Autoscaler, STARVED)], scaled={"shop/web": workload})


def failing(cause: str, remedy: str) -> Evidence:
    """One node that kubevitals cannot scrape."""
    entry = {
        "name": "node-2",
        "state": "failing",
        "cause": cause,
        "detail": "the TLS handshake ended",
        "remedy": remedy,
    }
    return healthy(status={"nodes": [entry]})


def test_a_lost_right_is_found_though_the_pod_is_ready():
    """D17: a provider that runs goes on with what it has read, so that its log is not looked at."""
    denied = {AUTHENTICATION: Access(False)}
    seen = found(healthy(rights=denied))["D17"]
    assert seen.level == "degraded"
    assert "auth can-i get configmap/extension-apiserver-authentication -n kube-system" in seen.evidence[0]
    assert found(healthy(rights=denied, node_metrics=[]))["D17"].level == "broken"
    assert "D17" not in found(healthy(rights={AUTHENTICATION: Access(True)}))


@pytest.mark.parametrize("user", ["aggregator", "system:openshift-aggregator", "kube-apiserver-proxy-client"])
def test_the_front_proxy_is_known_by_its_name(user):
    """D15: the flag that helps keeps the names that are published."""
    seen = found(refused(user, allowed='["one","two"]'))["D15"]
    assert seen.remedies[0].command == f"--requestheader-allowed-names=one,two,{user}"


@pytest.mark.parametrize("user", ["jane", "system:serviceaccount:shop:aggregator"])
def test_other_callers_are_not_taken_for_it(user):
    """D15: somebody without rights is no front proxy."""
    assert "D15" not in found(refused(user))


def test_a_name_that_a_shell_would_read_is_quoted():
    """D16: the name of a user is anything that a certificate says."""
    seen = found(refused("jane; rm -rf ~", may=False))["D16"]
    assert seen.remedies[0].command.endswith("--user='jane; rm -rf ~'")


def test_a_right_in_ones_own_namespace_is_told():
    """D16: somebody who may read metrics of a namespace is not told to have no rights at all."""
    evidence = refused("jane", may=False)
    here = {"list pods.metrics.k8s.io -n shop": Access(True)}
    seen = found(replace(evidence, own_rights=evidence.own_rights | here))["D16"]
    assert seen.summary == "jane may not read metrics but those of pods in namespace shop."
    assert [line for line in seen.evidence if "-n shop" in line] == []
    gone = {"list pods.metrics.k8s.io -n shop": Access(False)}
    assert (
        found(replace(evidence, own_rights=evidence.own_rights | gone))["D16"].summary == "jane may not read metrics."
    )


def test_a_service_that_leads_out_has_no_endpoints():
    """D03: an ExternalName is resolved by the API server, and has neither pods nor endpoints."""
    outside = service(type="ExternalName", externalName="metrics.example.com", selector=None)
    report = examine(healthy(service=outside, slices=[], pods=[], logs={}))
    assert report.healthy
    assert any("leads to metrics.example.com" in walked.words for walked in report.hops)


def test_namespaces_that_are_held_up_are_named():
    """D40: those that wait for the discovery of an API, and not others that end."""

    def ending(name: str, status: str) -> Namespace:
        said = {"type": "NamespaceDeletionDiscoveryFailure", "status": status, "reason": "DiscoveryFailed"}
        place = {"name": name, "deletionTimestamp": "2026-01-01T00:00:00Z"}
        return of(Namespace, {"metadata": place, "status": {"conditions": [said]}})

    other = api_service("v1", group="left.example.com", status="False", reason="ServiceNotFound")
    seen = found(healthy(api_services=[other], namespaces=[ending("doomed", "True"), ending("going", "False")]))["D40"]
    assert [line for line in seen.evidence if line.startswith("namespace")] == [
        "namespace doomed: Terminating, DiscoveryFailed: "
    ]


def test_containers_without_requests_are_looked_up():
    """D38: each of those that request none gets a command, and those that do none."""
    without = {"name": "app"}, {"name": "proxy", "resources": {"requests": {"memory": "1Mi"}}}
    with_one = {"name": "log", "resources": {"requests": {"cpu": "10m"}}}
    seen = found(scaled(containers=[*without, with_one]))["D38"]
    assert "each of app, proxy of Deployment web requests none" in seen.summary
    assert seen.remedies[0].command == (
        "kubectl -n shop set resources deployment/web -c app --requests=cpu=100m\n"
        "kubectl -n shop set resources deployment/web -c proxy --requests=cpu=100m"
    )
    assert "-c CONTAINER " in found(scaled(containers=[with_one]))["D38"].remedies[0].command


def test_kubelets_that_do_not_answer_are_not_said_to_answer():
    """D31: what kubevitals says to do about other failures is told as it is; a closed connection is none of them."""
    told = found(failing("not_tls", "Use the kubelet's HTTPS port."))
    assert "gets no metrics from the kubelets of 1 of 2 nodes" in told["D31"].summary
    assert [remedy.text for remedy in told["D31"].remedies] == ["Use the kubelet's HTTPS port."]
    closed = found(failing("closed", "Look into the kubelet's log."))
    assert "D25" in closed
    assert "D31" not in closed


def test_kubelets_that_nobody_could_name_are_not_counted():
    """Who may not list nodes is not told that 0 of 0 kubelets were asked."""
    hops = examine(healthy(nodes=Unseen("/api/v1/nodes", 403, "no"), kubelets_looked=healthy().kubelets_looked)).hops
    assert any("2 of 2 kubelets asked" in walked.words for walked in hops)
    none = healthy(kubelets={}, kubelets_looked=Evidence(now=0).kubelets_looked)
    assert not [walked for walked in examine(none).hops if "asked" in walked.words]


async def test_older_versions_of_apis_are_asked_for_where_there_are_no_newer_ones():
    """Kubernetes 1.20 has autoscaling/v2beta2 and discovery.k8s.io/v1beta1; what is scaled is looked up."""
    answers = {
        "/apis/autoscaling/v2beta2/horizontalpodautoscalers": {"items": [STARVED]},
        "/apis/apps/v1/namespaces/shop/deployments/web": {
            "spec": {"template": {"spec": {"containers": [{"name": "app"}]}}}
        },
        "/version": {},
    }

    async def handle(request: web.BaseRequest) -> web.Response:
        body = answers.get(request.path)
        return web.json_response(body or {}, status=200 if body is not None else 404)

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    await (site := web.TCPSite(runner, "127.0.0.1", 0)).start()
    try:
        server = ClusterConfig(server=f"http://127.0.0.1:{runner.addresses[0][1]}")
        async with ApiClient(server) as client:
            evidence = await doctor.look(client, WHOLE, lambda words: None)
    finally:
        await site.stop()
        await runner.cleanup()
    assert "-c app " in found(evidence)["D38"].remedies[0].command
