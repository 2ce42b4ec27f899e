"""The program as it is started to print manifests."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from kubevitals.manifests import Options, page

RUN = "from kubevitals.cli import main; main()"


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", RUN, "manifests", *argv]
    return subprocess.run(
        words, capture_output=True, text=True, timeout=30, check=False, env={"PYTHONPATH": ":".join(sys.path)}
    )


def test_it_prints_the_page_and_nothing_else() -> None:
    """Standard output is YAML to the last byte."""
    found = run("--replicas=2", "--pins", "--arg=--v=2", "--arg", "--logging-format=json")
    options = Options(replicas=2, pins=True, arg=("--v=2", "--logging-format=json"))
    assert (found.returncode, found.stdout, found.stderr) == (0, page(options), "")
    assert len(list(yaml.safe_load_all(found.stdout))) == 15


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--replicas=0",), "0 is not in the range"),
        (("--replicas=two",), "not a valid integer"),
        (("--no-such-option",), "No such option"),
        (("--metric-resolution=9s",), "at least 10s"),
        (("--name=A", "--image="), "--image"),
        (("--arg=--nope",), "unknown flag: --nope"),
    ],
)
def test_a_bad_value_is_told_and_nothing_is_printed(argv: tuple[str, ...], words: str) -> None:
    """Exit code 2, an explanation on standard error, and no half a page to apply by mistake."""
    found = run(*argv)
    assert (found.returncode, found.stdout) == (2, "")
    assert words in found.stderr
    assert "Traceback" not in found.stderr


def test_it_loads_neither_server_nor_screens() -> None:
    """Printing text takes a moment, not the time that the whole server takes to load."""
    argv = [sys.executable, "-c", "import sys, kubevitals.cli.manifests; print(*sys.modules)"]
    loaded = subprocess.run(
        argv, capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    ).stdout.split()
    assert {"aiohttp", "rich", "kubevitals.app"}.isdisjoint(loaded)
    assert "kubevitals.manifests" in loaded
