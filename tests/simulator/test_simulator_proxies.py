"""What the API server fetches from kubelets and from behind Services for a caller."""

from __future__ import annotations

import pytest

from kubevitals.errors import KubevitalsError
from kubevitals.simulator import roles
from kubevitals.simulator.faults import KubeletFault
from kubevitals.simulator.kinds import NODES
from kubevitals.simulator.proxies import split_name

PROXY = "/api/v1/nodes/worker-1/proxy"
METRICS = f"{PROXY}/metrics/resource"


# --- kubelets -----------------------------------------------------------------------------------------------


async def test_a_kubelets_metrics_come_through_the_node_proxy(cluster, admin):
    """The body and its type are the kubelet's, to which the API server showed its own client certificate."""
    async with admin.open(METRICS) as answer:
        body = await answer.text()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert body.count("\ncontainer_cpu_usage_seconds_total{") == 4
    assert (cluster.fleet["worker-1"].requests, cluster.fleet["worker-1"].tokens) == (1, set())


async def test_a_kubelets_configuration_is_that_of_its_node(cluster, admin):
    """/configz is what kubeadm would set up, but for what a test changes in one kubelet."""
    cluster.fleet["worker-1"].config |= {"serverTLSBootstrap": True, "tlsMinVersion": None}
    status, found = await admin.ask(f"{PROXY}/configz")
    config = found["kubeletconfig"]
    assert (status, config["serverTLSBootstrap"], config["port"]) == (200, True, cluster.fleet.port)
    assert config["authentication"]["webhook"] == {"enabled": True, "cacheTTL": "2m0s"}
    assert config["authentication"]["anonymous"] == {"enabled": False}
    assert (config["authorization"]["mode"], "tlsMinVersion" in config) == ("Webhook", False)


async def test_the_node_may_be_named_with_scheme_and_port(cluster, admin):
    """``https:NAME:PORT`` is the same kubelet."""
    status, _ = await admin.text(f"/api/v1/nodes/https:worker-1:{cluster.fleet.port}/proxy/metrics/resource")
    assert (status, cluster.fleet["worker-1"].requests) == (200, 1)


async def test_what_is_behind_the_proxy_has_a_root(admin):
    """Without a path the caller is sent to one, and the root itself is the kubelet's to answer."""
    async with admin.open(PROXY, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (301, f"{PROXY}/")
    assert await admin.text(f"{PROXY}/") == (404, "404 page not found\n")


async def test_a_slash_at_the_end_reaches_the_kubelet(admin):
    """A path goes on as it came, and no kubelet has metrics behind a slash."""
    assert (await admin.text(f"{METRICS}/"))[0] == 404


async def test_an_unknown_node_is_a_status(admin):
    """404 names the node."""
    status, found = await admin.ask("/api/v1/nodes/nowhere/proxy/metrics/resource")
    assert (status, found["message"], found["details"]["kind"]) == (404, 'nodes "nowhere" not found', "nodes")


@pytest.mark.parametrize(
    ("fault", "status", "start"),
    [
        (KubeletFault.ERROR, 500, "An error has occurred while serving metrics:"),
        (KubeletFault.FORBIDDEN, 403, "Forbidden (user="),
        (KubeletFault.UNAUTHORIZED, 401, "Unauthorized"),
    ],
)
async def test_a_kubelets_own_refusal_is_handed_back(cluster, admin, fault, status, start):
    """An answer is an answer, whatever its status."""
    cluster.fleet["worker-1"].fault = fault
    found = await admin.text(METRICS)
    assert (found[0], found[1][: len(start)]) == (status, start)


async def test_a_kubelet_that_is_down_is_a_status(cluster, admin):
    """503 says where nobody listens."""
    address = cluster.nodes.address("worker-1")
    await cluster.nodes.stop_kubelet("worker-1")
    status, found = await admin.ask(METRICS)
    assert (status, found["reason"]) == (503, "ServiceUnavailable")
    dial = f"dial tcp {address}:{cluster.fleet.port}: connect: connection refused"
    assert found["message"] == f"error trying to reach service: {dial}"


async def test_a_kubelet_that_hangs_up_is_a_status(cluster, admin):
    """503 says that nothing came."""
    cluster.fleet["worker-1"].fault = KubeletFault.NOTHING
    status, found = await admin.ask(METRICS)
    assert (status, found["message"]) == (503, "error trying to reach service: EOF")


async def test_a_kubelets_certificate_is_not_looked_at(cluster, admin):
    """One of another authority does not keep the API server away, as it does a scraper."""
    await cluster.nodes.certify("worker-1", cluster.front_proxy.serving("x", ["elsewhere"]))
    assert (await admin.text(METRICS))[0] == 200


async def test_a_node_without_an_address_is_an_error(cluster, admin):
    """500, as there is nothing to dial."""
    item = cluster.registry.get(NODES, "worker-1")
    cluster.registry.update(NODES, {**item, "status": item["status"] | {"addresses": []}})
    status, found = await admin.ask(METRICS)
    assert (status, "no preferred addresses found" in found["message"]) == (500, True)


async def test_the_node_proxy_needs_a_right(cluster, call):
    """The right is get on nodes/proxy, and without it no kubelet is asked."""
    status, found = await call("jane").ask(METRICS)
    assert status == 403
    assert 'User "jane" cannot get resource "nodes/proxy" in API group "" at the cluster scope' in found["message"]
    cluster.registry.create(*roles.role("proxy", [roles.rule([""], ["nodes/proxy"], ["get"])]))
    cluster.registry.create(*roles.binding("proxy", "proxy", [roles.user("jane")]))
    assert (await call("jane").text(METRICS))[0] == 200


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, 200),
        ({"authentication.webhook.enabled": False}, 401),
        ({"authentication.webhook.enabled": False, "authentication.anonymous.enabled": True}, 403),
        (
            {
                "authentication.webhook.enabled": False,
                "authentication.anonymous.enabled": True,
                "authorization.mode": "AlwaysAllow",
            },
            200,
        ),
    ],
)
async def test_a_kubelet_does_as_its_configuration_says(cluster, call, overrides, expected):
    """Without the webhook a token is nobody's; anonymous callers are then let in, and allowed what the mode allows."""
    kubelet = cluster.fleet["worker-1"]
    kubelet.config |= overrides
    scraper = call(token=cluster.files.token.read_text())
    scraper.url = f"https://{cluster.nodes.address('worker-1')}:{cluster.fleet.port}"
    status, text = await scraper.text("/metrics/resource")
    assert status == expected
    if expected == 403:
        assert text.startswith("Forbidden (user=system:anonymous, verb=get, resource=nodes, subresource(s)=[metrics])")


# --- Services -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [("a", ("", "a", "")), ("a:1", ("", "a", "1")), ("https:a:", ("https", "a", "")), (":a:b", ("", "a", "b"))],
)
def test_names_with_scheme_and_port(identifier, expected):
    """Two parts are name and port, three are scheme, name and port."""
    assert split_name("services", identifier) == expected


@pytest.mark.parametrize("identifier", ["", "https::", "ftp:a:1", "a:b:c:d"])
def test_names_that_are_none(identifier):
    """An unknown scheme, no name or too many parts are refused."""
    with pytest.raises(KubevitalsError, match="invalid service request"):
        split_name("services", identifier)
