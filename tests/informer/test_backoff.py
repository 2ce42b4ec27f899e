"""informer.backoff: how long to wait before asking again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.informer.backoff import Backoff


class Steady:
    def __init__(self):
        self.at = 0.0

    def __call__(self):
        return self.at


@pytest.mark.parametrize(
    ("chance", "pauses"),
    [
        (0.0, [0.8, 1.6, 3.2, 6.4, 12.8, 15.0, 15.0]),
        (1.0, [1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]),
    ],
)
def test_pauses_double_up_to_half_a_minute(chance, pauses):
    """Each lies between half and the whole of its ceiling."""
    backoff = Backoff(clock=Steady(), random=lambda: chance)

    assert [backoff.pause() for _ in pauses] == pytest.approx(pauses)


@pytest.mark.parametrize(
    ("chance", "pauses"),
    [
        (0.0, [0.8, 1.6, 2.0, 2.0, 2.0]),
        (1.0, [1.6, 3.2, 4.0, 4.0, 4.0]),
    ],
)
def test_nobody_there_is_asked_again_every_few_seconds(chance, pauses):
    """However long it lasts, so that the return is noticed within four seconds."""
    backoff = Backoff(clock=Steady(), random=lambda: chance)

    assert [backoff.pause(away=True) for _ in pauses] == pytest.approx(pauses)


def test_another_kind_of_failure_starts_anew():
    """Trouble of a server that has just come back is not the trouble it had before, and not its absence."""
    backoff = Backoff(clock=Steady(), random=lambda: 1.0)
    kinds = [False] * 5 + [True] * 4 + [False] * 2

    assert [backoff.pause(away=away) for away in kinds] == pytest.approx(
        [1.6, 3.2, 6.4, 12.8, 25.6, 1.6, 3.2, 4.0, 4.0, 1.6, 3.2]
    )


def test_two_good_minutes_start_anew():
    """Counted from the end of the last pause."""
    clock = Steady()
    backoff = Backoff(clock=clock, random=lambda: 1.0)
    backoff.pause()
    clock.at += backoff.pause() + 119
    third = backoff.pause()
    clock.at += third + 120

    assert (third, backoff.pause()) == (pytest.approx(6.4), pytest.approx(1.6))


@pytest.mark.parametrize(("asked", "pause"), [(None, 0.8), (0.0, 0.8), (5.0, 5.0), (1e9, 300.0), (-1.0, 0.8)])
def test_the_api_server_may_ask_for_more(asked, pause):
    """Retry-After makes a pause longer, never shorter, and not absurd."""
    assert Backoff(clock=Steady(), random=lambda: 0.0).pause(asked) == pytest.approx(pause)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1000), st.booleans()), max_size=400))
def test_a_pause_is_never_a_hot_loop(outages):
    """Any history of failures gives pauses of 0.8 to 30 seconds, and to 4 seconds where nobody is there."""
    clock = Steady()
    chances = iter([chance for chance, _, _ in outages])
    backoff = Backoff(clock=clock, random=lambda: next(chances))
    for _, idle, away in outages:
        pause = backoff.pause(away=away)
        clock.at += pause + idle

        assert 0.8 <= pause <= (4.0 if away else 30.0)
