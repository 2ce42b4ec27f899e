"""The garbage collector is told what lives long, and the allocator what does not."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from kubevitals.app import heap

LOOK = """
import gc
from kubevitals.app import heap
kept = [[number] for number in range(1000)]
cycle = []; cycle.append(cycle); del cycle
heap.settle()
print(gc.get_freeze_count() > 1000, gc.get_threshold()[2] >= 100, gc.collect())
"""
HOLES = """
import re, sys
from kubevitals.app import heap
if sys.argv[1:]:
    print(heap.return_large_blocks({}))
def held():
    return int(re.search(r"Private_Dirty: +([0-9]+)", open("/proc/self/smaps_rollup").read())[1])
before = held()
bytes(31 << 20)  # after the like of this, glibc takes the next ones from its heap
kept = []
for size in range(1, 40):
    large = bytearray(size << 19)
    kept.append(bytearray(50_000))  # something small that stays, above each of them
    del large
print(held() - before)
"""


FAILURES = """
import gc
from kubevitals.app import heap
heap.settle()
class Connection: pass
worst = 0
for number in range(20_000):
    failed = Connection()
    failed.buffer, failed.transport = bytearray(1 << 16), failed
    worst = max(worst, gc.get_count()[0])
print(worst)
"""


def test_failures_do_not_wait_for_each_other():
    """What is left of connections that failed, each a cycle with its buffers, is soon collected."""
    said = subprocess.run([sys.executable, "-c", FAILURES], capture_output=True, text=True, check=True, timeout=60)
    assert int(said.stdout) < 5000


def test_large_blocks_leave_no_holes():
    """What a few large answers took goes back to the system, though smaller things that came after them stay."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("this is about glibc's malloc")
    run = [sys.executable, "-c", HOLES]
    usual, told = (
        subprocess.run([*run, *more], capture_output=True, text=True, check=True, timeout=60).stdout.split()
        for more in ([], ["told"])
    )
    assert told[0] == "True"
    assert int(told[1]) < 4096 < int(usual[0])  # KiB


@pytest.mark.parametrize("environ", [{"MALLOC_MMAP_THRESHOLD_": "1048576"}])
def test_what_an_operator_set_holds(environ):
    """Whoever has measured their own threshold keeps it."""
    assert not heap.return_large_blocks(environ)


def test_what_lives_long_is_spared():
    """What is there is not looked at again, what was garbage is gone, and the collector runs less often."""
    said = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.split() == ["True", "True", "0"]
