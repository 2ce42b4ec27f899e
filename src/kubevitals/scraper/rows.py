"""Samples in, one row of numbers out, or the reason why there is none. Pure."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from kubevitals.model import NodePoint
from kubevitals.scraper import lines
from kubevitals.scraper.lines import Key, Readings, Sample

_YEAR_2000: Final = 946_684_800  # seconds; nothing that Kubernetes runs was started or measured earlier
_DAY_MS: Final = 86_400_000
_UINT64: Final = 2.0**64
_INT64: Final = 2.0**63
_TIME_DIGITS: Final = 18  # longer ones are out of range, and int() is not linear in their number


class Row(NamedTuple):
    """One container's numbers, in the units of ``model.Batch``."""

    container: str
    time_ms: int
    cpu_ns: int
    memory: int
    start_ns: int


class UnusableError(ValueError):
    """Why samples make no point, in a few words."""


class Clock(NamedTuple):
    """How timestamps are read: the time of samples that have none, and the unit of those that have one."""

    requested_ms: int
    seconds: bool

    def time_ms(self, sample: Sample | None) -> int:
        """Return a sample's time in milliseconds.

        Raises:
            UnusableError: it lies before the year 2000 or more than a day after the request.
        """
        written = sample[1] if sample else None
        if written is None:
            return self.requested_ms
        time = self._read(written)
        if not _YEAR_2000 * 1000 <= time <= self.requested_ms + _DAY_MS:
            raise UnusableError("timestamp out of range")
        return int(time)

    def _read(self, written: str) -> float:
        if self.seconds:
            time = float(written) * 1000
            return round(time) if math.isfinite(time) else math.inf
        return int(written) if len(written) <= _TIME_DIGITS else math.inf


def container_row(readings: Readings, key: Key, clock: Clock) -> Row:
    """Return a container's row; its time is the CPU sample's, since CPU is what rates are computed of.

    Raises:
        UnusableError: CPU or memory is missing, zero or out of range, as metrics-server treats them.
    """
    families = readings.families
    cpu = families[lines.CONTAINER_CPU].get(key)
    cpu_ns = _cpu_ns(cpu)
    memory = _memory(families[lines.CONTAINER_MEMORY].get(key))
    start = families[lines.CONTAINER_START].get(key)
    return Row(key[2], clock.time_ms(cpu), cpu_ns, memory, _start_ns(start))


def node_point(readings: Readings, clock: Clock) -> NodePoint:
    """Return the node's point; the same rules as for a container.

    Raises:
        UnusableError: CPU or memory is missing, zero or out of range.
    """
    cpu = readings.families[lines.NODE_CPU].get(lines.NODE)
    cpu_ns = _cpu_ns(cpu)
    memory = _memory(readings.families[lines.NODE_MEMORY].get(lines.NODE))
    return NodePoint(clock.time_ms(cpu), cpu_ns, memory)


def _cpu_ns(sample: Sample | None) -> int:
    return _amount("cpu", sample, 1e9, _UINT64, "ns")


def _memory(sample: Sample | None) -> int:
    return _amount("memory", sample, 1.0, _INT64, "bytes")


def _amount(what: str, sample: Sample | None, scale: float, limit: float, unit: str) -> int:
    if sample is None:
        raise UnusableError(f"no {what}")
    value = float(sample[0])
    amount = value * scale
    if 1.0 <= amount < limit:
        return int(amount)
    raise UnusableError(f"{what} {_fault(value, amount, unit)}")


def _fault(value: float, amount: float, unit: str) -> str:
    if math.isnan(value):
        return "is NaN"
    if math.isinf(value):
        return "is infinite"
    if value <= 0:
        return "is negative" if value < 0 else "is 0"
    return f"rounds to 0 {unit}" if amount < 1.0 else "value out of range"


def _start_ns(sample: Sample | None) -> int:
    # KWOK prints an age where a time belongs; a start that cannot be one is unknown, not an error.
    seconds = float(sample[0]) if sample else 0.0
    return int(seconds * 1e9) if _YEAR_2000 <= seconds < _INT64 / 1e9 else 0
