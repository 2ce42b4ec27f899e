"""How long answers take: samples in the quiet phases of cycles, and in the active ones."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping

from bench.client import Answer, Client
from bench.process import BenchError
from bench.requests import Request
from bench.rhythm import Phase

_PACE = 0.005  # seconds between two requests during a cycle, which are not to be its main work
_LIST_SECONDS = 5.0  # for the repetitions of one list
_LEAST_QUIET = 0.3  # seconds; a shorter quiet phase is not waited for


class Latencies:
    """Samples by name, from one connection.

    Args:
        client: the connection.
        phase: when nothing is scraped.
        samples: most samples of one list; single objects are asked for more often.
    """

    def __init__(self, client: Client, phase: Phase, samples: int) -> None:
        self._client = client
        self._phase = phase
        self._samples = samples
        self._seconds: dict[str, list[float]] = {}
        self._kept: dict[str, float] = {}

    def wait_quiet(self) -> bool:
        """Wait for a quiet phase unless half of one is left, or there are none to speak of; tell whether it waited."""
        now, length = time.monotonic(), self._phase.length
        if self._phase.quiet_left(now) >= length / 2 or length < _LEAST_QUIET:
            return False
        time.sleep(self._phase.until(now, self._phase.margin))
        return True

    def during_cycle(self, name: str, path: str) -> None:
        """Ask for one object again and again while the next cycle's scrapes are under way, then wait for the quiet."""
        time.sleep(self._phase.until(time.monotonic(), self._phase.length))
        while self._phase.active(time.monotonic()):
            self._sample(name, path)
            time.sleep(_PACE)
        time.sleep(self._phase.margin)

    def list_first(self, name: str, request: Request) -> None:
        """Ask for a list that nobody has asked for since the cycle before the last, and again while it stays quiet."""
        self.wait_quiet()
        answer = self._ask(request.path, dict(request.headers))
        self._kept[f"{name}_first"] = answer.seconds
        self._kept[f"{name}_bytes"] = len(answer.body)
        if self.wait_quiet():
            self._ask(request.path, dict(request.headers))  # the first one of another cycle is no repetition
        until = time.monotonic() + _LIST_SECONDS
        for _ in range(self._samples):
            last = self._ask(request.path, dict(request.headers)).seconds
            self._seconds.setdefault(name, []).append(last)
            now = time.monotonic()
            if now > until or self._phase.quiet_left(now) < 1.5 * last:
                break

    def list_next(self, name: str, request: Request) -> None:
        """Ask for a list once, which was asked for in the cycle before as well."""
        self._kept[f"{name}_next"] = self._ask(request.path, dict(request.headers)).seconds

    def idle(self, paths: Mapping[str, str]) -> None:
        """Ask for single objects in turn while it stays quiet."""
        for _ in range(5 * self._samples):
            if self._phase.quiet_left(time.monotonic()) <= 0 and self._phase.length >= _LEAST_QUIET:
                break
            for name, path in paths.items():
                self._sample(name, path)

    def figures(self) -> dict[str, float]:
        """Return ``NAME_p50``, ``_p99`` and, of lists, ``_first`` and ``_next``, in seconds; and ``_bytes``."""
        found = dict(self._kept)
        for name, seconds in self._seconds.items():
            found[f"{name}_p50"] = statistics.median(seconds)
            found[f"{name}_p99"] = percentile(seconds, 99)
        return found

    def _sample(self, name: str, path: str) -> None:
        answer = self._ask(path, {})
        self._seconds.setdefault(name, []).append(answer.seconds)
        self._kept[f"{name}_bytes"] = len(answer.body)

    def _ask(self, path: str, headers: dict[str, str]) -> Answer:
        answer = self._client.get(path, **headers)
        if answer.status != 200:
            raise BenchError(f"{path} is answered with {answer.status}: {answer.body[:200]!r}")
        return answer


def percentile(values: list[float], rank: int) -> float:
    """Return the smallest value that is not below ``rank`` percent of all."""
    return sorted(values)[max(0, -(-len(values) * rank // 100) - 1)]
