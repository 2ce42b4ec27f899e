"""The demo's screen, drawn on terminals of several sizes."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from kubevitals.cli import screens
from kubevitals.cli.screens import Hints, History, Scene, Sheet
from kubevitals.cli.usage import NodeRow, PodRow, Snapshot

GIB = 1 << 30
NODES = (
    NodeRow("laptop", 8.0, 16 * GIB, 4.0, 12 * GIB, 98.0),
    NodeRow("worker-1", 4.0, 16 * GIB, 0.05, 1 * GIB, 99.0),
    NodeRow("worker-2", 4.0, 16 * GIB),
)
PODS = tuple(PodRow("shop", f"cart-{i:02d}", 1.0 / (i + 1), (i + 1) << 20, ("cart", "proxy")) for i in range(40))
HINTS = Hints("/tmp/x/kubeconfig", ("kubectl top nodes", "kubectl top pods -A --sort-by=cpu"))
SCENE = Scene("kubevitals demo", "laptop", HINTS, 100.0)


def draw(what, width: int, *, terminal: bool = True) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=terminal, color_system="truecolor" if terminal else None
    )
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def lines(what, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        console.print(what)
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 12), (100, 30), (120, 40), (240, 70)])
def test_the_screen_fits_the_terminal(width, height):
    """No line is cut or wrapped, and there are no more lines than the terminal has."""
    drawn = lines(screens.live(Snapshot(NODES, PODS), History(), SCENE, Sheet(width, height)), width)
    assert len(drawn) <= max(height, 17)
    assert all(len(line) <= width for line in drawn)
    assert not any("…" in line for line in drawn)


def test_a_terminal_of_eighty_columns():
    """Bars, numbers and ages of every node stand in one line each."""
    table = screens.node_table(NODES, History(), SCENE, Sheet(80, 24))
    assert lines(table, 80) == [
        "NODE           CPU         CORES    %  MEMORY         USED    %  AGE",
        "laptop (here)  █████╌╌╌╌╌   4.00  50%  ███████▌╌╌   12 GiB  75%   2s",
        "worker-1       ▏╌╌╌╌╌╌╌╌╌    50m   1%  ▋╌╌╌╌╌╌╌╌╌  1.0 GiB   6%   1s",
        "worker-2       waiting         -    -  waiting           -    -    -",
    ]


def test_a_wide_terminal_shows_curves_and_containers():
    """Where there is room, nodes get a curve of their past and pods the names of their containers."""
    history = History()
    for time, cores in enumerate((0.0, 4.0, 8.0)):
        history.add(Snapshot((NODES[0]._replace(time=float(time), cores=cores),)))
    drawn = lines(screens.live(Snapshot(NODES, PODS), history, SCENE, Sheet(140, 40)), 140)
    assert "CPU OVER TIME" in drawn[2]
    assert drawn[3].endswith("▁▅█")
    assert "cart, proxy" in next(line for line in drawn if "cart-00" in line)


def test_plain_text_has_no_pictures_and_no_colors():
    """Where the output is no terminal there are words and numbers only."""
    what = screens.printed(Snapshot(NODES, PODS[:1]), SCENE, Sheet(160, pictures=False))
    drawn = draw(what, 160, terminal=False)
    assert drawn.isascii()
    assert "\x1b" not in drawn
    assert [line.split() for line in drawn.splitlines()][:2] == [
        ["NODE", "CPU", "%", "MEMORY", "%", "AGE"],
        ["laptop", "(here)", "4.00", "50%", "12", "GiB", "75%", "2s"],
    ]


def test_an_ascii_terminal_gets_ascii_bars():
    """A terminal without other characters still has bars."""
    drawn = lines(screens.live(Snapshot(NODES[:2], PODS[:2]), History(), SCENE, Sheet(120, 30, ascii_only=True)), 120)
    assert all(line.isascii() for line in drawn)
    assert "#####" in "".join(drawn)


def test_a_terminal_gets_colors():
    """Loads are coloured by how high they are."""
    assert "\x1b[33m75%" in draw(screens.node_table(NODES, History(), SCENE, Sheet(80, 24)), 80)


def test_what_does_not_fit_is_counted():
    """The screen says how many rows are missing."""
    many = tuple(NODES[1]._replace(name=f"n{i}") for i in range(30))
    drawn = lines(screens.live(Snapshot(many, PODS), History(), SCENE, Sheet(80, 24)), 80)
    assert "and 24 more nodes" in drawn
    assert "and 33 more pods" in drawn


@pytest.mark.parametrize(
    ("nodes", "pods", "height", "expected"),
    [(3, 40, 0, (3, 40)), (3, 40, 24, (3, 10)), (30, 2, 24, (11, 2)), (30, 40, 24, (6, 7)), (1, 1, 5, (1, 1))],
)
def test_rows_share_the_room(nodes, pods, height, expected):
    """Few nodes leave the room to pods, many nodes take half of it."""
    assert screens.rows_shown(nodes, pods, height) == expected


def test_problems_are_shown():
    """Why there are no metrics stands above the tables."""
    drawn = lines(screens.live(Snapshot(NODES, (), "503: service unavailable"), History(), SCENE, Sheet(80, 24)), 80)
    assert drawn[:2] == ["kubevitals demo", "503: service unavailable"]


def test_commands_can_be_copied():
    """The footer names the kubeconfig and each command in a line of its own."""
    assert lines(screens.footer(HINTS, "Try:"), 80) == [
        "Try:",
        "  export KUBECONFIG=/tmp/x/kubeconfig",
        "  kubectl top nodes",
        "  kubectl top pods -A --sort-by=cpu",
    ]


def test_a_history_remembers_each_measurement_once():
    """The same measurement seen twice is one value of the curve."""
    history = History()
    for _ in range(3):
        history.add(Snapshot(NODES))
    assert (list(history.of("laptop")), list(history.of("worker-2"))) == ([0.5], [])
