"""Numbers as ``kubectl top`` writes them, and small curves. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_MILLICORE = 1_000_000  # nanocores
_MIB = 1 << 20
_SECOND = 1_000_000_000  # nanoseconds
_STEPS = "▁▂▃▄▅▆▇█"


def millicores(nanocores: int) -> str:
    """Return whole millicores, a remainder rounded up as kubectl does: ``250m``."""
    return f"{-(-nanocores // _MILLICORE)}m"


def mebibytes(amount: int) -> str:
    """Return whole MiB, a remainder cut off as kubectl does: ``64Mi``."""
    return f"{amount // _MIB}Mi"


def percent(part: int, whole: int) -> str:
    """Return whole percent, a remainder cut off as kubectl does; ``whole`` is not zero."""
    return f"{part * 100 // whole}%"


def age(seconds: float) -> str:
    """Return how long ago something was, in the greatest unit of which it has two: ``35s``, ``12m``, ``9d``."""
    seconds = max(0.0, seconds)
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= 2 * length:
            return f"{int(seconds / length)}{unit}"
    return f"{int(seconds)}s"


def window(nanoseconds: int) -> str:
    """Return the length of a window in seconds, with a decimal below ten."""
    seconds = nanoseconds / _SECOND
    return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"


def curve(values: Sequence[int]) -> str:
    """Return a column for each value, the newest at the right, from nothing to the greatest of them."""
    most = max(values, default=0) or 1
    return "".join(_STEPS[min(max(value, 0) * len(_STEPS) // most, len(_STEPS) - 1)] for value in values)
