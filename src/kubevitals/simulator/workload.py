"""What simulated containers use: CPU counters that integrate a varying load, and memory that moves. Pure.

A usage is a function of time without state: a counter never goes back, and costs nothing between scrapes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin
from typing import NamedTuple, Protocol

_SECOND = 1_000_000_000
_TURN = 2 * pi
_SWING, _SWING_AGAIN = 0.55, 0.3  # how far two waves move the load around its mean; below 1 together
_RATIO = 0.37  # the second wave's period, as a part of the first's
_MEMORY_SWING = 0.08


class Reading(NamedTuple):
    """What was measured: cumulative CPU in nanoseconds, memory in bytes, and when, in milliseconds."""

    time_ms: int
    cpu_ns: int
    memory: int


class Usage(Protocol):
    """What a container or node uses. ``start`` is when it began, in seconds since the epoch."""

    @property
    def start(self) -> float:
        """When the counter was zero."""
        ...

    def at(self, time: float) -> Reading:
        """Return what is measured at a time."""
        ...


@dataclass(frozen=True, slots=True)
class Wave:
    """A load that swings around ``cores``, and memory around ``memory`` bytes, with a period in seconds.

    ``phase`` in turns keeps containers from swinging together.
    """

    start: float
    cores: float
    memory: int
    period: float = 120.0
    phase: float = 0.0

    def at(self, time: float) -> Reading:
        """Return the integral of the load since the start, and the memory of the moment."""
        elapsed = max(0.0, time - self.start)
        spent = elapsed + self._swung(time) - self._swung(self.start) if elapsed else 0.0
        moved = 1 + _MEMORY_SWING * sin(_TURN * (time / (1.7 * self.period) + self.phase))
        return Reading(int(time * 1000), int(self.cores * spent * _SECOND), int(self.memory * moved))

    def _swung(self, time: float) -> float:
        """Return the integral of the two waves."""
        first, second = self.period / _TURN, self.period * _RATIO / _TURN
        return -_SWING * first * cos(time / first + _TURN * self.phase) - _SWING_AGAIN * second * cos(time / second)


@dataclass(frozen=True, slots=True)
class Steady:
    """Exactly ``nanocores`` of CPU and ``memory`` bytes all the time."""

    start: float
    nanocores: int
    memory: int

    def at(self, time: float) -> Reading:
        """Return the rate times the whole milliseconds since the start, so that rates come out exactly."""
        time_ms = int(time * 1000)
        return Reading(time_ms, self.nanocores * max(0, time_ms - int(self.start * 1000)) // 1000, self.memory)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A reading that never changes, whenever it is asked for."""

    start: float
    reading: Reading

    def at(self, time: float) -> Reading:
        """Return the reading."""
        return self.reading


class App(NamedTuple):
    """A kind of pod that people run: where, its name, and its containers as (name, cores, MiB)."""

    namespace: str
    name: str
    containers: tuple[tuple[str, float, int], ...]


APPS = (
    App("shop", "frontend", (("nginx", 0.06, 48),)),
    App("shop", "cart", (("cart", 0.11, 180), ("istio-proxy", 0.02, 52))),
    App("shop", "checkout", (("checkout", 0.18, 260), ("istio-proxy", 0.03, 55))),
    App("data", "postgresql", (("postgresql", 0.35, 900), ("exporter", 0.01, 18))),
    App("data", "redis", (("redis", 0.08, 320),)),
    App("search", "query-gateway", (("gateway", 0.14, 210),)),
    App("search", "indexer", (("indexer", 0.45, 1200),)),
    App("monitoring", "prometheus", (("prometheus", 0.22, 1400), ("config-reloader", 0.002, 14))),
    App("monitoring", "grafana", (("grafana", 0.04, 140),)),
    App("batch", "report-builder", (("job", 0.6, 400),)),
    App("ci", "runner", (("build", 0.7, 650), ("helper", 0.01, 24))),
    App("web", "blog", (("php-fpm", 0.09, 130), ("nginx", 0.02, 22))),
)
# Every node has these, as from a DaemonSet.
DAEMONS = (
    App("kube-system", "kube-proxy", (("kube-proxy", 0.008, 24),)),
    App("monitoring", "node-exporter", (("node-exporter", 0.012, 20), ("kube-rbac-proxy", 0.001, 15))),
)
NAMESPACES = tuple(sorted({app.namespace for app in (*APPS, *DAEMONS)}))


def wave(start: float, cores: float, memory: int, random: Callable[[], float]) -> Wave:
    """Return a usage of about this size; no two are alike."""
    size = 0.5 + random()
    return Wave(start, cores * size, int(memory * (0.7 + 0.6 * random())), 40 + 200 * random(), random())
