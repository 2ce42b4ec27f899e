"""The provider's own node on Fargate, which nothing is wrong with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest
from tests.doctor.clinic import printed, same_as_golden
from tests.doctor.kubelets import ARGS, NO_SAN, failing, upstream
from tests.doctor.seen import NODE_NAMES, found, healthy, node, node_metrics, provider

from kubevitals.cli.diagnosis import as_json
from kubevitals.doctor.evidence import Evidence
from kubevitals.doctor.objects import Node
from kubevitals.doctor.report import examine
from kubevitals.doctor.scope import Scope

REFUSED = "dial tcp 192.168.1.1:10250: connect: connection refused"
EXCLUDED = "--node-selector=eks.amazonaws.com/compute-type!=fargate"


def on_fargate(name: str, kind: str = "fargate") -> Node:
    """A node of Fargate."""
    made = node(name)
    labels = {"eks.amazonaws.com/compute-type": kind}
    return msgspec.structs.replace(made, metadata=msgspec.structs.replace(made.metadata, labels=labels))


def refused(names: Sequence[str] = ("node-1",), said: str = REFUSED, nodes: Sequence[Node] = ()) -> Evidence:
    """Nodes of Fargate; the provider runs on node-1."""
    return replace(failing(said, names), nodes=nodes or [on_fargate(name) for name in NODE_NAMES])


def test_its_own_node_is_told_of_and_nothing_is_wrong():
    """D48 as a person reads it, letter by letter; the report is healthy."""
    report = examine(refused())
    assert report.healthy
    assert [item.check.id for item in report.notes] == ["D48"]
    assert same_as_golden("D48", printed(report))


def test_of_the_node_itself_it_is_told():
    """Whoever asks about that node learns why, and whoever asks about another does not."""
    report = examine(refused(), scope=Scope(node="node-1"))
    assert "Nothing is wrong with it." in printed(report)
    (note,) = json.loads(as_json(report, str))["notes"]
    assert (note["id"], note["level"]) == ("D48", "note")
    assert examine(refused(), scope=Scope(node="node-2")).notes == []


@pytest.mark.parametrize("said", [REFUSED, "dial tcp 192.168.1.1:10250: i/o timeout", "context deadline exceeded"])
def test_how_it_fails(said):
    """Fargate refuses the connection, and did not answer at all before."""
    assert list(found(refused(said=said))) == ["D48"]


@pytest.mark.parametrize(
    ("evidence", "row"),
    [
        (refused(("node-2",)), "D25"),
        (refused(said=NO_SAN), "D19"),
        (refused(nodes=[node("node-1"), on_fargate("node-2")]), "D25"),
        (refused(nodes=[on_fargate("node-1", "ec2"), node("node-2")]), "D25"),
    ],
)
def test_near_misses(evidence, row):
    """Another node of Fargate, another error, and another kind of node are wrong."""
    assert list(found(evidence)) == [row]


def test_another_failing_node_is_still_a_finding():
    """A note takes nothing from what is wrong."""
    report = examine(refused(NODE_NAMES))
    assert report.first is not None
    assert report.first.check.id == "D25"
    assert report.first.finding.nodes == ("node-2",)
    assert len(report.notes) == 1


def test_nodes_that_are_left_out_are_not_missing():
    """With the selector that the last remedy sets, there is nothing left to tell."""
    assert EXCLUDED in found(refused())["D48"].remedies[-1].command
    pod = provider(args=(*ARGS, EXCLUDED))
    nodes = [on_fargate("node-1"), node("node-2")]
    quiet = healthy(**upstream(pods=[pod], nodes=nodes, node_metrics=[node_metrics("node-2")]))
    assert found(quiet) == {}
    assert "D31" in found(healthy(**upstream(nodes=nodes, node_metrics=[node_metrics("node-2")])))


def test_a_selector_that_makes_no_sense_leaves_nothing_out():
    """It is the provider's to complain."""
    pods = [provider(args=("--node-selector=a in",))]
    assert "D31" in found(healthy(**upstream(pods=pods, node_metrics=[node_metrics("node-2")])))
