"""What the server holds: what may not grow with the number of requests."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import psutil

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PACKAGES = ("kubevitals.api", "aiohttp", "asyncio", "ssl", "_asyncio", "_ssl")


class Level(NamedTuple):
    """Memory at one moment: bytes, blocks of Python's allocator, and objects by class, tasks among them."""

    resident: int
    blocks: int
    kinds: Counter[str]


def level() -> Level:
    """Look at this process, in which server and callers live."""
    gc.collect()
    ours = (type(each) for each in gc.get_objects() if _of_the_server(each))
    kinds = Counter(f"{kind.__module__}.{kind.__qualname__}" for kind in ours)
    return Level(resident(), sys.getallocatedblocks(), kinds)


def _of_the_server(each: object) -> bool:
    if isinstance(each, asyncio.TimerHandle) and each.cancelled():  # the event loop drops these now and then
        return False
    return str(type(each).__module__).startswith(_PACKAGES)


def connections(port: int) -> int:
    """How many descriptors of this process belong to connections from or to a port of it."""
    held = psutil.Process().net_connections("tcp")
    return sum(1 for each in held if bool(each.raddr) and port in (each.laddr.port, each.raddr.port))


def resident() -> int:
    """The bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def grown(before: Level, after: Level, *, by: int) -> dict[str, int]:
    """Name the classes with more objects than before by more than a number."""
    return {name: more for name, count in after.kinds.items() if (more := count - before.kinds[name]) > by}
