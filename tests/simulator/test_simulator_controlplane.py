"""A cluster whose API server and metrics server are pods, and what leads to them."""

from __future__ import annotations

import pytest

from kubevitals.simulator import controlobjects, endpoints
from kubevitals.simulator.backend import api_services, conditions
from kubevitals.simulator.kinds import API_SERVICES, ENDPOINT_SLICES, PODS, SERVICES

METRICS = "/apis/metrics.k8s.io/v1beta1"
SYSTEM = "/api/v1/namespaces/kube-system"
SERVICE = f"{SYSTEM}/services"
REFERENCE = {"namespace": "kube-system", "name": "metrics-server", "port": 443}


@pytest.fixture
async def cluster(make_cluster):
    """A cluster of one node, with its control plane."""
    async with make_cluster(control_plane=True) as made:
        yield made


async def concluded(cluster) -> tuple[str, str]:
    """Check, and return reason and message of the first APIService's condition."""
    await cluster.aggregator.check()
    found = conditions(api_services(cluster.registry)[0])[0]
    return found["reason"], found["message"]


# --- objects ------------------------------------------------------------------------------------------------


async def test_service_slice_and_pod_hang_together(cluster, admin, backend):
    """The Service's selector finds the pod, and its port by name the pod's; the slice names the pod's address."""
    _, service = await admin.ask(f"{SERVICE}/metrics-server")
    [port], selector = service["spec"]["ports"], service["spec"]["selector"]
    assert (port["port"], port["targetPort"]) == (443, "https")
    selected = ",".join(f"{key}={value}" for key, value in selector.items())
    _, pods = await admin.ask(f"{SYSTEM}/pods?labelSelector={selected}")
    [pod] = pods["items"]
    [container] = pod["spec"]["containers"]
    assert container["ports"] == [{"name": "https", "containerPort": backend.port, "protocol": "TCP"}]
    assert pod["spec"]["serviceAccountName"] == "metrics-server"
    assert {c["type"]: c["status"] for c in pod["status"]["conditions"]}["Ready"] == "True"
    _, slices = await admin.ask(
        "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices"
        "?labelSelector=kubernetes.io/service-name=metrics-server"
    )
    [found] = slices["items"]
    [endpoint] = found["endpoints"]
    assert (endpoint["addresses"], endpoint["targetRef"]["name"]) == ([pod["status"]["podIP"]], pod["metadata"]["name"])
    assert found["ports"] == [{"name": "https", "port": backend.port, "protocol": "TCP"}]


async def test_the_pod_has_its_owners(admin, backend):
    """ReplicaSet and Deployment exist, and own what they should."""
    _, pod = await admin.ask(f"{SYSTEM}/pods/{controlobjects.POD}")
    owner = pod["metadata"]["ownerReferences"][0]["name"]
    _, replicas = await admin.ask(f"/apis/apps/v1/namespaces/kube-system/replicasets/{owner}")
    above = replicas["metadata"]["ownerReferences"][0]["name"]
    status, deployment = await admin.ask(f"/apis/apps/v1/namespaces/kube-system/deployments/{above}")
    assert (status, deployment["status"]["availableReplicas"]) == (200, 1)


async def test_the_api_server_is_a_static_pod(cluster, admin):
    """Its command line names the front proxy's authority and routes to pods; kubelet metrics know it too."""
    _, pod = await admin.ask(f"{SYSTEM}/pods/kube-apiserver-worker-1")
    command = pod["spec"]["containers"][0]["command"]
    assert "--requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt" in command
    assert "--enable-aggregator-routing=true" in command
    assert pod["metadata"]["annotations"]["kubernetes.io/config.source"] == "file"
    _, body = await admin.text("/api/v1/nodes/worker-1/proxy/metrics/resource")
    assert 'pod_cpu_usage_seconds_total{namespace="kube-system",pod="kube-apiserver-worker-1"}' in body


async def test_everything_goes_with_the_registration(cluster, backend):
    """What registering added is gone afterwards, and can be added again."""
    cluster.register("127.0.0.1", backend.port, ca=backend.authority.pem, args=["--metric-resolution=15s"])
    assert cluster.control_plane.server_pod()["spec"]["containers"][0]["args"] == ["--metric-resolution=15s"]
    cluster.unregister()
    assert cluster.registry[ENDPOINT_SLICES].items() == []
    assert cluster.registry[PODS].get(f"kube-system/{controlobjects.POD}") is None
    assert ("kube-system", controlobjects.POD) not in cluster.pods.machine("worker-1").pods
    cluster.register("127.0.0.1", backend.port, ca=backend.authority.pem, pod="")
    assert cluster.registry[ENDPOINT_SLICES].items() == []
    await cluster.wait_available()


# --- conditions ---------------------------------------------------------------------------------------------


async def test_through_the_slice_a_request_reaches_the_server(cluster, admin, backend):
    """With everything in place the server is available, and is asked under its own address."""
    assert await concluded(cluster) == ("Passed", "all checks passed")
    assert await admin.ask(f"{METRICS}/nodes") == (200, {"path": f"{METRICS}/nodes"})
    assert backend.requests[-1].headers["Host"] == f"127.0.0.1:{backend.port}"


async def test_a_pod_that_is_not_ready_leaves_no_endpoints(cluster, admin, backend):
    """The condition says so, and requests are refused, until the pod is ready again."""
    cluster.control_plane.set_server_ready(ready=False)
    message = 'endpoints for service/metrics-server in "kube-system" have no addresses with port name "https"'
    assert await concluded(cluster) == ("MissingEndpoints", message)
    assert await admin.text(f"{METRICS}/nodes") == (503, "service unavailable\n")
    cluster.control_plane.set_server_ready(ready=True)
    await cluster.wait_available()
    assert (await admin.ask(f"{METRICS}/nodes"))[0] == 200


async def test_without_a_slice_no_endpoints_are_found(cluster, backend):
    """A Service that nothing was made for."""
    [found] = endpoints.slices(cluster.registry, "kube-system", "metrics-server")
    cluster.registry.delete(ENDPOINT_SLICES, found["metadata"]["name"], "kube-system")
    assert await concluded(cluster) == (
        "EndpointsNotFound",
        'cannot find endpoints for service/metrics-server in "kube-system"',
    )


async def test_a_port_that_the_service_does_not_have(cluster, backend):
    """The APIService asks for one port, the Service has another."""
    item = cluster.registry.get(API_SERVICES, "v1beta1.metrics.k8s.io")
    service = item["spec"]["service"] | {"port": 8443}
    cluster.registry.update(API_SERVICES, {**item, "spec": item["spec"] | {"service": service}})
    assert await concluded(cluster) == (
        "ServicePortError",
        'service/metrics-server in "kube-system" is not listening on port 8443',
    )


async def test_a_port_name_that_the_pod_does_not_have(cluster, backend):
    """The Service's port is called otherwise than the slice's."""
    item = cluster.registry.get(SERVICES, "metrics-server", "kube-system")
    ports = [{"name": "web", "port": 443, "targetPort": "web"}]
    cluster.registry.update(SERVICES, {**item, "spec": item["spec"] | {"ports": ports}})
    message = 'endpoints for service/metrics-server in "kube-system" have no addresses with port name "web"'
    assert await concluded(cluster) == ("MissingEndpoints", message)


async def test_without_the_service_it_is_not_present(cluster, backend):
    """The condition names the Service."""
    cluster.registry.delete(SERVICES, "metrics-server", "kube-system")
    assert await concluded(cluster) == ("ServiceNotFound", 'service/metrics-server in "kube-system" is not present')


async def test_a_server_that_refuses_connections_is_named(cluster, backend):
    """The message holds the address that was dialled, and what came of it."""
    await backend.stop()
    where = f"https://127.0.0.1:{backend.port}{METRICS}"
    dial = f"dial tcp 127.0.0.1:{backend.port}: connect: connection refused"
    message = f'failing or missing response from {where}: Get "{where}": {dial}'
    assert await concluded(cluster) == ("FailedDiscoveryCheck", message)


async def test_any_condition_can_be_set(cluster, admin, backend):
    """It is in the objects at once, requests are refused while it lasts, and it goes as it came."""
    cluster.aggregator.faults.condition = ("FailedDiscoveryCheck", "i/o timeout")
    for item in api_services(cluster.registry):
        assert (conditions(item)[0]["status"], conditions(item)[0]["message"]) == ("False", "i/o timeout")
    assert await concluded(cluster) == ("FailedDiscoveryCheck", "i/o timeout")
    assert await admin.text(f"{METRICS}/nodes") == (503, "service unavailable\n")
    cluster.aggregator.faults.condition = None
    await cluster.wait_available()
    assert (await admin.ask(f"{METRICS}/nodes"))[0] == 200


# --- the Service's proxy --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["https:metrics-server:https", "https:metrics-server:443"])
async def test_the_service_proxy_leads_to_the_pod(cluster, admin, backend, name):
    """By name or number of the port the server is reached, and is not told who asks."""
    headers = {"X-Remote-User": "forged", "X-Custom": "kept"}
    status, found = await admin.ask(f"{SERVICE}/{name}/proxy/readyz?verbose", headers=headers)
    assert (status, found["path"]) == (200, "/readyz?verbose=")
    request = backend.requests[-1]
    assert not [key for key in request.headers if key.startswith("X-Remote") or key == "Authorization"]
    assert request.headers["X-Custom"] == "kept"


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("https:metrics-server:", 503, 'no endpoints available for service "metrics-server"'),
        ("https:metrics-server:8443", 503, 'no service port 8443 found for service "metrics-server"'),
        ("https:nothing:https", 404, 'services "nothing" not found'),
        ("https:a:b:c", 400, 'invalid service request "https:a:b:c"'),
    ],
)
async def test_what_the_service_proxy_does_not_find(admin, backend, name, status, message):
    """Each is a Status that says what was looked for."""
    found = await admin.ask(f"{SERVICE}/{name}/proxy/readyz")
    assert (found[0], found[1]["message"]) == (status, message)


async def test_without_a_ready_pod_the_service_proxy_has_no_endpoints(cluster, admin, backend):
    """503 names the Service."""
    cluster.control_plane.set_server_ready(ready=False)
    status, found = await admin.ask(f"{SERVICE}/https:metrics-server:https/proxy/readyz")
    assert (status, found["reason"]) == (503, "ServiceUnavailable")
    assert found["message"] == 'no endpoints available for service "metrics-server"'


async def test_a_pod_behind_the_service_that_does_not_answer(admin, backend):
    """503 says where nobody listens."""
    await backend.stop()
    status, found = await admin.ask(f"{SERVICE}/https:metrics-server:https/proxy/readyz")
    dial = f"dial tcp 127.0.0.1:{backend.port}: connect: connection refused"
    assert (status, found["message"]) == (503, f"error trying to reach service: {dial}")


async def test_an_external_name_is_reached_as_well(cluster, admin, backend):
    """A server that is registered without a pod is reached at the port of its APIService."""
    cluster.register("127.0.0.1", backend.port, ca=backend.authority.pem, pod="")
    status, found = await admin.ask(f"{SERVICE}/https:metrics-server:https/proxy/livez")
    assert (status, found["path"]) == (200, "/livez")


async def test_the_service_proxy_needs_a_right(call, backend):
    """The right is get on services/proxy, and the name in it is as it was written."""
    status, found = await call("jane").ask(f"{SERVICE}/https:metrics-server:https/proxy/readyz")
    assert (status, 'cannot get resource "services/proxy"' in found["message"]) == (403, True)
    assert found["details"]["name"] == "https:metrics-server:https"
