"""The closed table of causes."""

from __future__ import annotations

import pytest

from kubevitals.scraper.causes import CAUSES, failure


@pytest.mark.parametrize("cause", sorted(CAUSES))
def test_every_cause_has_a_title_and_a_remedy_that_is_a_sentence(cause):
    """A person who meets any cause is told what it is in a few words and what to do in a sentence."""
    title, remedy = CAUSES[cause]

    assert 0 < len(title.split()) <= 7
    assert remedy[0].isupper()
    assert remedy.endswith(".")


def test_failure_takes_the_remedy_of_the_table():
    """A failure without a better remedy carries the table's."""
    error = failure("refused", "connecting failed with ECONNREFUSED")

    assert (error.cause, error.detail, error.remedy) == (
        "refused",
        "connecting failed with ECONNREFUSED",
        CAUSES["refused"].remedy,
    )


def test_failure_prefers_a_better_remedy():
    """A remedy that the caller knows replaces the table's."""
    assert failure("refused", "x", "Start it.").remedy == "Start it."


def test_causes_are_closed():
    """A cause that is not in the table cannot be raised."""
    with pytest.raises(KeyError):
        failure("gremlins", "x")
