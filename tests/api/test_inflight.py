"""Requests in progress: limits by kind, and the most of them a second ago."""

from __future__ import annotations

import pytest

from kubevitals.api.inflight import InFlight, kind_of
from kubevitals.api.request import Attributes


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        (Attributes("get", "/livez"), "readOnly"),
        (Attributes("list", "", True, resource="nodes"), "readOnly"),
        (Attributes("watch", "", True, resource="nodes"), "readOnly"),
        (Attributes("head", "/livez"), "mutating"),
        (Attributes("post", "/livez"), "mutating"),
        (Attributes("create", "", True, resource="nodes"), "mutating"),
        (Attributes("", "", True, resource="nodes"), "mutating"),
    ],
)
def test_what_is_no_read_is_mutating(asked: Attributes, kind: str) -> None:
    """Only the verbs get, list and watch are reads; HEAD of a path that is no resource is not."""
    assert kind_of(asked) == kind


def test_each_kind_has_its_own_limit() -> None:
    """As many as may be are let in, none more, and whoever leaves makes room."""
    requests = InFlight(reads=2, others=1, clock=lambda: 0.0)

    assert [requests.enter("readOnly") for _ in range(3)] == [True, True, False]
    assert [requests.enter("mutating") for _ in range(2)] == [True, False]
    requests.leave("readOnly")
    assert requests.enter("readOnly") is True


def test_zero_is_no_limit() -> None:
    """Without a limit all are let in, and counted all the same."""
    now = [0.5]
    requests = InFlight(reads=0, others=0, clock=lambda: now[0])

    assert all(requests.enter("mutating") for _ in range(1000))
    now[0] = 1.0
    assert requests.peaks() == {"readOnly": 0, "mutating": 1000}


def test_the_peak_is_that_of_the_last_whole_second() -> None:
    """A burst shows during the second after it, and then no more."""
    now = [10.1]
    requests = InFlight(reads=0, others=0, clock=lambda: now[0])
    for _ in range(5):
        requests.enter("readOnly")
    for _ in range(5):
        requests.leave("readOnly")

    seen = []
    for now[0] in (10.9, 11.0, 11.9, 12.0):
        seen.append(requests.peaks()["readOnly"])

    assert seen == [0, 5, 5, 0]


def test_who_stays_for_long_is_seen_all_the_time() -> None:
    """A request in progress counts in every second it lasts, though nobody comes or goes."""
    now = [0.0]
    requests = InFlight(reads=0, others=0, clock=lambda: now[0])
    requests.enter("readOnly")

    seen = []
    for now[0] in (1.0, 5.0, 60.5):
        seen.append(requests.peaks()["readOnly"])
    requests.leave("readOnly")
    for now[0] in (61.0, 62.0):
        seen.append(requests.peaks()["readOnly"])

    assert seen == [1, 1, 1, 1, 0]
