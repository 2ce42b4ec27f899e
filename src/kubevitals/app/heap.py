"""The garbage collector, told what this process is like: nearly everything lives as long as its node or pod."""

from __future__ import annotations

import gc

_THRESHOLDS = (50_000, 20, 100)  # rarer than the usual 700, 10, 10: hardly anything here is ever part of a cycle


def settle() -> None:
    """Collect once, and spare whatever is there from now on.

    A full collection looks at every object while nothing else runs: with 5,000 nodes and 150,000 pods it takes 50 ms,
    in the middle of somebody's request. To be called when the nodes and pods are known and were scraped once; what is
    freed by its reference count, as all that comes and goes with them is, is freed as before.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
