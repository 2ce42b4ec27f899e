"""How many requests are in progress, how many may be, and how many there were a moment ago. Pure.

Reads and all else are counted apart, so that neither can keep the other out; nobody waits in a queue.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from kubevitals.api.request import Attributes

Kind = Literal["readOnly", "mutating"]

_READS = frozenset({"get", "list", "watch"})


def kind_of(asked: Attributes) -> Kind:
    """Return what a request counts as: ``POST`` and ``HEAD`` of a path that is no resource are no reads."""
    return "readOnly" if asked.verb in _READS else "mutating"


class InFlight:
    """Requests in progress, by kind.

    Args:
        reads: the most reads at once; 0 is no limit.
        others: the most of all else.
        clock: monotonic seconds.
    """

    def __init__(self, *, reads: int, others: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lanes: dict[Kind, _Lane] = {"readOnly": _Lane(reads), "mutating": _Lane(others)}

    def enter(self, kind: Kind) -> bool:
        """Count one request more, unless there are as many as may be."""
        return self._lanes[kind].enter(int(self._clock()))

    def leave(self, kind: Kind) -> None:
        """Count one request less."""
        self._lanes[kind].leave(int(self._clock()))

    def peaks(self) -> dict[str, int]:
        """Return the most requests of each kind that were in progress at once within the last whole second."""
        second = int(self._clock())
        return {kind: lane.peak(second) for kind, lane in self._lanes.items()}


class _Lane:
    """The requests of one kind: how many now, and the most within this second and the one before."""

    __slots__ = ("_before", "_limit", "_most", "_now", "_second")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._now = self._most = self._before = self._second = 0

    def enter(self, second: int) -> bool:
        self._turn(second)
        if self._limit and self._now >= self._limit:
            return False
        self._now += 1
        self._most = max(self._most, self._now)
        return True

    def leave(self, second: int) -> None:
        self._turn(second)
        self._now -= 1

    def peak(self, second: int) -> int:
        self._turn(second)
        return self._before

    def _turn(self, second: int) -> None:
        if second == self._second:
            return
        # Whoever is in progress since before a second in which nobody came or went was in progress throughout it.
        self._before = self._most if second == self._second + 1 else self._now
        self._most, self._second = self._now, second
