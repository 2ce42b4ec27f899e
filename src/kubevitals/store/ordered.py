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

    __slots__ = ("_by_name", "_items", "_names")

    def __init__(self, items: Mapping[str, T] | None = None) -> None:
        self._by_name = dict(items or {})
        self._names = sorted(self._by_name)
        self._items = [self._by_name[name] for name in self._names]

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def get(self, name: str) -> T | None:
        """Return an item, None when there is none."""
        return self._by_name.get(name)

    def put(self, name: str, item: T) -> None:
        """Add an item, or replace the one of that name."""
        position = bisect_left(self._names, name)
        if name in self._by_name:
            self._items[position] = item
        else:
            self._names.insert(position, name)
            self._items.insert(position, item)
        self._by_name[name] = item

    def remove(self, name: str) -> bool:
        """Remove an item; return whether there was one."""
        if name not in self._by_name:
            return False
        del self._by_name[name]
        position = bisect_left(self._names, name)
        del self._names[position], self._items[position]
        return True

    def names(self) -> list[str]:
        """Return the names in order, as a list of the caller's own."""
        return self._names.copy()

    def items(self) -> list[T]:
        """Return the items in name order, as a list of the caller's own."""
        return self._items.copy()
