"""What the log says about scraping."""

from __future__ import annotations

import logging

import pytest

from kubevitals.model import Batch
from kubevitals.scraper import exposition, report
from kubevitals.scraper.causes import CAUSES, failure
from kubevitals.scraper.status import failed, succeeded

REFUSED = failure("refused", "connecting failed with ECONNREFUSED")
DNS = failure("dns", "no such name")


def fails(error=REFUSED, *, before=None, now=0.0, expected=False):
    return failed(before, "node-a", "10.0.0.1", error, now, expected=expected)


def works(*, before=None, now=0.0, warnings=()):
    return succeeded(before, "node-a", "10.0.0.1", Batch(warnings=warnings), now)


@pytest.fixture
def said(caplog):
    """Return the log's lines so far as (verbosity, message, pairs); verbosity is a level's name or v(n)."""
    caplog.set_level(1, logger="kubevitals")

    def lines():
        return [
            (
                record.levelname if record.levelno >= logging.INFO else f"v({logging.INFO - record.levelno})",
                record.getMessage(),
                record.pairs,
            )
            for record in caplog.records
        ]

    return lines


def test_a_failing_node_is_named_with_cause_and_remedy(said):
    """One line says which node, at which address, why, and what to do."""
    report.node_changed(None, fails())

    assert said() == [
        (
            "WARNING",
            "Node cannot be scraped",
            {
                "node": "node-a",
                "address": "10.0.0.1",
                "cause": "refused",
                "detail": REFUSED.detail,
                "remedy": CAUSES["refused"].remedy,
            },
        )
    ]


def test_a_failure_that_lasts_is_said_once(said):
    """The second cycle with the same cause adds no line; another cause does."""
    first = fails()
    second = fails(before=first, now=15.0)
    third = fails(DNS, before=second, now=30.0)
    for before, after in ((None, first), (first, second), (second, third)):
        report.node_changed(before, after)

    assert [pairs["cause"] for _, _, pairs in said()] == ["refused", "dns"]


def test_a_recovery_says_how_long_it_took(said):
    """One line when the node is scraped again."""
    report.node_changed(fails(now=10.0), works(before=fails(now=10.0), now=70.0))

    assert [(level, message, pairs["failedForSeconds"]) for level, message, pairs in said()] == [
        ("INFO", "Node is scraped again", 60)
    ]


def test_nodes_that_are_not_ready_are_quiet(said):
    """Failures that were to be expected, and their end, show at --v=4 only."""
    down = fails(expected=True)
    report.node_changed(None, down)
    report.node_changed(down, works(before=down))

    assert [level for level, _, _ in said()] == ["v(4)", "v(4)"]


def test_a_node_that_is_ready_but_still_fails_becomes_news(said):
    """When a node becomes ready and the failure stays, it is told."""
    down = fails(expected=True)
    report.node_changed(down, fails(before=down))

    assert [level for level, _, _ in said()] == ["WARNING"]


def test_success_is_no_news(said):
    """The first success is a detail, later ones are nothing."""
    first = works()
    report.node_changed(None, first)
    report.node_changed(first, works(before=first))

    assert [level for level, _, _ in said()] == ["v(4)"]


def test_a_kubelets_own_error_is_a_warning_once(said):
    """scrape_error 1 is told when it comes and when it goes."""
    healthy, ill = works(), works(warnings=(exposition.SCRAPE_ERROR,))
    for before, after in ((healthy, ill), (ill, ill), (ill, healthy)):
        report.node_changed(before, after)

    assert [(level, message) for level, message, _ in said() if level != "v(2)"] == [
        ("WARNING", "Kubelet reports an error with its container metrics"),
        ("INFO", "Kubelet no longer reports an error with its container metrics"),
    ]


def test_other_remarks_are_details(said):
    """What was merely tolerated shows at --v=2."""
    report.node_changed(works(), works(warnings=(exposition.CARRIAGE_RETURNS,)))

    assert [level for level, _, _ in said()] == ["v(2)"]


def test_the_picture_is_logged_when_it_changes(said):
    """A summary line follows the dominant cause: none, some, all; and never repeats."""
    picture = report.Picture()
    for statuses in ([works()], [works()], [works(), fails()], [works(), fails(DNS)], [fails()], [fails()], [works()]):
        picture.update(statuses, "summary", 0.0)

    assert [(level, message) for level, message, _ in said()] == [
        ("INFO", "Scraping nodes"),
        ("WARNING", "Some nodes cannot be scraped"),
        ("WARNING", "Some nodes cannot be scraped"),
        ("ERROR", "No node can be scraped"),
        ("INFO", "Scraping nodes"),
    ]


def test_the_picture_is_told_again_while_nodes_fail(said):
    """Who looks at the last lines of the log finds the summary there: every five minutes while something is wrong."""
    picture = report.Picture()
    for minute in range(16):
        picture.update([works(), fails()], "summary", 60.0 * minute)
    for minute in range(16, 40):
        picture.update([works()], "summary", 60.0 * minute)
    levels = [level for level, _, _ in said()]
    assert levels == ["WARNING", "WARNING", "WARNING", "WARNING", "INFO"]
