"""A block of a report: one object, and what was seen of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """What was seen of the object that was asked about.

    Args:
        title: kind and name, such as ``node node-1``.
        facts: pairs of a few words and what was seen, in the order in which they are shown.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
