"""The demo's screen: a table of nodes, one of the busiest pods, and what to try. From rows to what rich prints."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kubevitals.cli import drawing
from kubevitals.cli.usage import NodeRow, PodRow, Snapshot

_REMEMBERED = 120  # values of a node's curve
_WITH_CURVES, _WITH_CONTAINERS = 100, 124  # columns from which there is room for them
_WORDS = 60  # columns of the nodes' table that are no pictures
_FRAME = 11  # lines of the screen that are neither a node nor a pod
_FEWEST = 3  # pods that are shown however low the terminal is
_PRINTED_PODS = 100
_QUIET = "bright_black"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the screen is drawn on.

    Args:
        width: columns.
        height: lines; 0 for as many as it takes.
        pictures: whether bars are drawn; without them it is plain text.
        ascii_only: whether the terminal has no other characters.
    """

    width: int
    height: int = 0
    pictures: bool = True
    ascii_only: bool = False

    @property
    def bar(self) -> int:
        """The cells of a bar, 0 for none; at 80 columns everything fits into one line."""
        return min(24, max(6, (self.width - _WORDS - self.curve) // 2)) if self.pictures else 0

    @property
    def curve(self) -> int:
        """The cells of a curve, 0 for none."""
        if not self.pictures or self.ascii_only or self.width < _WITH_CURVES:
            return 0
        return min(40, (self.width - _WORDS) // 3)


class Hints(NamedTuple):
    """What a person can try meanwhile."""

    kubeconfig: str
    commands: tuple[str, ...]


class Scene(NamedTuple):
    """What a screen says besides the numbers; ``host`` is the node that is this machine."""

    title: str
    host: str
    hints: Hints
    now: float


@dataclass(slots=True)
class History:
    """How busy each node has been, one value for each measurement."""

    _curves: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=_REMEMBERED)))
    _times: dict[str, float] = field(default_factory=dict)

    def add(self, snapshot: Snapshot) -> None:
        """Remember what was measured since the last time."""
        for row in snapshot.nodes:
            if row.cores is not None and row.time != self._times.get(row.name):
                self._times[row.name] = row.time
                self._curves[row.name].append(row.cores / row.capacity_cores)

    def of(self, node: str) -> Sequence[float]:
        """Return a node's values, oldest first."""
        return list(self._curves[node])


def live(snapshot: Snapshot, history: History, scene: Scene, sheet: Sheet) -> RenderableType:
    """Return the whole screen, cut to the sheet's height."""
    nodes, pods = rows_shown(len(snapshot.nodes), len(snapshot.pods), sheet.height)
    return Group(
        _line(scene.title, "bold"),
        _line(snapshot.problem, "yellow"),
        node_table(snapshot.nodes[:nodes], history, scene, sheet),
        _line(_more(len(snapshot.nodes) - nodes, "nodes")),
        pod_table(snapshot.pods[:pods], sheet),
        _line(_more(len(snapshot.pods) - pods, "pods")),
        footer(scene.hints, "Try in another terminal, and end this with Ctrl-C:"),
    )


def printed(snapshot: Snapshot, scene: Scene, sheet: Sheet) -> RenderableType:
    """Return the tables alone: all nodes, and the busiest pods."""
    return Group(
        node_table(snapshot.nodes, History(), scene, sheet),
        Text(),
        pod_table(snapshot.pods[:_PRINTED_PODS], sheet),
        _line(_more(len(snapshot.pods) - _PRINTED_PODS, "pods")),
    )


def rows_shown(nodes: int, pods: int, height: int) -> tuple[int, int]:
    """Return how many nodes and pods fit a screen; pods leave the nodes at least half of the room."""
    if not height:
        return nodes, pods
    room = max(height - _FRAME, 2 * _FEWEST)
    shown = min(nodes, max(room // 2, room - pods))
    return shown, min(pods, max(_FEWEST, room - shown))


def node_table(rows: Sequence[NodeRow], history: History, scene: Scene, sheet: Sheet) -> Table:
    """Return a line for each node: CPU, memory, and how old the numbers are."""
    table = _table()
    table.add_column("NODE", no_wrap=True, max_width=max(18, sheet.width // 5))
    _add_use(table, "CPU", "CORES", sheet)
    _add_use(table, "MEMORY", "USED", sheet)
    table.add_column("AGE", justify="right", no_wrap=True)
    if sheet.curve:
        table.add_column("CPU OVER TIME", no_wrap=True, width=sheet.curve)
    for row in rows:
        curve = [drawing.curve(history.of(row.name), sheet.curve)] if sheet.curve else []
        table.add_row(_node_name(row.name, scene.host), *_node_cells(row, scene.now, sheet), *curve)
    return table


def pod_table(rows: Sequence[PodRow], sheet: Sheet) -> Table:
    """Return a line for each pod; bars compare it with the busiest one."""
    table = _table()
    cut = sheet.pictures
    table.add_column("NAMESPACE", no_wrap=True, style=_QUIET, max_width=max(12, sheet.width // 7) if cut else None)
    table.add_column("POD", no_wrap=True, max_width=max(30, sheet.width // 3) if cut else None)
    if sheet.bar:
        table.add_column("CPU", width=sheet.bar)
    table.add_column("CORES", justify="right", no_wrap=True)
    table.add_column("MEMORY", justify="right", no_wrap=True)
    if sheet.width >= _WITH_CONTAINERS:
        table.add_column("CONTAINERS", no_wrap=True, style=_QUIET)
    most = max((row.cores for row in rows), default=0.0) or 1.0
    for row in rows:
        table.add_row(*_pod_cells(row, most, sheet))
    return table


def footer(hints: Hints, head: str) -> RenderableType:
    """Return how to look at the cluster with kubectl, each command in a line of its own."""
    lines = (f"export KUBECONFIG={hints.kubeconfig}", *hints.commands)
    return Group(Text(head), *(Text(f"  {line}", "cyan", no_wrap=True, overflow="ignore") for line in lines))


def _add_use(table: Table, resource: str, unit: str, sheet: Sheet) -> None:
    if sheet.bar:
        table.add_column(resource, width=sheet.bar)
        resource = unit
    table.add_column(resource, justify="right", no_wrap=True)
    table.add_column("%", justify="right", no_wrap=True)


def _node_name(name: str, host: str) -> Text:
    shown = drawing.plain(name)
    if name == host:
        shown.append(" (here)")
        shown.stylize("bold cyan")
    return shown


def _node_cells(row: NodeRow, now: float, sheet: Sheet) -> list[RenderableType]:
    if row.cores is None or row.memory is None:
        waiting = [Text("waiting", _QUIET, no_wrap=True, overflow="ellipsis")] if sheet.bar else []
        return [*waiting, "-", "-", *waiting, "-", "-", "-"]
    cpu = _use(row.cores / row.capacity_cores, drawing.cores(row.cores), sheet)
    memory = _use(row.memory / row.capacity_memory, drawing.memory(row.memory), sheet)
    return [*cpu, *memory, Text(drawing.age(now - row.time), _QUIET)]


def _use(fraction: float, words: str, sheet: Sheet) -> list[RenderableType]:
    bar = [drawing.bar(fraction, sheet.bar, ascii_only=sheet.ascii_only)] if sheet.bar else []
    return [*bar, words, Text(drawing.percent(fraction), drawing.color(fraction))]


def _pod_cells(row: PodRow, most: float, sheet: Sheet) -> list[RenderableType]:
    bar = [drawing.bar(row.cores / most, sheet.bar, ascii_only=sheet.ascii_only)] if sheet.bar else []
    names = [drawing.plain(", ".join(row.containers))] if sheet.width >= _WITH_CONTAINERS else []
    numbers = (drawing.cores(row.cores), drawing.memory(row.memory))
    return [drawing.plain(row.namespace), drawing.plain(row.name), *bar, *numbers, *names]


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=_QUIET)


def _line(text: str, style: str = _QUIET) -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def _more(count: int, what: str) -> str:
    return f"and {count} more {what}" if count > 0 else ""
