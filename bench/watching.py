"""A fleet in a process of its own, as the driver sees it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.client import Address, Client
from bench.cluster import Plan
from bench.fleet import Facts, Paths
from bench.process import BenchError, Child
from bench.record import Pulse
from bench.rhythm import Phase, Scrapes, quiet

_POLL = 0.05  # seconds


class Fleet:
    """A running fleet.

    Args:
        facts: where it is.
    """

    def __init__(self, facts: Facts) -> None:
        self.plan = Plan(facts.nodes, facts.pods, facts.containers)
        self.paths = Paths(Path(facts.directory))
        self.pid = facts.pid
        self._client = Client(Address(facts.url, self.paths.ca), {})

    def close(self) -> None:
        """Close the connection to it."""
        self._client.close()

    def pulse(self, scraper: str) -> Pulse:
        """Return how far a scraper is."""
        return Pulse(*msgspec.json.decode(self._client.get(f"/bench/{scraper}").body))

    def forget(self, scraper: str) -> None:
        """Drop all notes about a scraper."""
        self._client.get(f"/bench/{scraper}?forget=1")

    def scrapes(self, scraper: str, first: int = 0) -> Scrapes:
        """Return a scraper's scrapes, but for the first so many."""
        return Scrapes(*msgspec.json.decode(self._client.get(f"/bench/{scraper}?since={first}").body))

    def wait(
        self, scraper: str, done: Callable[[Pulse], bool], *, until: float, check: Callable[[], None]
    ) -> Pulse | None:
        """Return the first pulse that satisfies ``done``; None when there was none until a time.

        Args:
            scraper: whose.
            done: the condition.
            until: a time of CLOCK_MONOTONIC.
            check: called again and again; raises when waiting is pointless.
        """
        while time.monotonic() < until:
            pulse = self.pulse(scraper)
            if done(pulse):
                return pulse
            check()
            time.sleep(_POLL)
        return None

    def phase(self, scraper: str, resolution: float) -> Phase:
        """Return the quiet phase of a scraper's last two cycles.

        Raises:
            BenchError: it does not scrape this fleet.
        """
        scrapes = self.scrapes(scraper, max(0, self.pulse(scraper).scrapes - 2 * self.plan.nodes))
        now = time.monotonic()
        recent = scrapes.between(now - 2 * resolution, now)
        if not recent.times:
            raise BenchError(f"the server does not scrape this fleet: {' '.join(self.paths.flags(scraper))} lets it")
        return quiet(recent.times, resolution)


@contextmanager
def fleet(plan: Plan, directory: Path, *, housekeeping: float) -> Iterator[Fleet]:
    """Start a fleet, and end it with the block."""
    argv = ["-m", "bench.fleet", str(directory), f"--nodes={plan.nodes}", f"--pods={plan.pods}"]
    argv += [f"--containers={plan.containers}", f"--housekeeping={housekeeping}"]
    with Child("the fleet", [sys.executable, *argv], directory / "fleet.log", talks=True) as child:
        found = Fleet(msgspec.json.decode(child.line(), type=Facts))
        try:
            yield found
        finally:
            found.close()


def known_fleet(directory: Path) -> Fleet:
    """Return a fleet that runs already.

    Raises:
        BenchError: there is none.
    """
    try:
        facts = msgspec.json.decode(Paths(directory).facts.read_bytes(), type=Facts)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise BenchError(f"no fleet runs in {directory}; python -m bench fleet starts one") from error
    return Fleet(facts)
