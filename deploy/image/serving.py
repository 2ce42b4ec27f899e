"""The server in a container: started as manifests start it, until it answers, and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

from container import Container

_LIVEZ = "https://127.0.0.1:10250/livez"
_KUBECONFIG = """
current-context: c
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
"""
_PATIENCE = 30.0  # seconds until the server must answer, or end


class CheckFailedError(Exception):
    """The image did not do what it must; the text says what it did."""


def expect(holds: bool, otherwise: str) -> None:
    """Raise CheckFailedError with the text, unless it holds."""
    if not holds:
        raise CheckFailedError(otherwise)


def serve(container: Container, argv: list[str], *, user: int, group: int) -> str:
    """Start it with an API server that is not there, await its answer, tell it to end; return what it took.

    Raises:
        CheckFailedError: it did not answer, did not end well, or had a right that it does not need.
    """
    container.empty_tmp()
    (container.root / "tmp/kubeconfig").write_text(_KUBECONFIG, encoding="ascii")
    started = time.monotonic()
    with container.start([*argv, "--kubeconfig=/tmp/kubeconfig"], user=user, group=group) as server:
        answered = _answers(server)
        seconds = time.monotonic() - started
        status = _status(container, server.pid) if answered else {}
        cpu = _cpu(container, server.pid) if answered else 0.0
        log = _end(server)
    expect(answered, f"{_LIVEZ} was not answered; the log: {log}")
    expect(server.returncode == 0, f"exit code {server.returncode} after SIGTERM; the log: {log}")
    _expect_confined(status, user)
    resident = int(status["VmRSS"].split()[0]) / 1024
    return f"uid {user}, answers after {seconds:.2f} s ({cpu:.2f} s of CPU), resident {resident:.1f} MiB"


def _end(server: subprocess.Popen[str]) -> str:
    """Tell it to end, and make it end if it does not; return its log."""
    server.send_signal(signal.SIGTERM)
    try:
        return server.communicate(timeout=_PATIENCE)[1]
    except subprocess.TimeoutExpired:
        server.kill()
        return server.communicate()[1]


def _answers(server: subprocess.Popen[str]) -> bool:
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    deadline = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError), urllib.request.urlopen(_LIVEZ, context=unverified) as answer:
            return bool(answer.read() == b"ok")
        time.sleep(0.01)
    return False


def _expect_confined(status: Mapping[str, str], user: int) -> None:
    expect(status["Uid"].split() == [str(user)] * 4, f"it runs as {status['Uid']}")
    rights = {name: value for name, value in status.items() if name.startswith("Cap")}
    expect(len(rights) == 5 and not any(int(value, 16) for value in rights.values()), f"it has rights: {rights}")
    expect(status["NoNewPrivs"] == "1", "it may get new rights")


def _status(container: Container, pid: int) -> dict[str, str]:
    lines = (container.root / f"proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _cpu(container: Container, pid: int) -> float:
    """Return the seconds of CPU that a process has used; the 14th and 15th field, see proc_pid_stat(5)."""
    fields = (container.root / f"proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
