"""The body of a list, read while it arrives. Pure.

The first list is answered from the API server's cache, which ignores ``limit``: the metadata of 150,000 pods
comes as one body of some 300 MB. Go writes every list as ``{"kind":…,"metadata":{…},"items":[{…},{…}]}``; so
it can be cut between two items, and each piece between the list's own head and foot is a smaller list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from kubevitals.errors import ApiServerError
from kubevitals.informer.objects import Page

T = TypeVar("T")

_PIECE = 512 * 1024
_ITEMS = b'"items":['
_METADATA = b'"metadata":{'
_FOOT = b"]}"


class ListReader(Generic[T]):
    """Collects the items of one body, whatever chunks it comes in.

    A body of another form is read all the same, whole, at its end.

    Args:
        decode: reads a whole list.
        piece: bytes after which a cut is tried.
    """

    def __init__(self, decode: Callable[[bytes], Page[T]], *, piece: int = _PIECE) -> None:
        self._decode = decode
        self._piece = piece
        self._head = b""
        self._between = b""
        self._buffer = bytearray()
        self._due = piece
        self._items: list[T] = []

    def feed(self, chunk: bytes) -> None:
        """Take the next chunk."""
        self._buffer += chunk
        if len(self._buffer) >= self._due:
            self._cut()

    def finish(self) -> Page[T]:
        """Return the complete list.

        Raises:
            ApiServerError: the body is no list.
        """
        last = self._decode(self._head + self._buffer)
        return Page(self._items + last.items, last.resource_version, last.continue_)

    def _cut(self) -> None:
        if not self._head and not self._learn():
            return
        end = self._buffer.rfind(self._between) + 1
        try:
            if end:
                self._items += self._decode(self._head + self._buffer[:end] + _FOOT).items
                del self._buffer[:end]
                del self._buffer[: len(b",")]
        except ApiServerError:
            # What looked like the start of an item lies inside of one; a later cut may do.
            pass
        self._due = max(self._piece, 2 * len(self._buffer))

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
