"""The demo as a whole: the simulated cluster, the real server, and the screen."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import io
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from kubevitals.cli import demo
from kubevitals.cli.demo import Options

PROGRAM = Path(sys.executable).with_name("kubevitals")
PATIENCE = 60


def paper(width: int = 160) -> Console:
    return Console(file=io.StringIO(), width=width, color_system=None)


async def test_once_prints_true_tables():
    """Every node has numbers, this machine among them, and pods of it and of the simulated node are listed."""
    console = paper()
    code = await demo.run(Options(nodes=1, pods=2, resolution=1.0, once=True), demo.start_server, console)
    printed = console.file.getvalue()
    rows = [line.split() for line in printed.splitlines()]
    assert code == 0
    assert rows[0] == ["NODE", "CPU", "%", "MEMORY", "%", "AGE"]
    assert sum("(here)" in row for row in rows) == 1
    assert any(row[:1] == ["worker-1"] and row[-1].endswith("s") for row in rows)
    assert "kube-system" in {row[0] for row in rows if row}
    assert any(row[0].startswith("host-") for row in rows if row)


@contextlib.asynccontextmanager
async def nobody(argv, *, resolution):
    """A server that does not answer."""
    yield "127.0.0.1", 1


async def test_without_numbers_it_says_why(capsys):
    """When the server does not answer, the demo gives up with a sentence, the API's problem, and exit code 1."""
    console = paper()
    options = Options(nodes=1, pods=1, resolution=1.0, once=True, patience=0.5)
    assert await demo.run(options, nobody, console) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("kubevitals: not every node had metrics after 0 s.")
    assert "503" in complaint
    assert console.file.getvalue() == ""


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--resolution", "soon"], 'time: invalid duration "soon"'),
        (["--resolution", "10ms"], "10ms is too short, the least is 1s"),
        (["--nodes", "-1"], "-1 is not in the range"),
    ],
)
def test_options_that_cannot_be_used(argv, message):
    """A bad option is refused with exit code 2 before anything starts."""
    result = CliRunner().invoke(demo.demo, argv)
    assert (result.exit_code, message in result.output) == (2, True)


def test_a_server_that_fails_is_explained(capsys):
    """What was foreseen is one sentence, what was not is raised."""
    foreseen = ExceptionGroup("", [demo.KubevitalsError("the port is taken")])
    assert demo._explain(foreseen) == 1
    assert capsys.readouterr().err == "kubevitals: the port is taken\n"
    with pytest.raises(ExceptionGroup):
        demo._explain(ExceptionGroup("", [ValueError("a bug")]))


async def test_the_log_is_kept_out_of_the_way(tmp_path, capsys):
    """While the demo runs, what is logged goes to a file."""
    log = tmp_path / "log"
    with demo._logging_to(log):
        demo.logs.get("kubevitals.test").warning("Something is wrong", node="n1")
    demo._complain(60, "", log)
    assert 'Something is wrong" node="n1"' in capsys.readouterr().err


def test_ctrl_c_ends_the_screen_cleanly():
    """On a terminal the screen is drawn until Ctrl-C, which ends everything with exit code 0 and no traceback."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    argv = [PROGRAM, "demo", "--nodes=1", "--pods=2", "--resolution=1s"]
    environment = os.environ | {"TERM": "xterm-256color"}
    process = subprocess.Popen(argv, stdin=inside, stdout=inside, stderr=inside, env=environment)
    os.close(inside)
    seen = _read(terminal, until=r"worker-1\s+[█▉▊▋▌▍▎▏╌]")
    process.send_signal(signal.SIGINT)
    seen += _read(terminal)
    os.close(terminal)
    assert process.wait(PATIENCE) == 0, seen
    assert "KUBECONFIG=" in seen
    assert "the demo has ended" in seen
    assert "Traceback" not in seen


def _read(terminal: int, until: str = "") -> str:
    """Return what appears on a terminal, without colours, until a pattern is there or its program ends."""
    signal.alarm(PATIENCE)
    received = b""
    with contextlib.suppress(OSError):  # the program has ended
        while data := os.read(terminal, 65536):
            received += data
            if until and re.search(until, _without_colors(received)):
                break
    signal.alarm(0)
    return _without_colors(received)


def _without_colors(received: bytes) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", received.decode("utf-8", "replace"))


async def test_without_a_terminal_tables_are_printed(tmp_path):
    """Into a pipe the demo prints how to use kubectl, then tables, until it is told to end."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "demo", "--nodes=1", "--pods=2", "--resolution=1s", stdout=-1, stderr=-2
    )
    async with asyncio.timeout(PATIENCE):
        seen = [(await process.stdout.readline()).decode()]
        while "worker-1" not in seen[-1]:
            seen.append((await process.stdout.readline()).decode())
        process.send_signal(signal.SIGTERM)
        rest, _ = await process.communicate()
    assert process.returncode == 0
    assert seen[0] == "Try in another terminal:\n"
    assert "Traceback" not in rest.decode()
