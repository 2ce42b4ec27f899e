"""Which ports and names the server has, and who reaches it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.chart.chart import Helm, Rendered


@pytest.mark.parametrize(
    ("values", "port", "dns"),
    [
        ({}, 10250, None),
        ({"containerPort": 8443}, 8443, None),
        ({"hostNetwork": {"enabled": True}}, 4443, "ClusterFirstWithHostNet"),
        ({"hostNetwork": {"enabled": True}, "containerPort": 10250}, 10250, "ClusterFirstWithHostNet"),
        ({"hostNetwork": {"enabled": True}, "dnsPolicy": "Default"}, 4443, "Default"),
    ],
)
def test_the_port_is_free_by_itself(helm: Helm, values: dict[str, Any], port: int, dns: str | None):
    """In the node's network the kubelet has 10250, and the cluster's DNS has to be asked for."""
    rendered = helm.template({**values, "networkPolicy": {"enabled": True}})
    assert rendered.flags["secure-port"] == str(port)
    assert rendered.container["ports"] == [{"name": "https", "containerPort": port, "protocol": "TCP"}]
    assert rendered.one("NetworkPolicy")["spec"]["ingress"] == [{"ports": [{"port": port, "protocol": "TCP"}]}]
    assert rendered.pod.get("dnsPolicy") == dns
    assert rendered.pod.get("hostNetwork", False) == ("hostNetwork" in values)


def test_open_metrics_leave_the_probes_open(helm: Helm):
    """The flag replaces its default, so that it has to name the probes, too."""
    paths = helm.template({"metrics": {"enabled": True}}).flags["authorization-always-allow-paths"]
    assert paths == "/healthz,/livez,/readyz,/metrics"


def test_names_that_no_dns_knows(helm: Helm):
    """Both hostAliases and dnsConfig reach the pod."""
    aliases = [{"ip": "192.0.2.7", "hostnames": ["node-7"]}]
    config = {"options": [{"name": "ndots", "value": "2"}]}
    pod = helm.template({"hostAliases": aliases, "dnsConfig": config}).pod
    assert (pod["hostAliases"], pod["dnsConfig"]) == (aliases, config)


def test_network_policy(helm: Helm):
    """Callers may be named; the server's own connections are limited only when asked for."""
    assert helm.template().all("NetworkPolicy") == {}
    callers = [{"ipBlock": {"cidr": "192.0.2.0/24"}}]
    egress = [{"ports": [{"port": 443, "protocol": "TCP"}]}]
    spec = helm.template({"networkPolicy": {"enabled": True, "from": callers}}).one("NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress"]
    assert spec["ingress"] == [{"ports": [{"port": 10250, "protocol": "TCP"}], "from": callers}]
    spec = helm.template({"networkPolicy": {"enabled": True, "egress": egress}}).one("NetworkPolicy")["spec"]
    assert (spec["policyTypes"], spec["egress"]) == (["Ingress", "Egress"], egress)


@pytest.mark.parametrize(
    ("value", "kind", "endpoints"),
    [("serviceMonitor", "ServiceMonitor", "endpoints"), ("podMonitor", "PodMonitor", "podMetricsEndpoints")],
)
def test_monitors(helm: Helm, value: str, kind: str, endpoints: str):
    """A monitor scrapes /metrics at the port's name, once metrics are open; verification can be added."""
    on = {"enabled": True}
    assert helm.template({value: on}).all(kind) == {}
    (found,) = helm.template({value: on, "metrics": on}).one(kind)["spec"][endpoints]
    usual = {"port": "https", "path": "/metrics", "scheme": "https", "interval": "1m", "scrapeTimeout": "10s"}
    assert found == {**usual, "tlsConfig": {"insecureSkipVerify": True}}
    verified = {**on, "tlsConfig": {"serverName": "a"}, "additionalLabels": {"release": "prometheus"}}
    monitor = helm.template({value: verified, "metrics": on}).one(kind)
    assert monitor["spec"][endpoints][0]["tlsConfig"] == {"serverName": "a"}
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_the_service_is_https(default: Rendered):
    """The Service leads port 443 to the port's name, and says what is spoken there."""
    assert default.one("Service")["spec"]["ports"] == [
        {"name": "https", "port": 443, "protocol": "TCP", "targetPort": "https", "appProtocol": "https"}
    ]
