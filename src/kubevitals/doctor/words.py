"""Words that several checks use. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubevitals.doctor.evidence import UNREACHABLE, Evidence, Seen, T, Unseen

_LONGEST = 300  # characters of what somebody else said


def said(asked: str, seen: Seen[T]) -> Iterator[str]:
    """Yield a line of evidence for an answer that was a refusal; nothing for a good one.

    Args:
        asked: the command that asks the same.
        seen: what came.
    """
    if isinstance(seen, Unseen) and seen.path:
        code = "no answer" if seen.code == UNREACHABLE else str(seen.code)
        yield f"{asked}: {code}, {shortened(seen.message)}"


def condition_line(evidence: Evidence) -> Iterator[str]:
    """Yield what the API server says about reaching the provider."""
    main = evidence.main
    condition = main.available if main else None
    if main is not None and condition is not None:
        said_ = shortened(condition.message)
        yield f"APIService {main.metadata.name}: Available={condition.status}, {condition.reason}: {said_}"


def shortened(text: str) -> str:
    """Return a text on one line and no longer than a few lines of a terminal."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def count(number: int, word: str) -> str:
    """Return ``1 node`` or ``3 nodes``."""
    return f"{number} {word}" if number == 1 else f"{number:,} {word}s"


def names(items: Sequence[str], most: int = 5) -> str:
    """Return some of the names, and how many more there are."""
    shown = ", ".join(items[:most])
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown
