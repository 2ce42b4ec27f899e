"""The one node, pod or autoscaler that was asked about."""

from __future__ import annotations

import json

from tests.doctor.clinic import printed
from tests.doctor.seen import healthy

from kubevitals.cli.diagnosis import as_json
from kubevitals.doctor.evidence import Unseen
from kubevitals.doctor.report import examine
from kubevitals.doctor.scope import WHOLE, Scope
from kubevitals.doctor.subjects import missing

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


def test_what_is_broken_concerns_every_node():
    """Nothing gets past a broken hop, so it is reported whatever was asked about."""
    assert examine(healthy(api_services=[]), scope=NODE).first.check.id == "D01"


def test_an_unknown_node():
    """A node is called unknown only when the nodes could be listed."""
    nobody = Scope(node="node-9")
    assert missing(healthy(), nobody) == 'there is no node "node-9"; kubectl get nodes lists the 2 that exist'
    assert missing(healthy(nodes=Unseen("/api/v1/nodes", 403, "forbidden")), nobody) == ""
    assert missing(healthy(), NODE) == missing(healthy(), WHOLE) == ""
