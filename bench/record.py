"""What the fleet remembers about scrapes: by whom, of which node, when. Pure."""

from __future__ import annotations

from array import array
from typing import NamedTuple


class Pulse(NamedTuple):
    """How far a scraper is: connections opened and scrapes served so far, and the time of the last one.

    Times are those of CLOCK_MONOTONIC, in seconds, which all processes of a machine share.
    """

    connections: int
    scrapes: int
    last: float


class Record:
    """The scrapes of one scraper, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.connections = 0
        self.times = array("d")
        self.nodes = array("I")

    def note(self, node: int, now: float) -> None:
        """Note a scrape."""
        self.times.append(now)
        self.nodes.append(node)

    def pulse(self) -> Pulse:
        """Return how far the scraper is."""
        return Pulse(self.connections, len(self.times), self.times[-1] if self.times else 0.0)

    def since(self, first: int) -> tuple[list[int], list[float]]:
        """Return the nodes and times of all scrapes but the first so many."""
        return self.nodes[first:].tolist(), self.times[first:].tolist()

    def forget(self) -> None:
        """Drop all notes."""
        self.connections = 0
        del self.times[:], self.nodes[:]
