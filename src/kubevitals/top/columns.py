"""The columns of the three tables: what each shows, how it sorts, and which go first when there is no room. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kubevitals.quoting import shown
from kubevitals.top import text
from kubevitals.top.model import Row

UNKNOWN, NONE = "<unknown>", "-"
Number = Callable[[Row], int | None]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        heading: as shown; in small letters it is what ``--sort-by`` takes.
        show: the text of a row, given the time in seconds since the epoch.
        value: what it sorts by; None comes last.
        left: whether it is text, which is at the left and sorts from A to Z; numbers sort from the greatest.
        level: the part of the whole that is used, for columns with colours; None where there is no whole.
        rank: columns with the greatest rank go first when there is no room; 0 stays.
        wide: whether it is shown only when all columns are asked for.
    """

    heading: str
    show: Callable[[Row, float], str]
    value: Callable[[Row], str | float | None]
    left: bool = False
    level: Callable[[Row], float | None] | None = None
    rank: int = 0
    wide: bool = False

    @property
    def key(self) -> str:
        """What ``--sort-by`` calls it."""
        return self.heading.lower()


def nodes() -> tuple[Column, ...]:
    """Return the columns of nodes; percentages are of what can be allocated."""
    cpu, memory = _amount("CPU", _cpu, text.millicores), _amount("MEMORY", _memory, text.mebibytes)
    return (
        _text("NAME", lambda row: row.name),
        cpu,
        _share("CPU%", _cpu, _cpu_allocatable),
        _amount("CPU-REQ", _cpu_request, text.millicores, rank=8),
        _share("CPU-REQ%", _cpu_request, _cpu_allocatable, rank=4),
        _amount("CPU-LIM", _cpu_limit, text.millicores, rank=10),
        _share("CPU-LIM%", _cpu_limit, _cpu_allocatable, rank=6),
        memory,
        _share("MEM%", _memory, _memory_allocatable),
        _amount("MEM-REQ", _memory_request, text.mebibytes, rank=7),
        _share("MEM-REQ%", _memory_request, _memory_allocatable, rank=3),
        _amount("MEM-LIM", _memory_limit, text.mebibytes, rank=9),
        _share("MEM-LIM%", _memory_limit, _memory_allocatable, rank=5),
        *_times(sample=2, window=12, age=11),
        _PODS,
    )


def pods(*, namespaced: bool, containers: bool = False) -> tuple[Column, ...]:
    """Return the columns of pods or containers; percentages are of what they request and are limited to.

    Args:
        namespaced: whether there is a column of namespaces.
        containers: whether there is one of containers.
    """
    name = _text("POD" if containers else "NAME", lambda row: row.name)
    return (
        *((_NAMESPACE,) if namespaced else ()),
        name,
        *((_text("CONTAINER", lambda row: row.container),) if containers else ()),
        *_use(),
        *_times(sample=4, window=8, age=6),
        _text("NODE", lambda row: row.node, rank=9, wide=True),
        _text("OWNER", lambda row: row.owner, rank=10, wide=True),
    )


def totals(by: str, *, namespaced: bool) -> tuple[Column, ...]:
    """Return the columns of totals by namespace, owner or node."""
    return (
        *((_NAMESPACE,) if namespaced else ()),
        _text(by.upper(), lambda row: row.name),
        _number("PODS", lambda row: row.pods),
        _number("UNMEASURED", lambda row: row.unmeasured, rank=9),
        *_use(),
        *_times(sample=4, window=8, age=0)[:2],
    )


TREND = "CPU-TREND"


def trend(curves: Callable[[Row], str]) -> Column:
    """Return the column of CPU over time."""
    return Column(TREND, lambda row, now: curves(row), lambda row: None, left=True, rank=1)


def _use() -> tuple[Column, ...]:
    return (
        _amount("CPU", _cpu, text.millicores),
        _amount("CPU-REQ", _cpu_request, text.millicores, wide=True, rank=12),
        _share("CPU%REQ", _cpu, _cpu_request, rank=3, colored=False),
        _amount("CPU-LIM", _cpu_limit, text.millicores, wide=True, rank=14),
        _share("CPU%LIM", _cpu, _cpu_limit, rank=5),
        _amount("MEMORY", _memory, text.mebibytes),
        _amount("MEM-REQ", _memory_request, text.mebibytes, wide=True, rank=11),
        _share("MEM%REQ", _memory, _memory_request, rank=7, colored=False),
        _amount("MEM-LIM", _memory_limit, text.mebibytes, wide=True, rank=13),
        _share("MEM%LIM", _memory, _memory_limit, rank=2),
    )


def _times(*, sample: int, window: int, age: int) -> tuple[Column, ...]:
    """Return the columns of time: the sample's age, its window, and the age of what was measured."""
    return (
        Column("SAMPLE", lambda row, now: _ago(_time(row), now), lambda row: _negative(_time(row)), rank=sample),
        Column("WINDOW", lambda row, now: _or_none(_window(row), text.window), _window, rank=window),
        Column("AGE", lambda row, now: _ago(row.created, now), lambda row: _negative(row.created), rank=age),
    )


# --- kinds of columns ---------------------------------------------------------------------------------------


def _text(heading: str, read: Callable[[Row], str], *, rank: int = 0, wide: bool = False) -> Column:
    return Column(heading, lambda row, now: shown(read(row)) or NONE, read, left=True, rank=rank, wide=wide)


def _number(heading: str, read: Number, *, rank: int = 0, wide: bool = False) -> Column:
    return Column(heading, lambda row, now: _or_none(read(row), str), read, rank=rank, wide=wide)


def _amount(heading: str, read: Number, write: Callable[[int], str], *, rank: int = 0, wide: bool = False) -> Column:
    missing = NONE if rank else UNKNOWN  # what was measured is always shown
    return Column(heading, lambda row, now: _or(missing, read(row), write), read, rank=rank, wide=wide)


def _share(heading: str, part: Number, whole: Number, *, rank: int = 0, colored: bool = True) -> Column:
    def fraction(row: Row) -> float | None:
        some, all_of_it = part(row), whole(row)
        return some / all_of_it if some is not None and all_of_it else None

    def show(row: Row, now: float) -> str:
        some, all_of_it = part(row), whole(row)
        return text.percent(some, all_of_it) if some is not None and all_of_it else NONE

    return Column(heading, show, fraction, level=fraction if colored else None, rank=rank)


_NAMESPACE = _text("NAMESPACE", lambda row: row.namespace)
_PODS = _number("PODS", lambda row: row.pods, rank=13)


def _or(missing: str, value: int | None, write: Callable[[int], str]) -> str:
    return missing if value is None else write(value)


def _or_none(value: int | None, write: Callable[[int], str]) -> str:
    return _or(NONE, value, write)


def _ago(time: float | None, now: float) -> str:
    return NONE if time is None else text.age(now - time)


def _negative(time: float | None) -> float | None:
    """The greatest age has the smallest time."""
    return None if time is None else -time


# --- what they read -----------------------------------------------------------------------------------------


def _cpu(row: Row) -> int | None:
    return row.use.cpu if row.use else None


def _memory(row: Row) -> int | None:
    return row.use.memory if row.use else None


def _time(row: Row) -> float | None:
    return row.use.time if row.use else None


def _window(row: Row) -> int | None:
    return row.use.window if row.use else None


def _cpu_allocatable(row: Row) -> int | None:
    return row.allocatable.cpu


def _memory_allocatable(row: Row) -> int | None:
    return row.allocatable.memory


def _cpu_request(row: Row) -> int | None:
    return row.bounds.requests.cpu


def _cpu_limit(row: Row) -> int | None:
    return row.bounds.limits.cpu


def _memory_request(row: Row) -> int | None:
    return row.bounds.requests.memory


def _memory_limit(row: Row) -> int | None:
    return row.bounds.limits.memory
