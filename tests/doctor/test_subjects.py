"""The one node, pod or autoscaler that was asked about."""

from __future__ import annotations

import json

import pytest
from tests.doctor.clinic import printed
from tests.doctor.kubelets import reported
from tests.doctor.seen import healthy

from kubevitals.cli.diagnosis import as_json
from kubevitals.cli.doctor import scope_of
from kubevitals.doctor.evidence import Unseen
from kubevitals.doctor.reading import kubelets_to_ask
from kubevitals.doctor.report import examine
from kubevitals.doctor.scope import WHOLE, Scope
from kubevitals.doctor.subjects import missing
from kubevitals.errors import UsageError

NODE = Scope(node="node-1")


def test_the_whole_has_no_subject():
    """Without a subject there is no block, and JSON says null."""
    report = examine(healthy())
    assert report.subject is None
    assert json.loads(as_json(report, str))["subject"] is None


def test_a_subject_has_a_block():
    """It is named in text and in JSON."""
    report = examine(healthy(), scope=NODE)
    assert "\nnode node-1\n" in printed(report)
    assert json.loads(as_json(report, str))["subject"]["title"] == "node node-1"


def test_the_facts_of_a_node():
    """State, addresses, metrics, how it is scraped and its kubelet, as far as they were seen."""
    facts = dict(examine(reported("san_ip", "IP address mismatch"), scope=Scope(node="node-2")).subject.facts)
    assert facts == {
        "state": "Ready",
        "addresses": "InternalIP 192.168.1.2, Hostname node-2",
        "runs": "v1.34.1, containerd://2.1.0",
        "metrics": "none",
        "scraped": "failing: san_ip, IP address mismatch",
        "address tried": "192.168.1.2",
        "certificate": "for node-2, issued by node-2-ca@1, until 2026-12-01T00:00:00Z",
        "kubelet": "answers the API server in 0.1 s, 0 bytes",
        "configured": "serverTLSBootstrap=true, authentication.webhook.enabled=true, authorization.mode=Webhook",
    }


def test_only_what_concerns_a_node_is_reported():
    """The trouble of another node is none of this one's."""
    evidence = reported("san_ip", "IP address mismatch")
    assert examine(evidence, scope=NODE).healthy
    assert examine(evidence, scope=Scope(node="node-2")).first.check.id == "D19"


@pytest.mark.parametrize("name", ["../x", "a/b", "", "A"])
def test_a_name_that_no_node_has(name):
    """It would become part of a path."""
    with pytest.raises(UsageError):
        scope_of(("node", name), "default")


def test_an_unknown_node_is_asked_nothing():
    """Where nodes may be listed, no kubelet of another name is asked."""
    assert kubelets_to_ask(healthy(), Scope(node="node-9")) == []
    assert kubelets_to_ask(healthy(), NODE) == ["node-1"]


def test_what_is_broken_concerns_every_node():
    """Nothing gets past a broken hop, so it is reported whatever was asked about."""
    assert examine(healthy(api_services=[]), scope=NODE).first.check.id == "D01"


def test_an_unknown_node():
    """A node is called unknown only when the nodes could be listed."""
    nobody = Scope(node="node-9")
    assert missing(healthy(), nobody) == 'there is no node "node-9"; kubectl get nodes lists the 2 that exist'
    assert missing(healthy(nodes=Unseen("/api/v1/nodes", 403, "forbidden")), nobody) == ""
    assert missing(healthy(), NODE) == missing(healthy(), WHOLE) == ""
