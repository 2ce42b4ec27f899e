"""What the aggregation layer sends, and what it says about its servers."""

from __future__ import annotations

import base64

import pytest

from kubevitals.model import User
from kubevitals.simulator import backend, templates
from kubevitals.simulator.endpoints import Problem
from kubevitals.simulator.kinds import API_SERVICES, NAMESPACES, SERVICES
from kubevitals.simulator.registry import Registry

JANE = User("jane", ("dev", "system:authenticated"), "u-1", {"acme.com/project": ("a", "b")})


@pytest.fixture
def registry():
    made = Registry(now=lambda: 0.0)
    made.create(NAMESPACES, templates.namespace("kube-system"))
    made.create(SERVICES, templates.service("127.0.0.1"))
    for version, priority in templates.VERSIONS:
        made.create(API_SERVICES, templates.api_service(version, priority, 4443, b"pem"))
    return made


def test_the_versions_come_in_the_order_of_their_priority(registry):
    """The version that every client knows is the first."""
    assert [item["spec"]["version"] for item in backend.api_services(registry)] == ["v1beta1", "v1"]


def test_stable_versions_go_first_at_one_priority(registry):
    """At the same priority v1 ranks before v1beta1, as Kubernetes orders versions."""
    for version, _ in templates.VERSIONS:
        registry.apply(API_SERVICES, templates.api_service(version, 100, 4443, b""))
    assert [item["spec"]["version"] for item in backend.api_services(registry)] == ["v1", "v1beta1"]


def test_a_backend_is_found_through_its_service(registry):
    """Host comes from the Service, port and authority from the APIService, the name from both."""
    found = backend.backend_of(registry, backend.api_services(registry)[0])
    assert (found.url, found.path) == ("https://127.0.0.1:4443", "/apis/metrics.k8s.io/v1beta1")
    assert (found.server_name, found.ca) == ("metrics-server.kube-system.svc", b"pem")


def test_an_ipv6_backend_and_one_that_is_not_verified(registry):
    """An IPv6 host is bracketed; insecureSkipTLSVerify leaves no authority."""
    registry.apply(SERVICES, templates.service("::1"))
    item = templates.api_service("v1", 1, 1, b"")
    assert item["spec"]["insecureSkipTLSVerify"] is True
    found = backend.backend_of(registry, item)
    assert (found.url, found.ca) == ("https://[::1]:1", b"")
    assert base64.b64decode(templates.api_service("v1", 1, 1, b"x")["spec"]["caBundle"]) == b"x"


def test_without_its_service_there_is_no_backend(registry):
    """An APIService whose Service is gone leads nowhere."""
    registry.delete(SERVICES, "metrics-server", "kube-system")
    assert backend.backend_of(registry, backend.api_services(registry)[0]) is None


def test_conditions_change_only_with_the_verdict():
    """The same verdict again changes nothing; another one replaces the condition."""
    item = templates.api_service("v1", 1, 1, b"")
    up = backend.with_condition(item, None, 0.0)
    assert backend.available(up)
    assert backend.conditions(up)[0]["reason"] == "Passed"
    assert backend.with_condition(up, None, 99.0) is None
    down = backend.with_condition(up, Problem("FailedDiscoveryCheck", "no answer"), 1.0)
    assert not backend.available(down)
    assert backend.conditions(down) == [
        {
            "type": "Available",
            "status": "False",
            "lastTransitionTime": "1970-01-01T00:00:01Z",
            "reason": "FailedDiscoveryCheck",
            "message": "no answer",
        }
    ]
    still = backend.with_condition(down, Problem("ServiceNotFound", "gone"), 2.0)
    assert backend.conditions(still)[0]["lastTransitionTime"] == "1970-01-01T00:00:01Z"


def test_an_identity_is_sent_line_by_line():
    """Each group and each extra value has a line of its own, and keys are encoded."""
    assert backend.identity_headers(JANE) == [
        ("X-Remote-User", "jane"),
        ("X-Remote-Uid", "u-1"),
        ("X-Remote-Group", "dev"),
        ("X-Remote-Group", "system:authenticated"),
        ("X-Remote-Extra-acme.com%2Fproject", "a"),
        ("X-Remote-Extra-acme.com%2Fproject", "b"),
    ]


def test_a_caller_cannot_say_who_it_is():
    """Identity, credentials and hop-by-hop headers of the caller do not go through; others do."""
    lines = [
        ("Host", "api:6443"),
        ("Authorization", "Bearer x"),
        ("X-REMOTE-USER", "root"),
        ("x-remote-group", "system:masters"),
        ("X-Remote-Extra-Scopes", "all"),
        ("X-Remote-Uid", "0"),
        ("Impersonate-User", "root"),
        ("Connection", "keep-alive"),
        ("Accept", "application/json"),
        ("User-Agent", "kubectl"),
    ]
    assert backend.request_headers(lines, User("jane"), "10.0.0.1") == [
        ("Accept", "application/json"),
        ("User-Agent", "kubectl"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-Forwarded-Host", "api:6443"),
        ("X-Forwarded-Proto", "https"),
        ("X-Remote-User", "jane"),
    ]


def test_answers_lose_only_hop_by_hop_headers():
    """Everything else in an answer is the server's to say."""
    lines = [("Transfer-Encoding", "chunked"), ("ETag", "x"), ("Content-Length", "3")]
    assert backend.response_headers(lines) == [("ETag", "x"), ("Content-Length", "3")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ""),
        ("b=2&a=1&b=1", "a=1&b=2&b=1"),
        ("labelSelector=a%20in%20(b)&watch", "labelSelector=a+in+%28b%29&watch="),
    ],
)
def test_queries_are_encoded_anew(query, expected):
    """Keys are sorted and a space becomes a plus sign, as Go encodes a query."""
    assert backend.forwarded_query(query) == expected
