"""The whole benchmark at a size that takes seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench.__main__ import main
from bench.fleet import Paths
from bench.results import columns, load
from bench.table import SECTIONS, table

NODES = 5
SMALL = (f"--nodes={NODES}", "--resolution=500ms", "--runs=1", "--cycles=1", "--samples=3")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What it printed, and the results it kept."""
    kept = tmp_path_factory.mktemp("bench") / "results" / "small.json"
    argv = [sys.executable, "-m", "bench", "whole", *SMALL, f"--output={kept}"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, kept


def test_every_figure_of_the_table_is_measured(measured: tuple[str, Path]):
    """No row of the table is empty, and no figure is measured for nothing."""
    [column] = columns(load(measured[1]))
    shown = {row.name for _, rows in SECTIONS for row in rows}
    assert shown - column.medians.keys() == set()
    assert column.nodes == NODES
    assert "–" not in measured[0]


def test_a_small_cluster_is_scraped_and_served(measured: tuple[str, Path]):
    """Nothing fails or is missed, and what costs something is above 0."""
    [column] = columns(load(measured[1]))
    found = column.medians
    assert [found[name] for name in ("missed", "failed", "first_missed", "first_failed")] == [0, 0, 0, 0]
    assert min(found[name] for name in ("cpu_cycle", "pss", "first_seconds", "get_node_p50", "get_node_rate")) > 0
    assert found["pods_bytes"] > found["namespace_bytes"] > found["selector_bytes"] > 0


def test_kept_results_print_the_same_table(measured: tuple[str, Path], capsys: pytest.CaptureFixture[str]):
    """The table can be had again from the file, which says nothing about where it was measured."""
    printed, kept = measured
    assert table(load(kept)) in printed
    assert main(["table", f"--output={kept}"]) == 0
    assert capsys.readouterr().out.strip() in printed
    assert str(Path.home()) not in kept.read_text()


def test_the_table_fits_a_terminal(measured: tuple[str, Path]):
    """No line is wider than a hundred columns."""
    assert [line for line in measured[0].splitlines() if len(line) > 100 and "kept in" not in line] == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--nodes", "many"], "'many' is no whole number above 0"),
        (["--resolution", "15"], "'15' is no duration such as 15s"),
        (["--resolution", "1ms"], "1ms is less than 500ms"),
        (["--containers", "7"], "7 containers are more than 6"),
        (["--nodes", "999999"], "999999 nodes are more than 15000"),
        (["--against", "https://localhost:1"], "--against URL and --pid PID belong together"),
        (["--against", "https://localhost:1", "--pid", "1"], "--against needs --fleet DIRECTORY"),
        (["--against", "ftp://localhost:1", "--pid", "1", "--fleet", "."], "'ftp://localhost:1' is no https URL"),
        (["table"], "table needs --output FILE"),
        (["tables"], "invalid choice: 'tables'"),
    ],
)
def test_an_argument_that_cannot_be_used_is_explained(args: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    """A wrong argument ends with exit code 2 and one sentence."""
    assert main(args) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1


def test_a_fleet_that_is_not_there_is_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Results and fleets that cannot be read end with exit code 1 and a sentence."""
    other = ("whole", "--against=https://127.0.0.1:1", "--pid=1", f"--fleet={tmp_path}")
    for args, said in ((other, "no fleet runs in"), (("table", f"--output={tmp_path / 'x'}"), "holds no results")):
        assert main(args) == 1
        assert said in capsys.readouterr().err


def test_the_flags_of_both_scrapers_differ_in_their_kubeconfig_only(tmp_path: Path):
    """The token says who scrapes, so that each server is charged with its own scrapes."""
    ours, other = Paths(tmp_path).flags("ours"), Paths(tmp_path).flags("other")
    assert {flag.partition("=")[0] for flag in set(ours) ^ set(other)} == {
        "--kubeconfig",
        "--authentication-kubeconfig",
        "--authorization-kubeconfig",
    }
