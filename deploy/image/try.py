"""Makes the root directory of the image as the Dockerfile does, and tries it without a container engine."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from container import NAMESPACES

_HERE = Path(__file__).parent
_NEEDED = ("unshare", "mount", "ldd", "ldconfig", "tar")


def main() -> int:
    """Return 0 if the image does what it must, 1 if it does not, 2 if that cannot be found out here."""
    parser = argparse.ArgumentParser(prog="deploy/image/try", description=__doc__)
    parser.add_argument(
        "--root", type=Path, help="a root directory that install.sh has made; else one is made and removed"
    )
    chosen = parser.parse_args()
    problem = _problem()
    if problem:
        print(f"try: {problem}", file=sys.stderr)
        return 2
    if chosen.root:
        return _check(chosen.root.resolve())
    with tempfile.TemporaryDirectory(prefix="kubevitals-image-") as folder:
        root = Path(folder, "root")
        if subprocess.run([_HERE / "install.sh", root], check=False).returncode:
            print("try: the root directory could not be made; the lines above say why.", file=sys.stderr)
            return 1
        return _check(root)


def _problem() -> str:
    """Return why this machine cannot run an image's root directory, or nothing."""
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        return f"this machine lacks {', '.join(missing)}; on Debian: apt-get install util-linux mount libc-bin tar."
    if os.geteuid() != 0:
        return "only root may mount and change the root directory; run it with sudo, or in a virtual machine."
    made = subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"the kernel, or the container this runs in, allows no new namespaces: {made.stderr.strip()}"
    return ""


def _check(root: Path) -> int:
    _print_sizes(root)
    return subprocess.run(["unshare", *NAMESPACES, sys.executable, _HERE / "checks.py", root], check=False).returncode


def _print_sizes(root: Path) -> None:
    prefix = root / "opt/kubevitals"
    for what, path in (("the image", root), ("the installed packages in it", prefix)):
        print(f"size    {what}: {_size(path) / 2**20:.1f} MiB")


def _size(folder: Path) -> int:
    return sum(Path(at, name).lstat().st_size for at, _, names in os.walk(folder) for name in names)


if __name__ == "__main__":
    sys.exit(main())
