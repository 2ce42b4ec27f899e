"""A mapping whose items are always in key order. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Ordered(Generic[T]):
    """Items by name, kept in the byte order of their names while they come and go.

    Comparing Python strings orders by code point, which is the byte order of UTF-8.
    """

    __slots__ = ("_items", "_names")  # and no mapping from name to item: it would cost more than both

    def __init__(self, items: Mapping[str, T] | None = None) -> None:
        held = items or {}
        self._names = sorted(held)
        self._items = [held[name] for name in self._names]

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: str) -> bool:
        return self._holds(name, self._position(name))

    def get(self, name: str) -> T | None:
        """Return an item, None when there is none."""
        position = self._position(name)
        return self._items[position] if self._holds(name, position) else None

    def put(self, name: str, item: T) -> None:
        """Add an item, or replace the one of that name; quickest when it comes last."""
        position = self._position(name)
        if self._holds(name, position):
            self._names[position] = name  # most often a string of the item's own, so that the old one can go
            self._items[position] = item
        else:
            self._names.insert(position, name)
            self._items.insert(position, item)

    def remove(self, name: str) -> bool:
        """Remove an item; return whether there was one."""
        position = self._position(name)
        if not self._holds(name, position):
            return False
        del self._names[position], self._items[position]
        return True

    def names(self) -> list[str]:
        """Return the names in order, as a list of the caller's own."""
        return self._names.copy()

    def items(self) -> list[T]:
        """Return the items in name order, as a list of the caller's own."""
        return self._items.copy()

    def _position(self, name: str) -> int:
        """Return where a name is, or would be."""
        names = self._names
        return bisect_left(names, name) if names and name <= names[-1] else len(names)

    def _holds(self, name: str, position: int) -> bool:
        return position < len(self._names) and self._names[position] == name
