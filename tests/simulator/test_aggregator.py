"""The aggregation layer against a server on loopback."""

from __future__ import annotations

import aiohttp
import pytest

from kubevitals.simulator import templates
from kubevitals.simulator.backend import conditions
from kubevitals.simulator.kinds import API_SERVICES, CONFIG_MAPS, SERVICES
from kubevitals.simulator.roles import AUTHENTICATION_CONFIG, SYSTEM

METRICS = "/apis/metrics.k8s.io/v1beta1"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def condition(cluster, version="v1beta1"):
    return conditions(cluster.registry.get(API_SERVICES, f"{version}.metrics.k8s.io"))[0]


async def test_requests_reach_the_server_as_the_front_proxy(cluster, admin, backend):
    """A request is forwarded with the front proxy's certificate, the caller's identity and nothing forged."""
    headers = {"X-Remote-Group": "forged", "X-Custom": "kept", "Accept": "a/b"}
    status, found = await admin.ask(f"{METRICS}/nodes/a%2Fb?z=1&a=b%20c", headers=headers)
    request = backend.requests[-1]
    assert (status, found["path"]) == (200, f"{METRICS}/nodes/a%2Fb?a=b+c&z=1")
    assert backend.peers[-1] == "front-proxy-client"
    assert request.headers.getall("X-Remote-User") == ["admin"]
    assert request.headers.getall("X-Remote-Group") == ["system:masters", "system:authenticated"]
    assert request.headers["X-Remote-Extra-Authentication.kubernetes.io%2Fcredential-Id"].startswith("X509SHA256=")
    assert (request.headers["X-Custom"], request.headers["Accept"]) == ("kept", "a/b")
    assert (request.headers["Host"], "Authorization" in request.headers) == (f"127.0.0.1:{backend.port}", False)
    assert (request.headers["X-Forwarded-For"], request.headers["X-Forwarded-Proto"]) == ("127.0.0.1", "https")


async def test_headers_of_the_answer_come_back(admin, backend):
    """Status and headers of the server's answer are handed on."""
    async with admin.open(f"{METRICS}/nodes") as answer:
        assert (answer.status, answer.headers["X-Answered"]) == (200, "yes")


async def test_what_is_not_allowed_is_not_forwarded(call, backend):
    """The API server authorizes by its own roles first."""
    before = len(backend.asked(f"{METRICS}/nodes"))
    status, found = await call("jane").ask(f"{METRICS}/nodes")
    assert (status, 'cannot list resource "nodes" in API group "metrics.k8s.io"' in found["message"]) == (403, True)
    assert len(backend.asked(f"{METRICS}/nodes")) == before


async def test_an_answer_that_breaks_off_is_cut_off(admin, backend):
    """A body that ends too early does so for the caller too, and is not taken for whole."""
    async with admin.open(f"{METRICS}/cut") as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_a_server_that_is_gone_is_unavailable(cluster, admin, backend):
    """First the connection fails, then the condition says so, and requests get 503 as text."""
    await backend.stop()
    status, text = await admin.text(f"{METRICS}/nodes")
    assert (status, text.startswith("error trying to reach service: ")) == (503, True)
    assert await cluster.aggregator.check() is False
    assert await admin.text(f"{METRICS}/nodes") == (503, "service unavailable\n")
    found = condition(cluster)
    assert (found["status"], found["reason"]) == ("False", "FailedDiscoveryCheck")
    assert found["message"].startswith(f"failing or missing response from https://127.0.0.1:{backend.port}{METRICS}: ")


async def test_a_server_that_comes_back_is_available_soon(cluster, admin, backend):
    """The check notices by itself, without a restart of anything."""
    await backend.stop()
    await cluster.aggregator.check()
    await backend.start(cluster.front_proxy.pem)
    await cluster.wait_available()
    assert (condition(cluster)["reason"], await admin.ask(f"{METRICS}/nodes")) == (
        "Passed",
        (200, {"path": f"{METRICS}/nodes"}),
    )


async def test_a_certificate_is_verified_for_traffic_and_not_for_the_check(cluster, admin, backend):
    """With another authority in caBundle the server is available, and requests fail."""
    cluster.register("127.0.0.1", backend.port, ca=cluster.authority.pem)
    await cluster.wait_available()
    status, text = await admin.text(f"{METRICS}/nodes")
    assert (status, "certificate verify failed" in text) == (503, True)


async def test_without_a_service_nothing_is_available(cluster, admin, backend):
    """An APIService whose Service is deleted is not available; without APIServices the path is not found."""
    cluster.registry.delete(SERVICES, "metrics-server", "kube-system")
    assert await cluster.aggregator.check() is False
    found = condition(cluster)
    assert (found["reason"], found["message"]) == (
        "ServiceNotFound",
        'service/metrics-server in "kube-system" is not present',
    )
    cluster.registry.create(SERVICES, templates.service("127.0.0.1"))
    cluster.unregister()
    assert not cluster.available()
    assert (await admin.text(f"{METRICS}/nodes"))[0] == 404


async def test_the_front_proxy_can_change_its_certificate(cluster, admin, backend):
    """After a rotation the ConfigMap has the new authority, and requests come with its certificate."""
    old = cluster.front_proxy.pem
    cluster.rotate_front_proxy()
    assert (await admin.text(f"{METRICS}/nodes"))[0] == 503
    await backend.stop()
    await backend.start(cluster.front_proxy.pem)
    await cluster.wait_available()
    assert (await admin.text(f"{METRICS}/nodes"))[0] == 200
    _, found = await admin.ask("/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication")
    assert found["data"]["requestheader-client-ca-file"] == cluster.front_proxy.pem.decode() != old.decode()


async def test_a_prepared_rotation_publishes_both_authorities(cluster):
    """With keep_old the ConfigMap holds the new authority and the one before."""
    old = cluster.front_proxy.pem.decode()
    cluster.rotate_front_proxy(keep_old=True)
    found = cluster.registry.get(CONFIG_MAPS, AUTHENTICATION_CONFIG, SYSTEM)["data"]["requestheader-client-ca-file"]
    assert found == cluster.front_proxy.pem.decode() + old


# --- discovery ----------------------------------------------------------------------------------------------


async def aggregated(admin):
    async with admin.open("/apis", headers={"Accept": AGGREGATED}) as answer:
        items = (await answer.json(content_type=None))["items"]
    return next(item for item in items if item["metadata"]["name"] == "metrics.k8s.io")["versions"]


async def test_discovery_merges_what_the_server_says(cluster, admin, backend):
    """Aggregated discovery holds the server's own resources; a version it does not name is stale."""
    await cluster.aggregator.check()
    assert await aggregated(admin) == [
        {"version": "v1beta1", "freshness": "Current", "resources": [{"resource": "nodes"}]},
        {"version": "v1", "freshness": "Stale"},
    ]
    _, legacy = await admin.ask("/apis/metrics.k8s.io")
    assert [entry["version"] for entry in legacy["versions"]] == ["v1beta1", "v1"]


async def test_discovery_is_asked_for_with_its_tag(cluster, backend):
    """The second time the server is asked only whether anything changed."""
    await cluster.aggregator.check()
    asked = backend.asked("/apis")
    assert asked[-1].headers["If-None-Match"] == '"one"'
    assert asked[-1].headers["X-Remote-User"] == "system:kube-aggregator"


async def test_a_server_without_aggregated_discovery_is_read_the_old_way(cluster, admin, backend):
    """The legacy documents of each version are turned into the new form."""
    backend.discovery = False
    await cluster.aggregator.check()
    (first, second) = await aggregated(admin)
    assert (first["version"], second["version"]) == ("v1beta1", "v1")
    assert first["resources"] == [
        {
            "resource": "nodes",
            "responseKind": {"group": "", "version": "", "kind": "NodeMetrics"},
            "scope": "Cluster",
            "singularResource": "",
            "verbs": ["get", "list"],
        }
    ]


async def test_legacy_discovery_is_forwarded(admin, backend):
    """The resource list of an aggregated version is the server's own answer."""
    assert (await admin.ask(METRICS))[1]["kind"] == "APIResourceList"


async def test_the_openapi_root_is_merged(cluster, admin, backend):
    """Paths of aggregated servers appear in the cluster's root, documents are forwarded."""
    _, root = await admin.ask("/openapi/v3")
    assert root == {"paths": {"apis/metrics.k8s.io/v1beta1": {"serverRelativeURL": "/x"}}}
    _, found = await admin.ask("/openapi/v3/apis/metrics.k8s.io/v1beta1?hash=1")
    assert found == {"path": "/openapi/v3/apis/metrics.k8s.io/v1beta1?hash=1"}
    await backend.stop()
    assert await admin.ask("/openapi/v3") == (200, {"paths": {}})
