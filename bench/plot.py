"""``make plot``: what kubevitals costs against the number of nodes, from kept results, as SVG and PNG.

matplotlib draws it, which nothing else needs: ``make plot`` installs it (requirements/plot.txt).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.process import BenchError
from bench.results import Column, Results, columns, load
from bench.table import UPSTREAM, UPSTREAM_NODES

_OURS, _THEIRS, _FAINT = "#326ce5", "#b5532b", "#888888"
_DPI = 160
# Nothing that differs from one drawing to the next: no dates, and identifiers from a fixed salt.
_STYLE = {
    "svg.hashsalt": "kubevitals",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
}


def draw(results: Results, directory: Path) -> list[Path]:
    """Write ``performance.svg`` and ``performance.png``, and return their paths.

    Raises:
        BenchError: matplotlib is not there, or there is nothing to draw.
    """
    ours = [column for column in columns(results) if column.server == "ours"]
    if not ours:
        raise BenchError("the results hold no size")
    matplotlib = _matplotlib()
    with matplotlib.rc_context(_STYLE):
        figure = importlib.import_module("matplotlib.figure").Figure(figsize=(8.4, 3.6), layout="constrained")
        cpu, memory = figure.subplots(1, 2)
        _panel(cpu, "CPU in steady state (mcore)", ours, "cpu_mcore", float)
        _panel(memory, "Memory (PSS, MiB)", ours, "pss", lambda value: value / 2**20)
        cpu.legend(frameon=False, loc="upper left", fontsize=9)
        figure.supxlabel(_conditions(results), fontsize=9, color=_FAINT)
        svg, png = directory / "performance.svg", directory / "performance.png"
        figure.savefig(svg, metadata={"Date": None, "Creator": None})
        figure.savefig(png, dpi=_DPI, metadata={"Software": None})
    return [svg, png]


def _panel(axes: Any, title: str, ours: Sequence[Column], name: str, unit: Callable[[float], float]) -> None:
    nodes, values = [column.nodes for column in ours], [unit(column.medians[name]) for column in ours]
    theirs, most = unit(UPSTREAM[name]), max(*nodes, UPSTREAM_NODES)
    axes.plot([0, most], [0, theirs * most / UPSTREAM_NODES], ":", color=_THEIRS, lw=1, label="in proportion to it")
    axes.plot([UPSTREAM_NODES], [theirs], "s", color=_THEIRS, label="metrics-server 0.8.1, 1,000 nodes")
    axes.plot(nodes, values, "o-", color=_OURS, lw=2, label="kubevitals")
    for x, y in zip(nodes, values, strict=True):
        axes.annotate(f"{y:,.0f}", (x, y), (0, -14), textcoords="offset points", ha="center", fontsize=9, color=_OURS)
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlim(0, most * 1.06)
    axes.set_ylim(-0.07 * theirs * most / UPSTREAM_NODES, None)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:,.0f}")


def _conditions(results: Results) -> str:
    size, machine = results["sizes"][0], results["machine"]
    return (
        f"nodes; {size['pods']} pods × {size['containers']} containers each, "
        f"every {results['extent']['resolution']:g} s ({machine['processor']}, Python {machine['python']})"
    )


def _matplotlib() -> Any:
    try:
        return importlib.import_module("matplotlib")
    except ImportError as error:
        raise BenchError("matplotlib is not installed; make plot installs it") from error


def main(argv: Sequence[str]) -> int:
    """Draw the results of one file into one directory, and return the exit code."""
    if len(argv) != 2:
        print("plot: give a file of results and a directory", file=sys.stderr)
        return 2
    try:
        for path in draw(load(Path(argv[0])), Path(argv[1])):
            print(path)
    except BenchError as error:
        print(f"plot: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
