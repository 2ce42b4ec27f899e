"""One node's points."""

from __future__ import annotations

import pytest

from kubevitals.model import NO_CAPACITY, NodeUsage, PodUsage, Withheld
from kubevitals.store.report import Report, Tally

RESOLUTION_NS = 15_000_000_000
WEB, DB = "default/web/app", "data/db/app"


@pytest.fixture
def report():
    return Report("worker", 45_000)


def absorb(report, *batches):
    for batch in batches:
        now_ms = batch.node.time_ms if batch.node else max(batch.time_ms, default=0)
        report.absorb(batch, now_ms, RESOLUTION_NS, NO_CAPACITY)


def test_two_scrapes_make_it_complete(report, kubelet):
    """With a previous point for all that was named, nothing is withheld."""
    absorb(report, kubelet.batch({WEB: (100, 1, 0)}, (100, 1)))
    assert not report.is_complete()

    absorb(report, kubelet.batch({WEB: (115, 2, 0)}, (115, 2)))
    assert report.is_complete()
    assert report.tally == Tally(nodes=1, containers=1, pods=1)
    assert isinstance(report.node_usage(), NodeUsage)
    assert isinstance(report.pod_usage("default", "web"), PodUsage)


def test_a_pod_is_found_by_both_names(report, kubelet):
    """A pod of the same name in another namespace is another pod."""
    absorb(report, kubelet.batch({WEB: (100, 1, 0), DB: (100, 1, 0)}))

    assert report.rows("data", "db").name == "db"
    for namespace, name in (("data", "web"), ("default", "db"), ("", ""), ("zzz", "zzz")):
        assert report.rows(namespace, name) is None
        assert report.pod_usage(namespace, name) is None


def test_a_dropped_pod_is_withheld_with_the_reason_of_the_batch(report, kubelet):
    """A pod without a usable point loses its earlier points, and says why."""
    absorb(report, *(kubelet.batch({WEB: (t, t, 0), DB: (t, t, 0)}, (t, t)) for t in (100, 115)))
    absorb(report, kubelet.batch({DB: (130, 130, 0)}, (130, 130), dropped={"default/web": "memory is 0"}))

    assert report.pod_usage("default", "web") == Withheld("memory is 0")
    assert report.tally == Tally(nodes=1, containers=1, pods=1)
    assert not report.is_complete()
    assert report.pods() == {("default", "web"), ("data", "db")}

    absorb(report, kubelet.batch({WEB: (145, 145, 0), DB: (145, 145, 0)}, (145, 145)))
    assert report.pod_usage("default", "web") == Withheld("container app was first seen in this scrape")


def test_a_node_without_a_point_is_withheld_with_the_reason_of_the_batch(report, kubelet):
    """A node without a usable point loses its earlier points, while its pods are served."""
    absorb(report, *(kubelet.batch({WEB: (t, t, 0)}, (t, t)) for t in (100, 115)))
    absorb(report, kubelet.batch({WEB: (130, 130, 0)}, node_reason="cpu is 0"))

    assert report.node_usage() == Withheld("cpu is 0")
    assert isinstance(report.pod_usage("default", "web"), PodUsage)

    absorb(report, kubelet.batch({WEB: (145, 145, 0)}, (145, 145)))
    assert report.node_usage() == Withheld("the node was first seen in this scrape")


def test_a_node_without_a_point_or_reason_has_a_reason_all_the_same(report, kubelet):
    """There is always a clause to show."""
    absorb(report, kubelet.batch())

    assert report.node_usage() == Withheld("the kubelet reported no use of the node itself")


def test_a_forgotten_pod_starts_afresh(report, kubelet):
    """A pod that was forgotten has no previous point when it is named again."""
    absorb(report, *(kubelet.batch({WEB: (t, t, 0), DB: (t, t, 0)}) for t in (100, 115)))
    report.forget_pod("default", "web")

    assert report.pod_usage("default", "web") is None
    assert report.pods() == {("data", "db")}
    assert report.tally == Tally(nodes=0, containers=1, pods=1)

    absorb(report, kubelet.batch({WEB: (130, 130, 0), DB: (130, 130, 0)}))
    assert report.pod_usage("default", "web") == Withheld("container app was first seen in this scrape")
    assert isinstance(report.pod_usage("data", "db"), PodUsage)


def test_a_forgotten_pod_may_have_been_dropped(report, kubelet):
    """Forgetting covers the reasons, too."""
    absorb(report, kubelet.batch(dropped={"default/web": "cpu is 0", "data/db": "cpu is 0"}))
    report.forget_pod("default", "web")

    assert report.pods() == {("data", "db")}
