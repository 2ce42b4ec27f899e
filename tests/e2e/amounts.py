"""Quantities as the tests read them, in integers, independent of the code under test. Pure."""

from __future__ import annotations

NANO = {"n": 1, "u": 10**3, "m": 10**6, "": 10**9}
BYTES = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def nanocores(text: str) -> int:
    """CPU such as ``149999999n``, ``150m`` or ``2``."""
    return _scaled(text, NANO)


def memory(text: str) -> int:
    """Memory such as ``65536Ki`` or ``123``, in bytes."""
    return _scaled(text, BYTES)


def _scaled(text: str, units: dict[str, int]) -> int:
    digits = text.rstrip("KMGinum")
    return int(digits) * units[text[len(digits) :]]
