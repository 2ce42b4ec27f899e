"""Rows and columns to lines of cells, so wide as the terminal allows. Pure.

Nothing wraps. Where there is no room, columns go: first those that say nothing, then by rank, the greatest first.
When only those are left that always stay, the names are cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kubevitals.top.columns import NONE, TREND, UNKNOWN, Column
from kubevitals.top.model import Row

_GAP = 2
_LEAST_NAME = 8
_CUT = "…"
WARM, HOT = 0.6, 0.85  # parts of a whole from which a share is no longer calm


class Cell(NamedTuple):
    """A text, filled up to the width of its column, and how it is meant: see ``STYLES``."""

    text: str
    style: str = ""


STYLES = ("heading", "unknown", "warm", "hot", "trend")
Line = tuple[Cell, ...]


class Table(NamedTuple):
    """What is to be shown; ``total`` is one more row, at the end."""

    columns: tuple[Column, ...]
    rows: Sequence[Row]
    total: Row | None = None
    headings: bool = True


def ordered(rows: Sequence[Row], column: Column | None) -> list[Row]:
    """Return rows by a column: text from A to Z, numbers from the greatest, what is unknown last.

    Rows that are equal there, and all when ``column`` is None, stay in their order.
    """
    if column is None:
        return list(rows)
    known = [(value, row) for row in rows if (value := column.value(row)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=not column.left)
    return [row for _, row in known] + [row for row in rows if column.value(row) is None]


def lines(table: Table, now: float, width: int | None = None) -> list[Line]:
    """Return the lines of a table.

    Args:
        table: what is to be shown.
        now: seconds since the epoch.
        width: columns of the terminal; None for as many as it takes.
    """
    rows = [*table.rows, *([table.total] if table.total else [])]
    filled = [_Filled(column, [column.show(row, now) for row in rows], table.headings) for column in table.columns]
    kept = filled if width is None else _cut(_fitting(filled, width), width)
    last = kept[-1]
    return list(zip(*(item.cells(rows, gap=item is not last) for item in kept), strict=True))


class _Filled:
    """A column with its texts, and how wide they are."""

    def __init__(self, column: Column, texts: list[str], headings: bool) -> None:
        self.column, self.texts, self.headings = column, texts, headings
        self.width = max([len(column.heading) if headings else 0, *map(len, texts)])

    @property
    def silent(self) -> bool:
        """True when no row has anything there."""
        return all(text == NONE for text in self.texts)

    def cells(self, rows: Sequence[Row], *, gap: bool) -> list[Cell]:
        """Return the heading and the cells, with a gap behind them, or without a space at the end."""
        place = self._placed if gap else lambda text: self._placed(text).rstrip()
        head = [Cell(place(self.column.heading), "heading")] if self.headings else []
        return head + [Cell(place(text), self._style(text, row)) for text, row in zip(self.texts, rows, strict=True)]

    def _placed(self, text: str) -> str:
        if len(text) > self.width:
            text = text[: self.width - 1] + _CUT
        return (text.ljust(self.width) if self.column.left else text.rjust(self.width)) + " " * _GAP

    def _style(self, text: str, row: Row) -> str:
        if text in (UNKNOWN, NONE):
            return "unknown"
        if self.column.heading == TREND:
            return "trend"
        level = self.column.level(row) if self.column.level else None
        if level is None or level < WARM:
            return ""
        return "warm" if level < HOT else "hot"


def _fitting(filled: list[_Filled], width: int) -> list[_Filled]:
    kept = list(filled)
    for item in sorted(filled, key=lambda item: (item.silent, item.column.rank), reverse=True):
        if item.column.rank and _width(kept) > width:
            kept.remove(item)
    return kept


def _cut(kept: list[_Filled], width: int) -> list[_Filled]:
    """Shorten the widest names until the line fits, or nothing is left to shorten."""
    while _width(kept) > width:
        longest = max((item for item in kept if item.column.left), key=lambda item: item.width)
        if longest.width <= _LEAST_NAME:
            break
        longest.width -= 1
    return kept


def _width(kept: Sequence[_Filled]) -> int:
    return sum(item.width for item in kept) + _GAP * (len(kept) - 1)


def plain(found: Sequence[Line]) -> str:
    """Return lines as text without colours."""
    return "".join("".join(cell.text for cell in line).rstrip() + "\n" for line in found)
