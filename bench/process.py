"""Child processes that never outlive this one, and what the kernel says a process has cost."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_PATIENCE = 15.0  # seconds for a child to end by itself
_KIB = 1024


class BenchError(Exception):
    """The benchmark cannot go on, for a reason that a person can do something about."""


class Child:
    """A program, run while a ``with`` block is.

    Args:
        name: what messages call it.
        argv: program and arguments.
        log: where its standard error goes, and its standard output unless ``talks``.
        talks: keep its standard output, for ``line``. Its standard input ends when this process does.
    """

    def __init__(self, name: str, argv: Sequence[str], log: Path, *, talks: bool = False) -> None:
        self._name = name
        self._log = log
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if talks else out,
                stderr=out,
                start_new_session=True,  # a Ctrl-C is for this process, which ends its children itself
                preexec_fn=_die_with_parent,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._popen.terminate()
        try:
            self._popen.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        for stream in (self._popen.stdin, self._popen.stdout):
            if stream is not None:
                stream.close()

    def line(self) -> bytes:
        """Return the next line that it prints.

        Raises:
            BenchError: it has ended instead.
        """
        assert self._popen.stdout is not None
        found: bytes = self._popen.stdout.readline()
        if not found:
            self._popen.wait()
            self.require()
        return found

    def require(self) -> None:
        """Raise unless it is still running.

        Raises:
            BenchError: with the end of its log.
        """
        if self._popen.poll() is not None:
            tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])
            raise BenchError(f"{self._name} ended with exit code {self._popen.returncode}; its log ends:\n{tail}")


class Memory(NamedTuple):
    """Bytes: the proportional set, the resident set, and the largest that the latter ever was."""

    pss: int
    rss: int
    peak: int


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that all threads of a process have taken, in nanosecond steps.

    A process has a clock of its own; its number follows from the process id (Linux, clock_getcpuclockid).

    Raises:
        BenchError: there is no such process.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError as error:
        raise BenchError(f"process {pid} cannot be measured: it is gone") from error


def memory(pid: int) -> Memory:
    """Return what a process holds.

    Raises:
        BenchError: there is no such process, or it belongs to somebody else.
    """
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError as error:
        raise BenchError(f"the memory of process {pid} cannot be read: {error.strerror}") from error
    return Memory(_field(rollup, "Pss:"), _field(rollup, "Rss:"), _field(status, "VmHWM:"))


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _field(text: str, name: str) -> int:
    return next(int(line.split()[1]) * _KIB for line in text.splitlines() if line.startswith(name))


def _die_with_parent() -> None:
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
