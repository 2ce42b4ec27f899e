"""What a person wants to see: which objects, in which columns, in which order. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kubevitals.errors import SelectorError, UsageError
from kubevitals.selectors import parse_fields, parse_labels
from kubevitals.top import columns
from kubevitals.top.columns import Column
from kubevitals.top.export import CONTAINERS, NODES, PODS, TOTALS
from kubevitals.top.totals import BY_OWNER


@dataclass(frozen=True, slots=True)
class Wish:
    """Everything that the command line says.

    Args:
        what: NODES, PODS or CONTAINERS.
        namespace: of the pods; empty for all.
        names: of the nodes or pods; empty for all.
        labels: a label selector.
        fields: a field selector of pods.
        by: add up by one of ``totals.GROUPS``; empty for one row each.
        sort_by: the key of a column; empty for the order of names.
        total: whether the sum of all is shown.
        bounds: whether requests and limits of nodes are shown, for which all pods are read.
        wide: whether all columns are shown.
    """

    what: str
    namespace: str = ""
    names: tuple[str, ...] = ()
    labels: str = ""
    fields: str = ""
    by: str = ""
    sort_by: str = ""
    total: bool = False
    bounds: bool = True
    wide: bool = False

    @property
    def shape(self) -> str:
        """Which keys an exported row has."""
        return TOTALS if self.by else self.what

    @property
    def selected(self) -> bool:
        """Whether only some of the objects are wanted, so that metrics without an object are of no interest."""
        return bool(self.labels or self.fields)

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: with every problem.
        """
        problems = [*_unparsable("--selector", self.labels, parse_labels)]
        problems += _unparsable("--field-selector", self.fields, parse_fields)
        if self.names and (self.labels or self.fields):
            problems.append("name what you want to see, or select it, but not both")
        if self.names and self.what != NODES and not self.namespace:
            problems.append("names belong to one namespace: --all-namespaces does not go with them")
        if self.by and self.what == CONTAINERS:
            problems.append("--by adds pods up: --containers does not go with it")
        try:
            self.order()
        except UsageError as error:
            problems += error.problems
        if problems:
            raise UsageError(problems)

    def columns(self) -> tuple[Column, ...]:
        """Return the columns, of which those that are ``wide`` are shown when all are wanted."""
        if self.by:
            return columns.totals(self.by, namespaced=self.by == BY_OWNER and not self.namespace)
        if self.what == NODES:
            return columns.nodes()
        return columns.pods(namespaced=not self.namespace, containers=self.what == CONTAINERS)

    def order(self) -> Column | None:
        """Return the column to sort by, None for the order of names.

        Raises:
            UsageError: there is none of this name.
        """
        key = self.sort_by.lower()
        if not key:
            return None
        known = {column.key: column for column in self.columns()}
        found = known.get(key) or known.get(key.replace("memory", "mem")) or known.get(key.replace("mem", "memory"))
        if found is None:
            raise UsageError([f"--sort-by {self.sort_by}: there is no such column; there are {', '.join(known)}"])
        return found


def _unparsable(flag: str, text: str, parse: Callable[[str], object]) -> list[str]:
    try:
        parse(text)
    except SelectorError as error:
        return [f"{flag}: {error}"]
    return []


__all__ = ["CONTAINERS", "NODES", "PODS", "Wish"]
