"""What ``top`` knows about nodes and pods, and the rows it shows. CPU in nanocores, memory in bytes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Amounts(NamedTuple):
    """CPU and memory; None where nothing is set, or where it is not known."""

    cpu: int | None = None
    memory: int | None = None


NOTHING = Amounts()


class Use(NamedTuple):
    """What was measured: ``time`` in seconds since the epoch, and the ``window`` of the CPU rate in nanoseconds."""

    cpu: int | None = None
    memory: int | None = None
    time: float | None = None
    window: int | None = None


class Bounds(NamedTuple):
    """What something asks for, and what it may take at most."""

    requests: Amounts = NOTHING
    limits: Amounts = NOTHING


class Node(NamedTuple):
    """What a Node object says."""

    name: str
    allocatable: Amounts = NOTHING
    created: float | None = None


class Container(NamedTuple):
    """A container that runs as long as its pod: one of ``containers``, or a sidecar."""

    name: str
    bounds: Bounds = Bounds()


class Pod(NamedTuple):
    """What a Pod object says.

    ``bounds`` are those of what runs: a limit is None as soon as one container has none. ``reserved`` is what the
    scheduler reckons with: init containers and overhead too, and what is set of the limits. ``owner`` is kind/name.
    """

    namespace: str
    name: str
    node: str = ""
    phase: str = ""
    owner: str = ""
    created: float | None = None
    containers: tuple[Container, ...] = ()
    bounds: Bounds = Bounds()
    reserved: Bounds = Bounds()


class NodeUse(NamedTuple):
    """One NodeMetrics."""

    name: str
    use: Use


class PodUse(NamedTuple):
    """One PodMetrics: the use of each container."""

    namespace: str
    name: str
    containers: tuple[tuple[str, Use], ...] = ()


class Row(NamedTuple):
    """One line of a table. ``use`` is None without metrics; ``pods`` counts what a total is made of."""

    name: str
    namespace: str = ""
    container: str = ""
    node: str = ""
    owner: str = ""
    use: Use | None = None
    bounds: Bounds = Bounds()
    allocatable: Amounts = NOTHING
    created: float | None = None
    pods: int | None = None
    unmeasured: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from other rows, from one reading to the next."""
        return self.namespace, self.name, self.container


def plus(amounts: Iterable[Amounts]) -> Amounts:
    """Return the sum of what is set; None where nothing is."""
    found = list(amounts)
    return Amounts(_sum(a.cpu for a in found), _sum(a.memory for a in found))


def plus_if_all(amounts: Iterable[Amounts]) -> Amounts:
    """Return the sum, None as soon as one is not set: one container without a limit leaves the sum without one."""
    found = list(amounts)
    return Amounts(_sum_if_all(a.cpu for a in found), _sum_if_all(a.memory for a in found))


def either(first: Amounts, second: Amounts, choose: Callable[[int, int], int]) -> Amounts:
    """Return what is set, or what is chosen where both are."""
    return Amounts(_either(first.cpu, second.cpu, choose), _either(first.memory, second.memory, choose))


def together(uses: Iterable[Use | None]) -> Use | None:
    """Return the sum of uses: as old as the oldest, over the longest window; None when there is none."""
    found = [use for use in uses if use is not None]
    if not found:
        return None
    return Use(
        _sum(use.cpu for use in found),
        _sum(use.memory for use in found),
        min((use.time for use in found if use.time is not None), default=None),
        max((use.window for use in found if use.window is not None), default=None),
    )


def _sum(values: Iterable[int | None]) -> int | None:
    found = [value for value in values if value is not None]
    return sum(found) if found else None


def _sum_if_all(values: Iterable[int | None]) -> int | None:
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known) if known and len(known) == len(found) else None


def _either(first: int | None, second: int | None, choose: Callable[[int, int], int]) -> int | None:
    if first is None or second is None:
        return second if first is None else first
    return choose(first, second)
