"""What is known about scraping each node."""

from __future__ import annotations

import pytest

from kubevitals.model import Batch, DroppedPod
from kubevitals.scraper.causes import failure
from kubevitals.scraper.status import NodeStatus, dominant, failed, succeeded, summary

REFUSED = failure("refused", "connecting failed with ECONNREFUSED")
SIGNED = failure("self_signed", "self-signed certificate")


def fails(node, error=REFUSED, *, before=None, now=0.0, expected=False):
    return failed(before, node, "10.0.0.1", error, now, expected=expected)


def works(node, *, before=None, now=0.0, batch=None):
    return succeeded(before, node, "10.0.0.1", batch or Batch(), now)


def test_success_keeps_what_the_batch_said():
    """Dropped pods, warnings and the reason for a missing node point stay with the status."""
    batch = Batch(node_reason="no cpu", dropped=(DroppedPod("ns", "p", "cpu is 0"),), warnings=("w",))

    assert works("a", batch=batch, now=5.0) == NodeStatus(
        "a",
        ok=True,
        since=5.0,
        address="10.0.0.1",
        last_success=5.0,
        node_reason="no cpu",
        dropped=(DroppedPod("ns", "p", "cpu is 0"),),
        warnings=("w",),
    )


def test_failure_keeps_cause_detail_remedy_and_the_last_success():
    """A failing node says why, what to do, and when it last worked."""
    status = fails("a", before=works("a", now=5.0), now=20.0)

    assert (status.ok, status.cause, status.detail, status.remedy, status.last_success) == (
        False,
        "refused",
        REFUSED.detail,
        REFUSED.remedy,
        5.0,
    )


def test_a_state_began_with_its_first_scrape():
    """``since`` is when success or failure began, whatever the cause has become."""
    first = fails("a", now=10.0)
    later = fails("a", SIGNED, before=first, now=25.0)
    again = works("a", before=later, now=40.0)

    assert [first.since, later.since, again.since] == [10.0, 10.0, 40.0]


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (None, fails("a"), False),
        (fails("a"), fails("a", now=9.0), True),
        (fails("a"), fails("a", SIGNED), False),
        (fails("a", expected=True), fails("a"), False),
        (works("a"), works("a", now=9.0), True),
        (fails("a"), works("a"), False),
    ],
)
def test_a_state_is_the_cause_and_whether_it_was_expected(before, after, same):
    """Only another cause, or a node that became ready, is news."""
    assert after.same_state(before) is same


def nodes(how, count, start=0):
    return [how(f"node-{number}") for number in range(start, start + count)]


def test_summary_counts_and_names_the_causes():
    """Most frequent first, at most three, the rest as a number."""
    statuses = [
        *nodes(works, 3),
        *nodes(lambda node: fails(node, SIGNED), 5),
        *nodes(fails, 2),
        *nodes(lambda node: fails(node, expected=True), 4),
        fails("x", failure("dns", "x")),
        fails("y", failure("http_403", "x")),
    ]

    assert summary(statuses, 16) == (
        "3 of 16 nodes scraped: 5 × kubelet certificate self-signed, 4 × node not ready, "
        "2 × connection refused, 2 × other causes"
    )


@pytest.mark.parametrize(
    ("statuses", "count", "expected"),
    [
        ([], 0, "no nodes to scrape"),
        ([], 2, "0 of 2 nodes scraped: 2 × not scraped yet"),
        ([works("a")], 1, "1 of 1 node scraped"),
        (nodes(works, 12), 12, "12 of 12 nodes scraped"),
        (nodes(fails, 12), 12, "0 of 12 nodes scraped: 12 × connection refused"),
    ],
)
def test_summary_fits_every_fleet(statuses, count, expected):
    """No nodes, one node, all well and all ill read as sentences."""
    assert summary(statuses, count) == expected


def test_dominant_is_the_cause_of_most_nodes_that_should_work():
    """Nodes that are not ready do not decide what the trouble is."""
    statuses = [
        *nodes(lambda node: fails(node, expected=True), 5),
        *nodes(lambda node: fails(node, SIGNED), 2),
        works("z"),
    ]

    assert (dominant(statuses), dominant(statuses[:5])) == ("self_signed", "")
