"""Whether the Metrics API is registered."""

from __future__ import annotations

import pytest
from tests.doctor.seen import api_service, found, healthy, service

from kubevitals.doctor.evidence import Unseen


def test_a_healthy_cluster_has_no_findings():
    """Where all is well, no check of the catalogue finds anything."""
    assert found(healthy()) == {}


def test_no_provider():
    """D01: without an APIService of the group, the way to install one is told."""
    finding = found(healthy(api_services=[]))["D01"]
    assert "kubectl apply" in finding.remedies[0].command


def test_what_cannot_be_seen_is_no_finding():
    """Whoever may not list APIServices is not told that there is none."""
    assert "D01" not in found(healthy(api_services=Unseen("/apis/…/apiservices", 403, "forbidden")))


@pytest.mark.parametrize("gone", [Unseen("/api/v1/…/services/metrics-server", 404, "not found"), service(ports=[])])
def test_service_not_found(gone):
    """D04: the Service, or the port of it, that the APIService names is not there."""
    finding = found(healthy(service=gone))["D04"]
    assert "kube-system/metrics-server" in finding.summary
    assert [remedy.command.split()[1] for remedy in finding.remedies] == ["get", "delete"]


def test_a_service_that_may_not_be_seen_is_no_finding():
    """D04 needs a 404: a refusal tells nothing about what is there."""
    assert "D04" not in found(healthy(service=Unseen("/api/v1/…", 403, "forbidden"), api_services=[api_service()]))


def test_a_service_that_is_only_a_name_needs_no_ports():
    """D04: a Service of type ExternalName passes every port on."""
    assert "D04" not in found(healthy(service=service(type="ExternalName", externalName="127.0.0.1", ports=[])))
