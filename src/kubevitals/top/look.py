"""One look at a cluster: from a wish to rows in their order, and what is to be said about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kubevitals.errors import ApiServerError
from kubevitals.kube.client import ApiClient
from kubevitals.quoting import shown
from kubevitals.selectors import FieldSelector, parse_fields
from kubevitals.top import problems, reading, rows, totals
from kubevitals.top.layout import ordered
from kubevitals.top.model import PodUse, Row
from kubevitals.top.reading import Question
from kubevitals.top.totals import BY_NAMESPACE
from kubevitals.top.wish import CONTAINERS, NODES, Wish

_OF_METRICS = ("metadata.name", "metadata.namespace")
TOTAL = "TOTAL"


class View(NamedTuple):
    """What there is to see.

    Args:
        rows: in their order.
        total: the sum of all, when it is wanted.
        notes: lines about what is not shown, or not known.
        problem: why nothing was measured; empty when something was.
        missing: which names there are not; empty when all are there.
        empty: that there is nothing of the kind, which is no problem.
    """

    rows: list[Row]
    total: Row | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""
    missing: str = ""
    empty: str = ""


async def look(client: ApiClient, wish: Wish, now: float) -> View:
    """Read a cluster once.

    Args:
        client: of its API server.
        wish: what to see, which was checked.
        now: seconds since the epoch.

    Raises:
        ApiServerError: there are no metrics to be had; ``problems.explain`` has the words.
    """
    found, notes = await (_nodes(client, wish) if wish.what == NODES else _pods(client, wish))
    missing = _missing(found, wish)
    late = problems.unmeasured(found, wish.what.removesuffix("s"), now)
    problem = ""
    if found and all(row.use is None for row in found):
        problem, late = problems.nothing_measured(found, wish.what.removesuffix("s")), ""
    elif (
        not found and notes and not missing
    ):  # the objects could not be read: nobody knows whether there should be metrics
        problem = f"the Metrics API answers, but has no metrics of {wish.what}{_where(wish)}"
    empty = "" if found or problem or missing else f"No {_kind(wish)}{_where(wish)}."
    told = (*notes, *((late,) if late else ()))
    lines = totals.grouped(found, wish.by) if wish.by else found
    total = totals.total(found, TOTAL) if wish.total and found else None
    return View(ordered(lines, wish.order()), total, told, problem, missing, empty)


async def _nodes(client: ApiClient, wish: Wish) -> tuple[list[Row], tuple[str, ...]]:
    node = wish.names[0] if len(wish.names) == 1 else ""
    answer = await reading.nodes(client, Question(labels=wish.labels, node=node, bounds=wish.bounds))
    found = rows.node_rows(answer.objects, answer.uses, answer.pods, strict=wish.selected)
    return _named(found, wish.names), answer.notes


async def _pods(client: ApiClient, wish: Wish) -> tuple[list[Row], tuple[str, ...]]:
    answer = await reading.pods(client, Question(wish.namespace, wish.labels, wish.fields))
    uses: Iterable[PodUse] = answer.uses
    if answer.objects is None:
        if wish.by and wish.by != BY_NAMESPACE:
            raise ApiServerError(f"--by {wish.by} needs the pods themselves: {answer.notes[0]}")
        uses = _by_fields(answer.uses, parse_fields(wish.fields))
    make = rows.container_rows if wish.what == CONTAINERS else rows.pod_rows
    return _named(make(answer.objects, uses, strict=wish.selected), wish.names), answer.notes


def _by_fields(uses: list[PodUse], fields: FieldSelector) -> list[PodUse]:
    """Select by what metrics tell by themselves.

    Raises:
        ApiServerError: the selector names other fields.
    """
    foreign = [term.field for term in fields.terms if term.field not in _OF_METRICS]
    if foreign:
        raise ApiServerError(f"--field-selector {foreign[0]} needs the pods themselves, which you may not list")
    return [u for u in uses if fields.matches({"metadata.name": u.name, "metadata.namespace": u.namespace})]


def _named(found: list[Row], names: tuple[str, ...]) -> list[Row]:
    return [row for row in found if row.name in names] if names else found


def _missing(found: list[Row], wish: Wish) -> str:
    there = {row.name for row in found}
    lost = ", ".join(shown(name) for name in wish.names if name not in there)
    return f"no {_kind(wish).removesuffix('s')} is named {lost}{_where(wish)}" if lost else ""


def _kind(wish: Wish) -> str:
    return "nodes" if wish.what == NODES else "running pods"


def _where(wish: Wish) -> str:
    if wish.what == NODES:
        place = ""
    else:
        place = f" in the namespace {shown(wish.namespace)}" if wish.namespace else " in any namespace"
    return f"{place} that the selector takes" if wish.selected else place
