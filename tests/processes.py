"""Child processes with a log file each, that never outlive the test run."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1
STARTED: list[Process] = []  # every process of this run, for the failure report


class Process:
    """One child, started by ``start`` and gone after ``stop``; its output goes to ``log``.

    Args:
        name: what the log and the failure report call it.
        argv: program and arguments.
        log: file that collects stdout and stderr; it is appended to, so a restart keeps what came before.
        environ: what is set in its environment besides ours.
    """

    def __init__(
        self, name: str, argv: Sequence[str | Path], log: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.argv = [str(word) for word in argv]
        self.log = log
        self._environ = dict(environ or {})
        self.started = 0.0  # seconds since the epoch
        self._child: subprocess.Popen[bytes] | None = None
        STARTED.append(self)

    @property
    def pid(self) -> int:
        """The process id of the running child."""
        assert self._child is not None, f"{self.name} was never started"
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the child has been started and has not ended."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start the child in a process group of its own, which dies with this process."""
        self.started = time.time()
        with self.log.open("ab") as out:
            self._child = subprocess.Popen(
                self.argv,
                env=os.environ | self._environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def stop(self, *, by: signal.Signals = signal.SIGTERM, within: float = 15) -> int | None:
        """Send a signal, and SIGKILL after ``within`` seconds; the exit code, or None if never started."""
        if self._child is None:
            return None
        if self._child.poll() is None:
            self._child.send_signal(by)
            try:
                self._child.wait(within)
            except subprocess.TimeoutExpired:
                self._child.kill()
        return self._child.wait(within)

    def require_running(self) -> None:
        """Raise with the end of the log when the child has ended."""
        if not self.running:
            raise EndedEarlyError(f"{self.name} has ended; its log ends:\n{self.tail()}")

    def tail(self, lines: int = 60) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class EndedEarlyError(Exception):
    """A process that a test needs has ended."""


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    """Start the processes in order, and stop them in the opposite one."""
    try:
        for process in processes:
            process.start()
        yield
    finally:
        for process in reversed(processes):
            process.stop()


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def eventually(probe: Callable[[], T], *, within: float, every: float = 0.2, needs: Sequence[Process] = ()) -> T:
    """Call ``probe`` until it returns something true, and return that.

    An AssertionError, OSError or LookupError of the probe means "not yet"; the last one is raised at the end.

    Args:
        probe: what to ask.
        within: seconds until giving up.
        every: seconds between two questions.
        needs: processes without which waiting is pointless.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            found = probe()
            assert found, f"still {found!r} after {within:g} s"
            return found
        except (AssertionError, OSError, LookupError):
            if time.monotonic() > deadline:
                raise
        for process in needs:
            process.require_running()
        time.sleep(every)


def _die_with_parent() -> None:
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
