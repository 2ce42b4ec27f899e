"""Whether work takes linear time: of inputs that are four times as long, none may take much more than four times."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable

_SIZES = (1 << 10, 1 << 12, 1 << 14, 1 << 16)  # bytes
_NOTHING = 0.25  # seconds that tell nothing about how time grows
_MOST = 9.0  # linear time grows fourfold from size to size, quadratic time sixteenfold
_RARELY = 64  # of so many inputs one is blown up

Work = Callable[[bytes], object]
Clock = Callable[[], float]


def check(work: Work, before: bytes, pump: bytes, after: bytes, *, clock: Clock = time.thread_time) -> None:
    """Assert that work takes linear time, however often the middle of an input is repeated.

    Args:
        work: takes the whole input.
        before: how the input begins.
        pump: what is repeated.
        after: how the input ends.
        clock: seconds of the processor's time.
    """
    last = math.inf
    for size in _SIZES:
        data = before + pump * (size // max(1, len(pump))) + after
        spent = _seconds(work, data, clock)
        if _grew(spent, last):
            spent = min(spent, _seconds(work, data, clock))  # a busy machine is no proof
        assert not _grew(spent, last), f"{len(data)} bytes took {spent:.3f} s, a quarter of them {last:.3f} s"
        last = spent


def check_some(work: Work, data: bytes) -> None:
    """Do the same for few of all inputs, with a part of them repeated; their checksum decides which."""
    checksum = zlib.crc32(data)
    if not data or checksum % _RARELY:
        return
    start = (checksum >> 6) % len(data)
    stop = start + 1 + (checksum >> 19) % 16
    check(work, data[:start], data[start:stop], data[stop:])


def _grew(spent: float, last: float) -> bool:
    return spent > _NOTHING and spent > _MOST * last


def _seconds(work: Work, data: bytes, clock: Clock) -> float:
    began = clock()
    work(data)
    return clock() - began
