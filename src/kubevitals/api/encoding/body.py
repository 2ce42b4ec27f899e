"""A JSON-shaped answer before it is text: a few fields, and at most one long array, made in slices.

A form of text yields its pieces one by one, and an empty piece where a slice had nothing to show: after each of them
the server may turn to somebody else.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain


@dataclass(frozen=True, slots=True)
class Body:
    """One JSON object.

    Args:
        fields: the object without its array, as compact JSON with at least one field.
        key: the array's key, which comes last; empty when there is none.
        slices: the array's elements, each as compact JSON.
        empty: the whole object when the array has no element; when this is empty too, the array is ``[]``.
    """

    fields: bytes
    key: str = ""
    slices: Iterable[Sequence[bytes]] = ()
    empty: bytes = b""


def settled(body: Body) -> Generator[bytes, None, Body]:
    """Look whether the array has an element, and return the body as it then is: with one, or without an array to write.

    Yields an empty piece for each slice that is looked at in vain.
    """
    slices = iter(body.slices)
    for first in slices:
        if first:
            return replace(body, slices=chain([first], slices))
        yield b""
    return Body(body.empty or b'%b,"%b":[]}' % (body.fields[:-1], body.key.encode()) if body.key else body.fields)


def joined(slices: Iterable[Sequence[bytes]], separator: bytes) -> Iterator[bytes]:
    """Yield the elements of each slice as one piece, a separator before each element but the first."""
    between = b""
    for elements in slices:
        if elements:
            yield between + separator.join(elements)
            between = separator
        else:
            yield b""
