"""A JSON-shaped answer before it is text: a few fields, and at most one long array, in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_GROUP = 1024  # elements joined to one chunk: few enough to stay in cache, enough that chunks are few


@dataclass(frozen=True, slots=True)
class Body:
    """One JSON object.

    Args:
        fields: the object without its array, as compact JSON with at least one field.
        key: the array's key, which comes last; empty when there is none.
        elements: the array's elements, each as compact JSON.
    """

    fields: bytes
    key: str = ""
    elements: Sequence[bytes] = ()


def joined(elements: Sequence[bytes], separator: bytes) -> Iterator[bytes]:
    """Yield the elements joined to larger pieces, a separator before each element but the first."""
    for start in range(0, len(elements), _GROUP):
        piece = separator.join(elements[start : start + _GROUP])
        yield separator + piece if start else piece
