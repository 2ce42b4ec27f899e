"""The garbage collector is told once what lives long."""

from __future__ import annotations

import subprocess
import sys

LOOK = """
import gc
from kubevitals.app import heap
kept = [[number] for number in range(1000)]
cycle = []; cycle.append(cycle); del cycle
heap.settle()
print(gc.get_freeze_count() > 1000, gc.get_threshold()[0] > 10_000, gc.collect())
"""


def test_what_lives_long_is_spared():
    """What is there is not looked at again, what was garbage is gone, and the collector runs less often."""
    said = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.split() == ["True", "True", "0"]
