"""What an image must do, tried on its root directory: ``checks.py ROOT``, run by ``try`` in namespaces of its own."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from container import Container, attempts_to_leave, loopback_up
from serving import CheckFailedError, expect, serve

# The arguments of metrics-server's manifests, and what stands in for the cluster.
_UPSTREAM = (
    "--cert-dir=/tmp",
    "--secure-port=10250",
    "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
    "--kubelet-use-node-status-port",
    "--metric-resolution=15s",
)
_SOME_USER = 1000650000  # as OpenShift gives them to namespaces: no account has it
_UNWANTED = set("pip pip3 cc gcc ld as make sh bash dash busybox apt dpkg perl curl".split())  # noqa: SIM905 - a list of words
_LEAVE = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 9))"


def contents(container: Container) -> str:
    """Nothing to build or install with, no shell, nothing set-uid, nothing to write but /tmp, byte code for all."""
    expect(bool(os.statvfs(container.root).f_flag & os.ST_RDONLY), "the root file system can be written")
    sources, compiled = 0, 0
    for path in _walk(container.root):
        mode, name = path.lstat().st_mode, f"/{path.relative_to(container.root)}"
        expect(path.is_dir() or path.name not in _UNWANTED, f"{name} is in the image")
        expect(not mode & (stat.S_ISUID | stat.S_ISGID), f"{name} is set-uid or set-gid")
        expect(path.is_symlink() or not mode & 0o022 or name == "/tmp", f"{name} can be written by others")
        sources += path.suffix == ".py"
        compiled += path.suffix == ".pyc"
    expect(sources == compiled, f"{sources} sources, but {compiled} files of byte code")
    return f"{sources} modules, all compiled"


def explains_itself(container: Container) -> str:
    """``serve --help`` lists the flags, and the command without arguments lists the commands, without any network."""
    expect("--kubelet-insecure-tls" in _succeeds(container, "kubevitals", "serve", "--help"), "the flags are missing")
    expect("serve" in _succeeds(container, "kubevitals", "--help"), "the commands are missing")
    return "serve --help and --help, without a network"


def refuses_bad_flags(container: Container) -> str:
    """A wrong flag, given as metrics-server's image takes it, is told in a line, with exit code 2."""
    done = container.run("kubevitals", "--no-such-flag")
    expect(done.returncode == 2, f"exit code {done.returncode}: {done.stderr}")
    expect(done.stderr == "kubevitals: unknown flag: --no-such-flag\n", f"it said: {done.stderr}")
    return "exit code 2 and one line"


def measures(container: Container) -> str:
    """The demo, which is the whole server with a cluster around it, serves every node with loopback alone."""
    started = time.monotonic()
    out = _succeeds(container, "kubevitals", "demo", "--once")
    expect("That was one look." in out, f"it printed: {out[-400:]}")
    return f"demo --once in {time.monotonic() - started:.1f} s"


def serves(container: Container) -> str:
    """With the arguments of metrics-server's manifests, and its command, it serves until it is told to end."""
    return serve(container, ["/metrics-server", *_UPSTREAM], user=1000, group=1000)


def serves_as_anybody(container: Container) -> str:
    """It needs no account: the user may be any number, as OpenShift has it."""
    return serve(container, ["kubevitals", *_UPSTREAM], user=_SOME_USER, group=0)


def stays_inside(container: Container) -> str:
    """Nothing of all that tried to reach anybody; one packet that does try shows that it would have been seen."""
    before = attempts_to_leave()
    container.run("python", "-c", _LEAVE)
    expect(attempts_to_leave() > before, "an attempt to leave was not seen, so this check proves nothing")
    expect(before == 0, f"{before} attempts to leave the network namespace")
    return "no attempt to leave the network namespace"


OFFLINE: tuple[Callable[[Container], str], ...] = (contents, explains_itself, refuses_bad_flags)
LOOPBACK: tuple[Callable[[Container], str], ...] = (measures, serves, serves_as_anybody, stays_inside)


def main() -> int:
    """Try everything, and say how each went; return 0 if all was well, 2 if the root could not be entered."""
    container = Container(Path(sys.argv[1]))
    try:
        container.mount()
    except subprocess.CalledProcessError as error:
        print(f"try: the kernel does not allow to mount the root directory: {error.stderr.strip()}", file=sys.stderr)
        return 2
    results = [_tried(check, container) for check in OFFLINE]
    loopback_up()
    results += [_tried(check, container) for check in LOOPBACK]
    print(f"{sum(results)} of {len(results)} checks passed.")
    return 0 if all(results) else 1


def _tried(check: Callable[[Container], str], container: Container) -> bool:
    name = check.__name__.replace("_", " ")
    try:
        print(f"passed  {name}: {check(container)}", flush=True)
    except (CheckFailedError, subprocess.TimeoutExpired) as error:
        print(f"FAILED  {name}: {error}", flush=True)
        return False
    return True


def _succeeds(container: Container, *argv: str) -> str:
    done = container.run(*argv)
    expect(done.returncode == 0, f"{' '.join(argv)}: exit code {done.returncode}: {done.stderr}")
    return done.stdout


def _walk(root: Path) -> Iterator[Path]:
    mounted = {root / name for name in ("proc", "dev", "tmp")}
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = [name for name in folders if here / name not in mounted]
        yield from (here / name for name in [*folders, *files])


if __name__ == "__main__":
    sys.exit(main())
