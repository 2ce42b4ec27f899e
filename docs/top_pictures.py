"""Draws ``docs/top-nodes.svg`` and ``docs/top-pods.svg`` from fixed values, by rich's own export.

``make docs`` runs it. The values are those of the golden screens of the tests.
"""

from __future__ import annotations

import io
from pathlib import Path

from docs.svg import drawn
from rich.console import Console
from rich.text import Text
from tests.top.screens import NODE_USES, NODES, NOW, POD_USES, PODS

from kubevitals.cli.top_show import painted
from kubevitals.top.layout import Table, lines
from kubevitals.top.rows import node_rows, pod_rows
from kubevitals.top.wish import Wish

_WIDTH = 112


def picture(name: str, command: str, table: Table) -> str:
    """Return a terminal of 112 columns in which a command has printed a table, as SVG."""
    console = Console(
        record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )
    console.print(Text(f"$ {command}", "bold"))
    console.print(painted(lines(table, NOW, _WIDTH)))
    return drawn(console, name)


def pictures() -> dict[str, str]:
    """Return every picture by the name of its file."""
    nodes, pods = Wish("nodes"), Wish("pods")
    return {
        "top-nodes.svg": picture(
            "top-nodes", "kubectl vitals top nodes", Table(nodes.columns(), node_rows(NODES, NODE_USES, PODS))
        ),
        "top-pods.svg": picture(
            "top-pods",
            "kubectl vitals top pods -A",
            Table(tuple(column for column in pods.columns() if not column.wide), pod_rows(PODS, POD_USES)),
        ),
    }


if __name__ == "__main__":
    for name, svg in pictures().items():
        Path(__file__).with_name(name).write_text(svg, encoding="utf-8")
