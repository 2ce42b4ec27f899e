"""The printed table: a row per figure, a column per size and server, and upstream's figures beside them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.results import Column, Results, columns

UPSTREAM_NODES = 1000
# metrics-server 0.8.1 with the same work, on two cores; the memory is the middle of what was seen.
UPSTREAM = {
    "cpu_cycle": 1.65,
    "cpu_mcore": 110.0,
    "pss": 525 * 2.0**20,
    "get_node_p50": 0.96e-3,
    "get_node_p99": 5e-3,
    "get_node_rate": 2170.0,
    "nodes_p50": 23.5e-3,
    "namespace_p50": 53e-3,
    "selector_p50": 6.4e-3,
    "pods_p50": 1.030,
    "pods_gzip_p50": 0.668,
    "pods_protobuf_p50": 0.793,
    "nodes_bytes": 243e3,
    "namespace_bytes": 590e3,
    "pods_bytes": 11.8e6,
    "pods_gzip_bytes": 1.2e6,
    "pods_protobuf_bytes": 7.5e6,
}

_LABEL, _CELL, _RATIO = 38, 12, 8


def _plain(value: float) -> str:
    return f"{value:,.0f}"


def _mib(value: float) -> str:
    return f"{value / 2**20:,.0f} MiB"


def _size(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:,.1f} MB"
    return f"{value / 1e3:,.0f} kB" if value >= 1e4 else f"{value:,.0f} B"


def _seconds(value: float) -> str:
    return f"{value:,.2f} s"


def _milli(value: float) -> str:
    value *= 1000
    return f"{value:,.0f} ms" if value >= 100 else f"{value:,.1f} ms" if value >= 10 else f"{value:,.2f} ms"


def _mcore(value: float) -> str:
    return f"{value:,.1f}"


class Row(NamedTuple):
    """A figure's name, what the table calls it, and how its value is written."""

    name: str
    label: str
    text: Callable[[float], str]


SECTIONS: tuple[tuple[str, tuple[Row, ...]], ...] = (
    (
        "Steady state",
        (
            Row("cpu_cycle", "CPU per cycle", _seconds),
            Row("cpu_mcore", "CPU, mcore", _mcore),
            Row("listed_mcore", "the same, all pods listed each cycle", _mcore),
            Row("pss", "memory (PSS)", _mib),
            Row("peak", "resident at most", _mib),
            Row("cycle_seconds", "duration of a cycle", _seconds),
            Row("missed", "scrapes missed", _plain),
            Row("late", "scrapes late", _plain),
            Row("failed", "scrapes failed", _plain),
            Row("longest", "longest between two of one node", _seconds),
            Row("fleet_mcore", "(the fleet's own CPU, mcore)", _mcore),
            Row("pace", "(a million steps of plain Python)", _milli),
        ),
    ),
    (
        "From the start to the end of the first cycle",
        (
            Row("start_seconds", "until the first kubelet is asked", _seconds),
            Row("start_cpu", "CPU until then", _seconds),
            Row("first_seconds", "first cycle, with all handshakes", _seconds),
            Row("first_cpu", "CPU of the first cycle", _seconds),
            Row("first_missed", "nodes not reached in its time", _plain),
            Row("first_failed", "scrapes failed", _plain),
            Row("first_peak", "resident at most", _mib),
            Row("served_seconds", "until all nodes are served", _seconds),
        ),
    ),
    (
        "One object",
        (
            Row("get_node_p50", "GET node, p50", _milli),
            Row("get_node_p99", "GET node, p99", _milli),
            Row("get_pod_p50", "GET pod, p50", _milli),
            Row("get_pod_p99", "GET pod, p99", _milli),
            Row("get_node_cycle_p50", "GET node during a cycle, p50", _milli),
            Row("get_node_cycle_p99", "GET node during a cycle, p99", _milli),
            Row("get_node_listed_p50", "the same, all pods listed before, p50", _milli),
            Row("get_node_listed_p99", "the same, all pods listed before, p99", _milli),
            Row("get_node_rate", "GET node per second, 8 connections", _plain),
        ),
    ),
    (
        "Lists asked for again and again, p50",
        (
            Row("nodes_p50", "all nodes", _milli),
            Row("namespace_p50", "pods of one namespace", _milli),
            Row("selector_p50", "of these, a tenth by a label", _milli),
            Row("pods_p50", "all pods, JSON", _milli),
            Row("pods_gzip_p50", "all pods, gzip", _milli),
            Row("pods_protobuf_p50", "all pods, protobuf", _milli),
        ),
    ),
    (
        "Lists asked for once in each cycle",
        (
            Row("nodes_next", "all nodes", _milli),
            Row("namespace_next", "pods of one namespace", _milli),
            Row("selector_next", "of these, a tenth by a label", _milli),
            Row("pods_next", "all pods, JSON", _milli),
            Row("pods_gzip_next", "all pods, gzip", _milli),
            Row("pods_protobuf_next", "all pods, protobuf", _milli),
        ),
    ),
    (
        "Lists that nobody has asked for of late",
        (
            Row("nodes_first", "all nodes", _milli),
            Row("namespace_first", "pods of one namespace", _milli),
            Row("selector_first", "of these, a tenth by a label", _milli),
            Row("pods_first", "all pods, JSON", _milli),
            Row("pods_protobuf_first", "all pods, protobuf", _milli),
        ),
    ),
    (
        "Sizes of answers",
        (
            Row("get_node_bytes", "one node", _size),
            Row("get_pod_bytes", "one pod", _size),
            Row("nodes_bytes", "all nodes", _size),
            Row("namespace_bytes", "pods of one namespace", _size),
            Row("selector_bytes", "of these, a tenth by a label", _size),
            Row("pods_bytes", "all pods, JSON", _size),
            Row("pods_gzip_bytes", "all pods, gzip", _size),
            Row("pods_protobuf_bytes", "all pods, protobuf", _size),
        ),
    ),
)


def table(results: Results) -> str:
    """Return results as text."""
    shown = columns(results)
    lines = [_about(results), "", *_heading(shown)]
    for title, rows in SECTIONS:
        lines += ["", title, *(_line(row, shown) for row in rows)]
    return "\n".join(line.rstrip() for line in lines)


def _about(results: Results) -> str:
    machine, extent = results["machine"], results["extent"]
    size = results["sizes"][0]
    uvloop = machine.get("uvloop")
    return (
        f"kubevitals {machine['kubevitals']} {machine['revision']}, Python {machine['python']}, "
        f"{f'uvloop {uvloop}' if uvloop else 'no uvloop'}, {machine['openssl']}\n"
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']} {machine['kernel']}\n"
        f"{size['pods']} pods × {size['containers']} containers a node, a cycle every {extent['resolution']:g} s; "
        f"medians of {extent['runs']:g} runs"
    )


def _published(shown: Sequence[Column]) -> Column | None:
    """Return our column that upstream's published figures stand beside, None when there is none."""
    return next((column for column in shown if column.nodes == UPSTREAM_NODES and column.server == "ours"), None)


def _heading(shown: Sequence[Column]) -> list[str]:
    several = len({column.server for column in shown}) > 1
    above = "".join(f"{f'{column.nodes:,}':>{_CELL}}" for column in shown)
    below = "".join(f"{column.server if several else 'nodes':>{_CELL}}" for column in shown)
    if _published(shown):
        above += f"{'upstream at':>{_CELL}}{'1,000':>{_RATIO}}"
        below += f"{'1,000':>{_CELL}}{'ratio':>{_RATIO}}"
    return [" " * _LABEL + above, " " * _LABEL + below]


def _line(row: Row, shown: Sequence[Column]) -> str:
    cells = [row.text(column.medians[row.name]) if row.name in column.medians else "–" for column in shown]
    text = f"  {row.label:<{_LABEL - 2}}" + "".join(f"{cell:>{_CELL}}" for cell in cells)
    ours, theirs = _published(shown), UPSTREAM.get(row.name)
    if ours is None or theirs is None:
        return text
    text += f"{row.text(theirs):>{_CELL}}"
    return text + (f"{ours.medians[row.name] / theirs:>{_RATIO}.2f}" if row.name in ours.medians else "")
