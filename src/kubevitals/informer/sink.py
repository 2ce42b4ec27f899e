"""Where the copy of a resource is kept. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Stage(Protocol[T]):
    """A complete list in the making, which nobody sees before it is complete; it may be dropped at any time."""

    def add(self, items: list[T], /) -> None:
        """Take the next items."""
        ...

    def commit(self) -> Iterator[None]:
        """Put the list in place, whole, with the first step; further steps finish, a little each, what that entails."""
        ...


@dataclass(frozen=True, slots=True)
class Sink(Generic[T]):
    """Where the copy is kept.

    Args:
        replace: takes all objects there are; what it does not name is gone.
        upsert: takes one object, new or changed.
        remove: takes one object that is gone.
        stage: begins a list that is taken piece by piece, instead of by ``replace``; for large ones.
    """

    replace: Callable[[list[T]], None]
    upsert: Callable[[T], None]
    remove: Callable[[T], None]
    stage: Callable[[], Stage[T]] | None = None

    def begin(self) -> Stage[T]:
        """Begin a complete list."""
        return _Gathered(self.replace) if self.stage is None else self.stage()


class _Gathered(Generic[T]):
    """Keeps the items until they are complete, and hands them over in one go."""

    def __init__(self, replace: Callable[[list[T]], None]) -> None:
        self._replace = replace
        self._items: list[T] = []

    def add(self, items: list[T], /) -> None:
        self._items += items

    def commit(self) -> Iterator[None]:
        self._replace(self._items)
        yield
