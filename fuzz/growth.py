"""Whether work takes linear time: of inputs that are four times as long, none may take much more than four times."""

from __future__ import annotations

import gc
import itertools
import time
import zlib
from collections.abc import Callable, Sequence

_SIZES = (1 << 8, 1 << 10, 1 << 12, 1 << 14, 1 << 16)  # bytes
_NOTHING = 0.25  # seconds that tell nothing about how time grows
_MOST = 8.0  # linear time grows fourfold from size to size, quadratic time sixteenfold
_RUNS = 5  # of which the least counts
_RARELY = 64  # of so many inputs one is blown up

Work = Callable[[bytes], object]
Clock = Callable[[], float]


def check(work: Work, before: bytes, pump: bytes, after: bytes, *, clock: Clock = time.thread_time) -> None:
    """Assert that work takes linear time, however often the middle of an input is repeated.

    Whatever slows a machine down for a while makes one run long. So what looks like growth is measured again, several
    times, and has to show in two steps from size to size, one after the other.

    Args:
        work: takes the whole input.
        before: how the input begins.
        pump: what is repeated.
        after: how the input ends.
        clock: seconds of the processor's time.
    """
    inputs = [before + pump * (size // max(1, len(pump))) + after for size in _SIZES]
    first = [_seconds(work, data, clock) for data in inputs[:2]]
    for three in zip(inputs, inputs[1:], inputs[2:], strict=False):
        first.append(_seconds(work, three[-1], clock))
        if first[-1] <= _NOTHING or not _grew(first[-2:]):
            continue
        runs = [[_seconds(work, data, clock) for data in three] for _ in range(_RUNS)]
        least = [min(column) for column in zip(*runs, strict=True)]
        told = ", a quarter of them ".join(f"{spent:.4f} s" for spent in reversed(least))
        assert least[-1] <= _NOTHING or not _grew(least), f"{len(three[-1])} bytes took {told}"


def check_some(work: Work, data: bytes) -> None:
    """Do the same for few of all inputs, with a part of them repeated; their checksum decides which."""
    checksum = zlib.crc32(data)
    if not data or checksum % _RARELY:
        return
    start = (checksum >> 6) % len(data)
    stop = start + 1 + (checksum >> 19) % 16
    check(work, data[:start], data[start:stop], data[stop:])


def _grew(spent: Sequence[float]) -> bool:
    return all(more > _MOST * less for less, more in itertools.pairwise(spent))


def _seconds(work: Work, data: bytes, clock: Clock) -> float:
    collects = gc.isenabled()
    gc.disable()  # its time depends on what else there is
    try:
        began = clock()
        work(data)
        return clock() - began
    finally:
        if collects:
            gc.enable()
