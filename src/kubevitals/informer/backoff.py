"""How long to wait before asking the API server again."""

from __future__ import annotations

from collections.abc import Callable

_FIRST = 1.6
_LONGEST = 30.0
_LONGEST_AWAY = 4.0
_HEALTHY = 120.0
_LONGEST_ASKED = 300.0


class Backoff:
    """Pauses that double from 0.8–1.6 s, and start anew after two minutes without a failure.

    They grow to 15–30 s where the API server answers and is in trouble. Where it does not answer at all they
    stay at 2–4 s: an attempt that reaches nobody burdens nobody, and the return should be noticed soon. When one
    kind of failure follows the other, pauses start anew as well. Each is chosen at random within its range, so
    that the servers of many clusters do not ask in step.

    Args:
        clock: seconds of any steady clock.
        random: a number from 0 to 1.
    """

    def __init__(self, *, clock: Callable[[], float], random: Callable[[], float]) -> None:
        self._clock = clock
        self._random = random
        self._failures = 0
        self._away = False
        self._resumed = clock()

    def pause(self, retry_after: float | None = None, *, away: bool = False) -> float:
        """Return the seconds to wait after a failure, at least what the API server asked for.

        Args:
            retry_after: what it asked for; more than five minutes is not believed.
            away: it did not answer at all.
        """
        now = self._clock()
        if now - self._resumed >= _HEALTHY or away != self._away:
            self._failures = 0
        self._away = away
        ceiling = min(_FIRST * 2.0**self._failures, _LONGEST_AWAY if away else _LONGEST)
        # The exponent stays small however long an outage lasts.
        self._failures = min(self._failures + 1, 8)
        pause = max(ceiling * (0.5 + 0.5 * self._random()), min(retry_after or 0.0, _LONGEST_ASKED))
        self._resumed = now + pause
        return pause
