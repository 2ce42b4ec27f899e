"""The program as it is started: help, problems, signals."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kubevitals.cli import COMMANDS

PROGRAM = Path(sys.executable).with_name("kubevitals")


def run(*argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *argv], capture_output=True, text=True, timeout=30, check=False, env={"HOME": "/", **environ}
    )


def test_help_lists_the_flags_in_groups():
    """The help of serve is metrics-server's, and fits a terminal."""
    found = run("serve", "--help")
    assert found.returncode == 0
    assert "--kubelet-insecure-tls" in found.stdout
    assert max(map(len, found.stdout.splitlines())) <= 100


def test_every_problem_is_told_at_once():
    """Unknown and contradictory flags: one line each, exit code 2, and nothing else."""
    found = run("serve", "--nope", "--metric-resolution=5s", "--kubelet-port=abc")
    assert found.returncode == 2
    assert found.stdout == ""
    assert [line.split(": ")[0] for line in found.stderr.splitlines()] == ["kubevitals"] * 3
    assert "unknown flag: --nope" in found.stderr
    assert "at least 10s, but value 5s provided" in found.stderr


def test_flags_alone_mean_serve():
    """Manifests start metrics-server's image with flags alone; what they give is told as serve tells it."""
    flags = ["--kubelet-insecure-tls", "--nope", "--metric-resolution=5s"]
    found = run(*flags)
    assert found.returncode == 2
    assert found.stderr == run("serve", *flags).stderr != ""


def test_the_help_without_a_command_lists_the_commands():
    """The program's own flags are not serve's."""
    found = run("--help")
    assert found.returncode == 0
    assert all(f"  {command} " in found.stdout for command in COMMANDS)
    assert found.stdout == run("-h").stdout


@pytest.mark.parametrize("argv", [["serve", "--version"], ["--version"]])
def test_version(argv: list[str]):
    """Both spellings name the version."""
    found = run(*argv)
    assert found.returncode == 0
    assert found.stdout.startswith("kubevitals ")


def test_without_a_cluster_it_says_what_to_do():
    """Outside a pod and without a kubeconfig there is one line with the remedy, and no traceback."""
    found = run("serve", "--cert-dir=/nonexistent/x")
    assert found.returncode == 2
    assert "name a kubeconfig with --kubeconfig" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_port_that_is_taken_is_told(tmp_path):
    """The message names the port, who may hold it, and the flag to change."""
    import socket

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        found = run(
            "serve", f"--secure-port={port}", "--bind-address=127.0.0.1", f"--cert-dir={tmp_path}",
            f"--kubeconfig={kubeconfig(tmp_path)}",
        )  # fmt: skip
    assert found.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in found.stderr
    assert "--secure-port" in found.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_even_while_the_api_server_is_down(tmp_path, number):
    """It starts without an API server, and ends with 0 when it is told to."""
    argv = [
        PROGRAM, "serve", "--bind-address=127.0.0.1", "--secure-port=28431", "--permit-port-sharing",
        f"--cert-dir={tmp_path}", f"--kubeconfig={kubeconfig(tmp_path)}",
    ]  # fmt: skip
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        lines = []
        for line in server.stderr:
            lines.append(line)
            if '"Serving"' in line:
                break
        server.send_signal(number)
        rest = server.stderr.read()
        assert server.wait(20) == 0
    assert "Shutting down" in rest
    assert "Traceback" not in rest


def kubeconfig(folder: Path) -> Path:
    """A kubeconfig for an API server that nobody runs."""
    path = folder / "kubeconfig"
    path.write_text(
        "{clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: u, user: {token: t}}],"
        " contexts: [{name: x, context: {cluster: c, user: u}}], current-context: x}"
    )
    return path


def test_an_unknown_command_is_told():
    """A mistyped command is the caller's mistake."""
    assert run("srve").returncode == 2


def test_serve_does_not_load_the_terminal():
    """What draws screens costs memory that a server has no use for."""
    code = "import sys; import kubevitals.cli.serve; print([m for m in ('rich', 'psutil') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert found.stdout.strip() == "[]"
