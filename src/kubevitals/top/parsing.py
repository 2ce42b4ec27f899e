"""Quantities, times and durations as a cluster writes them; what cannot be read is not known. Pure."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from kubevitals.errors import QuantityError
from kubevitals.quantity import parse_cpu, parse_duration, parse_memory

# The same few requests, times and windows come back in thousands of pods.


@lru_cache(maxsize=16384)
def cpu(text: str | None) -> int | None:
    """Return nanocores, None for what is missing or no quantity."""
    try:
        return None if text is None else parse_cpu(text)
    except QuantityError:
        return None


@lru_cache(maxsize=16384)
def memory(text: str | None) -> int | None:
    """Return bytes, None for what is missing or no quantity."""
    try:
        return None if text is None else parse_memory(text)
    except QuantityError:
        return None


@lru_cache(maxsize=4096)
def moment(text: str | None) -> float | None:
    """Return seconds since the epoch of an RFC 3339 time, None for what is missing or no time."""
    try:
        return None if text is None else datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def window(text: str | None) -> int | None:
    """Return nanoseconds of a Go duration, None for what is missing or none."""
    try:
        return None if text is None else parse_duration(text)
    except QuantityError:
        return None
