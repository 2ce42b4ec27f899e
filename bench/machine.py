"""What a result says about the machine: what its figures depend on, and nothing by which it could be found."""

from __future__ import annotations

import os
import platform
import ssl
import subprocess
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
    }


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
