"""Results: medians of runs, and the file they are kept in. Pure, but for reading and writing it."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import msgspec

from bench.process import BenchError

_NUMBERS = re.compile(rb"\[\s+([^][{}]*)\s+\]")


class Size(TypedDict):
    """What was measured at one size of the cluster. Figures are by server, name and run."""

    nodes: int
    pods: int
    containers: int
    figures: dict[str, dict[str, list[float]]]


class Results(TypedDict):
    """Everything that was measured.

    ``taken``: seconds since the epoch; ``extent``: resolution, cycles of steady state, runs, most samples.
    """

    taken: float
    machine: dict[str, str | int]
    extent: dict[str, float]
    sizes: list[Size]


class Column(NamedTuple):
    """The medians of one server at one size."""

    nodes: int
    server: str
    medians: dict[str, float]


def collect(runs: Sequence[dict[str, float]]) -> dict[str, list[float]]:
    """Return the figures of some runs by name; a run may lack some."""
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: [_rounded(run[name]) for run in runs if name in run] for name in names}


def columns(results: Results) -> list[Column]:
    """Return the medians, by size and then by server."""
    return [
        Column(size["nodes"], server, {name: statistics.median(values) for name, values in figures.items()})
        for size in sorted(results["sizes"], key=lambda size: size["nodes"])
        for server, figures in size["figures"].items()
    ]


def save(results: Results, path: Path) -> None:
    """Write results as JSON that is made to be read and compared."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_compact_lists(msgspec.json.format(msgspec.json.encode(results), indent=1)) + b"\n")


def load(path: Path) -> Results:
    """Return results from a file.

    Raises:
        BenchError: it cannot be read, or holds something else.
    """
    try:
        found: Any = msgspec.json.decode(path.read_bytes(), type=Results)
    except (OSError, msgspec.DecodeError) as error:
        raise BenchError(f"{path} holds no results: {error}") from error
    results: Results = found
    return results


def _rounded(value: float) -> float:
    return round(value, 3 if value >= 100 else 7)


def _compact_lists(text: bytes) -> bytes:
    """Return indented JSON with each list of numbers on one line."""
    return _NUMBERS.sub(lambda found: b"[" + b" ".join(found[1].split()) + b"]", text)
