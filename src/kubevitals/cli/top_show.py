"""Shows ``top``'s tables: on a terminal in colours and no wider than it, into a pipe plain and whole."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from kubevitals.errors import ApiServerError
from kubevitals.kube.client import ApiClient
from kubevitals.top import columns, export, layout, text
from kubevitals.top.layout import Line, Table
from kubevitals.top.look import View, look
from kubevitals.top.model import Row
from kubevitals.top.problems import explain
from kubevitals.top.wish import Wish

_REMEMBERED = 20  # values of a curve
# Of the fixed palette of 256 colours: a contrast of 3.5 or more on white and on black.
STYLES = {"heading": "bold", "unknown": "dim", "warm": "color(166)", "hot": "bold color(160)", "trend": "color(31)"}


def _wall() -> float:
    return time.time()  # noqa: TID251 - the screen is composed here, its clock included


@dataclass(frozen=True, slots=True)
class Output:
    """Where the tables go.

    Args:
        form: ``json``, ``yaml``, ``csv``, ``wide`` or nothing.
        headings: whether there are any.
        program: the name of the command line.
    """

    form: str = ""
    headings: bool = True
    program: str = "kubevitals"

    def tell(self, sentence: str) -> None:
        """Say something on standard error."""
        click.echo(f"{self.program}: {sentence}", err=True)

    def complain(self, error: ApiServerError | str) -> int:
        """Say why there is nothing to see, and return the exit code."""
        sentence = error if isinstance(error, str) else explain(error)
        self.tell(f"{sentence}; run {self.program} doctor to find out why")
        return 1


@dataclass(slots=True)
class History:
    """The CPU of each row, one value for each sample."""

    _values: dict[tuple[str, str, str], deque[int]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=_REMEMBERED))
    )
    _times: dict[tuple[str, str, str], float | None] = field(default_factory=dict)

    def add(self, rows: Sequence[Row]) -> None:
        """Remember what was measured since the last time, and forget what is gone."""
        for key in self._values.keys() - {row.key for row in rows}:
            del self._values[key], self._times[key]
        for row in rows:
            if row.use is None or row.use.cpu is None:
                continue
            if row.key not in self._times or self._times[row.key] != row.use.time:
                self._times[row.key] = row.use.time
                self._values[row.key].append(row.use.cpu)

    def curve(self, row: Row) -> str:
        """Return a row's values as a curve, the newest at the right."""
        return text.curve(self._values[row.key]).rjust(_REMEMBERED) if row.key in self._values else ""


@dataclass(frozen=True, slots=True)
class Show:
    """One wish about one cluster.

    Args:
        client: of its API server.
        wish: what to see.
        output: how.
        console: the terminal.
        terminal: whether it is one.
        now: the wall clock.
        sleep: waits some seconds.
    """

    client: ApiClient
    wish: Wish
    output: Output
    console: Console = field(default_factory=lambda: Console(highlight=False))
    terminal: bool = field(default_factory=lambda: sys.stdout.isatty())
    now: Callable[[], float] = _wall
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def once(self) -> int:
        """Read, print, and return the exit code.

        Raises:
            ApiServerError: there are no metrics to be had.
        """
        view = await look(self.client, self.wish, self.now())
        self._print(view)
        for note in view.notes:
            self.output.tell(note)
        if view.empty:
            click.echo(view.empty, err=True)
        if view.missing:
            self.output.tell(view.missing)
        if view.problem:
            self.output.complain(view.problem)
        return 1 if view.problem or view.missing else 0

    async def forever(self, interval: float) -> int:
        """Read every ``interval`` seconds, and show it until cancelled; on a terminal ages are kept right meanwhile.

        Raises:
            ApiServerError: the first reading found no metrics to be had; later ones are told and tried again.
        """
        history, view = History(), await look(self.client, self.wish, self.now())
        if not self.terminal:
            return await self._reprint(view, interval)
        steps, problem = max(1, round(interval)), ""
        with Live(console=self.console, screen=True, auto_refresh=False) as screen:
            for step in count():
                if step and step % steps == 0:
                    view, problem = await self._again(view)
                history.add(view.rows)
                screen.update(self._screen(view, history, problem), refresh=True)
                await self.sleep(interval / steps)
        return 0

    async def _again(self, before: View) -> tuple[View, str]:
        """Return what there is, and no problem; without an answer, what was there before, and why."""
        try:
            return await look(self.client, self.wish, self.now()), ""
        except ApiServerError as error:
            return before, explain(error)

    async def _reprint(self, view: View, interval: float) -> int:
        while True:
            self._print(view)
            sys.stdout.flush()
            await self.sleep(interval)
            view, problem = await self._again(view)
            if problem:
                self.output.tell(problem)
            click.echo()

    # --- drawing --------------------------------------------------------------------------------------------

    def _print(self, view: View) -> None:
        form = self.output.form
        if form in ("json", "yaml", "csv"):
            shape, headings = self.wish.shape, self.output.headings
            click.echo(export.written(view.rows, shape, form, total=view.total, headings=headings), nl=False)
        elif view.rows:
            table, width = self._table(view), self.console.width if self.terminal and not self.wish.wide else None
            found = layout.lines(table, self.now(), width)
            if self.terminal:
                self.console.print(painted(found), soft_wrap=True)
            else:
                click.echo(layout.plain(found), nl=False)

    def _screen(self, view: View, history: History, problem: str) -> Text:
        """Return the table cut to the terminal, below what there is to say."""
        more = () if self.console.options.ascii_only else (columns.trend(history.curve),)
        found = layout.lines(self._table(view, more), self.now(), self.console.width)
        said = [line for line in (problem or view.problem, view.missing, *view.notes, view.empty) if line]
        room = max(3, self.console.height - len(said) - 1)
        hidden = len(found) - room
        if hidden > 0:
            found = found[:room]
            said.append(f"{hidden} more lines do not fit")
        words = [Text(line + "\n", "dim", no_wrap=True, overflow="ellipsis") for line in said]
        return Text(no_wrap=True, overflow="crop").join([*words, painted(found)])

    def _table(self, view: View, more: tuple[columns.Column, ...] = ()) -> Table:
        chosen = tuple(column for column in self.wish.columns() if self.wish.wide or not column.wide)
        return Table((*chosen, *more), view.rows, view.total, self.output.headings)


def painted(found: Sequence[Line]) -> Text:
    """Return lines in colours, without a line feed at the end."""
    drawn = [Text.assemble(*((cell.text, STYLES.get(cell.style, "")) for cell in line)) for line in found]
    return Text("\n", no_wrap=True, overflow="ignore").join(drawn)
