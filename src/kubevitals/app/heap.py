"""The garbage collector, told what this process is like: nearly everything lives as long as its node or pod."""

from __future__ import annotations

import gc

# Objects that came and were not freed by their counts; of the young (50,000) a cycle of 5,000 nodes leaves few.
_THRESHOLDS = (50_000, 20, 100)


def settle() -> None:
    """Collect once, and spare whatever is there from now on.

    A full collection looks at every object while nothing else runs: a quarter of a second with 5,000 nodes, in the
    middle of somebody's request. To be called when the nodes and pods are known and were scraped once; what is freed by
    its reference count, as all that comes and goes with them is, is freed as before.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
