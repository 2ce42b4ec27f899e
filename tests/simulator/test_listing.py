"""List options: selectors, pages, and watch events as a selection sees them."""

from __future__ import annotations

import pytest

from kubevitals.simulator import listing
from kubevitals.simulator.kinds import NODES, PODS
from kubevitals.simulator.registry import Event, Registry
from kubevitals.simulator.status import Refused


def pod(name="p", namespace="ns", phase="Running", node="n1", **labels):
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"metadata": metadata, "spec": {"nodeName": node}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, True),
        ({"fieldSelector": "status.phase=Running"}, True),
        ({"fieldSelector": "status.phase=Pending"}, False),
        ({"fieldSelector": "status.phase=Running,spec.nodeName!=n1"}, False),
        ({"fieldSelector": "metadata.name=p,metadata.namespace=ns"}, True),
        ({"fieldSelector": "spec.hostNetwork=false"}, True),
        ({"labelSelector": "app in (web,api)"}, True),
        ({"labelSelector": "app=web,!canary"}, True),
        ({"labelSelector": "app!=web"}, False),
    ],
)
def test_selectors_choose_objects(query, expected):
    """Label and field selectors choose as those of the API server do."""
    assert listing.selection(PODS, "", query).wants(pod(app="web")) is expected


def test_a_namespace_limits_a_selection():
    """Objects of another namespace are not wanted."""
    assert not listing.selection(PODS, "other", {}).wants(pod())


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"fieldSelector": "spec.color=red"}, "field label not supported: spec.color"),
        ({"fieldSelector": "foo"}, "invalid selector: 'foo'; can't understand 'foo'"),
        (
            {"labelSelector": "a b"},
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
        ),
    ],
)
def test_bad_selectors_are_bad_requests(query, message):
    """A selector that cannot be used is refused with 400."""
    with pytest.raises(Refused) as refused:
        listing.selection(PODS, "", query)
    assert (refused.value.code, str(refused.value)) == (400, message)


@pytest.mark.parametrize(
    ("before", "after", "event_type", "expected"),
    [
        (None, "Running", "ADDED", "ADDED"),
        (None, "Pending", "ADDED", None),
        ("Pending", "Running", "MODIFIED", "ADDED"),
        ("Running", "Running", "MODIFIED", "MODIFIED"),
        ("Running", "Succeeded", "MODIFIED", "DELETED"),
        ("Pending", "Failed", "MODIFIED", None),
        ("Running", "Running", "DELETED", "DELETED"),
        ("Failed", "Failed", "DELETED", None),
    ],
)
def test_a_watch_sees_objects_come_and_go_by_its_selector(before, after, event_type, expected):
    """An object that comes to match is added for the watcher, one that ceases to match is deleted."""
    running = listing.selection(PODS, "", {"fieldSelector": "status.phase=Running"})
    event = Event(5, event_type, pod(phase=after), pod(phase=before) if before else None)
    seen = running.event(event)
    assert (seen[0] if seen else None) == expected


def test_pages_follow_the_continue_token():
    """Limit and continue walk through a list, and the first page says how much is left."""
    registry = Registry(now=lambda: 0.0)
    for i in range(5):
        registry.create(NODES, {"metadata": {"name": f"n{i}"}})
    everything = listing.selection(NODES, "", {})
    first = listing.page(registry, everything, {"limit": "2"})
    metadata = listing.list_metadata(everything, first)
    assert metadata["remainingItemCount"] == 3
    rest = listing.page(registry, everything, {"limit": "9", "continue": metadata["continue"]})
    assert [item["metadata"]["name"] for item in rest.items] == ["n2", "n3", "n4"]
    assert listing.list_metadata(everything, rest) == {"resourceVersion": metadata["resourceVersion"]}


@pytest.mark.parametrize("query", [{"limit": "x"}, {"continue": "!"}, {"continue": "e30"}, {"resourceVersion": "-1"}])
def test_options_that_do_not_parse_are_bad_requests(query):
    """A limit, version or token that is none is refused with 400."""
    registry = Registry(now=lambda: 0.0)
    with pytest.raises(Refused) as refused:
        listing.page(registry, listing.selection(NODES, "", {}), query)
    assert refused.value.code == 400
