"""What a result says about the machine: what its figures depend on, and nothing by which it could be found."""

from __future__ import annotations

import os
import platform
import ssl
import subprocess
import time
import zlib
from importlib import metadata
from pathlib import Path

from kubevitals import __version__


def facts() -> dict[str, str | int]:
    """Return processor, kernel and versions."""
    return {
        "kubevitals": __version__,
        "revision": _revision(),
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "system": platform.system(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "uvloop": _version("uvloop"),
        "isal": _version("isal"),
    }


def pace() -> float:
    """Return how many seconds of CPU a million steps of plain Python take, here and now.

    Machines that are shared change their speed by half within the hour, and an interpreter that was built without
    profile-guided optimisation needs a third more than those of distributions and images do. Figures of two runs can
    be compared as far as this one is the same.
    """
    began, total = time.process_time(), 0
    for number in range(1_000_000):
        total += number & 3
    return time.process_time() - began


def _version(distribution: str) -> str:
    """Return which version is installed, empty for none."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _revision() -> str:
    """Return the commit, empty outside of a checkout."""
    try:
        done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()
