"""The body of a list, read while it arrives. Pure.

The first list is answered from the API server's cache, which ignores ``limit``: the metadata of 150,000 pods
comes as one body of some 300 MB. Go writes every list as ``{"kind":…,"metadata":{…},"items":[{…},{…}]}``; so
it can be cut between two items, and each piece between the list's own head and foot is a smaller list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from kubevitals.errors import ApiServerError
from kubevitals.informer.objects import Page

T = TypeVar("T")

_PIECE = 256 * 1024  # some milliseconds of work
_ITEMS = b'"items":['
_METADATA = b'"metadata":{'
_FOOT = b"]}"


class ListReader(Generic[T]):
    """Reads the items of one body, whatever chunks it comes in.

    A body of another form is read all the same, whole, at its end.

    Args:
        decode: reads a whole list.
        piece: bytes after which a cut is tried, and to be read at a time.
    """

    def __init__(self, decode: Callable[[bytes], Page[T]], *, piece: int = _PIECE) -> None:
        self._decode = decode
        self._piece = piece
        self._head = b""
        self._between = b""
        self._buffer = bytearray()
        self._due = piece

    def feed(self, chunk: bytes) -> Iterator[list[T]]:
        """Take the next chunk, and yield the items that are complete with it, piece by piece."""
        self._buffer += chunk
        while len(self._buffer) >= self._due:
            yield self._cut()

    def finish(self) -> Page[T]:
        """Return the items that were not yielded yet, and what the list says about itself.

        Raises:
            ApiServerError: the body is no list.
        """
        return self._decode(self._head + self._buffer)

    def _cut(self) -> list[T]:
        if not self._head and not self._learn():
            return []
        end = self._buffer.rfind(self._between, 0, self._due) + 1
        try:
            items = self._decode(self._head + self._buffer[:end] + _FOOT).items if end else []
        except ApiServerError:
            # What looked like the start of an item lies inside of one; a later cut may do.
            end, items = 0, []
        del self._buffer[:end]
        del self._buffer[: len(b",") if end else 0]
        self._due = self._piece if end else 2 * self._due
        return items

    def _learn(self) -> bool:
        """Find the list's head, and how its items begin."""
        start = self._buffer.find(_ITEMS, 0, self._piece) + len(_ITEMS)
        first = self._buffer.find(_METADATA, start, start + self._piece)
        if start < len(_ITEMS) or first < 0:
            self._due *= 2
            return False
        self._between = b"}," + bytes(self._buffer[start : first + len(_METADATA)])
        self._head = bytes(self._buffer[:start])
        del self._buffer[:start]
        return True
