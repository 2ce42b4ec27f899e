"""What a container runtime does with an image, by the kernel's own means, for a process that has new namespaces."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NAMESPACES = ("--mount-proc", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child")  # options of unshare
# As the Dockerfile sets it; a test holds the two together.
ENVIRONMENT = {
    "PATH": "/opt/kubevitals/bin",
    "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONFAULTHANDLER": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONSAFEPATH": "1",
    "PYTHONUNBUFFERED": "1",
}
_LIBC = ctypes.CDLL(None, use_errno=True)
_DEVICES = ("null", "zero", "full", "random", "urandom")
_WRITABLE = "size=16m,mode=1777,nosuid,nodev,noexec"
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1  # <linux/sockios.h>, <linux/if.h>
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38  # <linux/prctl.h>
_NOWHERE = "nameserver 192.0.2.53\n"  # RFC 5737: an address that nobody has, so that a question for a name is seen


@dataclass(frozen=True, slots=True)
class Container:
    """A root directory, mounted read-only.

    It can be entered only as the first process of its namespaces (``unshare`` with ``NAMESPACES``): they end with that
    process, and every mount with them.
    """

    root: Path

    def mount(self) -> None:
        """Mount what a runtime mounts: /proc, a small /tmp, devices, resolv.conf; then seal the root.

        Raises:
            CalledProcessError: the kernel does not allow it.
        """
        _mount("--bind", self.root, self.root)
        _mount("-t", "proc", "-o", "nosuid,nodev,noexec", "proc", self.root / "proc")
        self.empty_tmp()
        _mount("-t", "tmpfs", "-o", "size=64k,mode=755,nosuid,noexec", "tmpfs", self.root / "dev")
        for name in _DEVICES:
            (self.root / "dev" / name).touch()
            _mount("--bind", f"/dev/{name}", self.root / "dev" / name)
        (self.root / "etc/resolv.conf").write_text(_NOWHERE, encoding="ascii")
        _mount("-o", "remount,bind,ro", self.root)

    def empty_tmp(self) -> None:
        """Mount a new /tmp over the one there is, if any: no process finds what another one left."""
        _mount("-t", "tmpfs", "-o", _WRITABLE, "tmpfs", self.root / "tmp")

    def start(self, argv: Sequence[str], *, user: int = 1000, group: int = 1000) -> subprocess.Popen[str]:
        """Start a command in the root, as nobody in particular, and without any capability or a way to one."""
        return subprocess.Popen(
            argv,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: _confine(self.root, user, group),
        )

    def run(self, *argv: str, patience: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end.

        Raises:
            TimeoutExpired: it took more than ``patience`` seconds, and was killed.
        """
        with self.start(argv) as process:
            try:
                out, err = process.communicate(timeout=patience)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(argv, process.returncode, out, err)


def loopback_up() -> None:
    """Let processes of this network namespace reach each other, and still nobody else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def attempts_to_leave() -> int:
    """Return how often the kernel found no way for a packet of this network namespace, since it was made."""
    ip = [
        line.split()
        for line in Path("/proc/self/net/snmp").read_text(encoding="ascii").splitlines()
        if line.startswith("Ip:")
    ]
    six = dict(line.split() for line in Path("/proc/self/net/snmp6").read_text(encoding="ascii").splitlines())
    return int(dict(zip(*ip, strict=True))["OutNoRoutes"]) + int(six.get("Ip6OutNoRoutes", 0))


def _mount(*words: str | Path) -> None:
    subprocess.run(["mount", *map(str, words)], check=True, capture_output=True, text=True)


def _confine(root: Path, user: int, group: int) -> None:
    """Enter the root and give up every right; runs between fork and exec."""
    os.chroot(root)
    os.chdir("/")
    for capability in range(64):
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails above the last one that the kernel knows
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
