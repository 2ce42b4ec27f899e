"""Memory management, told what this process is like: nearly everything lives as long as its node or pod."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Mapping

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_LARGE = 256 << 10  # bytes
# Rarer than the usual 700, 10, 10, as hardly anything here is ever part of a cycle; but a connection that fails is,
# with its buffers, and thousands of those should not wait for each other.
_THRESHOLDS = (2_000, 20, 100)


def settle() -> None:
    """Collect once, and spare whatever is there from now on.

    A full collection looks at every object while nothing else runs: with 5,000 nodes and 150,000 pods it takes 50 ms,
    in the middle of somebody's request. To be called when the nodes and pods are known and were scraped once; what is
    freed by its reference count, as all that comes and goes with them is, is freed as before.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


def return_large_blocks(environ: Mapping[str, str]) -> bool:
    """Let large blocks of memory go back to the system as soon as they are freed; return whether that could be set.

    By itself glibc raises the size from which it maps a block on its own to that of the largest that was freed, up to
    32 MiB. A few kubelets that answer megabytes then leave holes in the heap that are never given back: half as much
    again after a day of faults. With a fixed size they leave none (``make soak``).

    Args:
        environ: where an operator may have set ``MALLOC_MMAP_THRESHOLD_``, which then holds.
    """
    if "MALLOC_MMAP_THRESHOLD_" in environ or not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library, such as musl
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGE)) and bool(mallopt(_M_TRIM_THRESHOLD, _LARGE))
