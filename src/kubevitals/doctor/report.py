"""What the checks found, in order: the first broken hop, then what else was seen. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubevitals.doctor.catalogue import CHECKS
from kubevitals.doctor.evidence import GROUP, Evidence, Unseen
from kubevitals.doctor.finding import Check, Finding, Hop
from kubevitals.doctor.scope import WHOLE, Scope
from kubevitals.doctor.states import state
from kubevitals.doctor.subjects import Subject, concerned, subject


@dataclass(frozen=True, slots=True)
class Item:
    """A finding and the row of the catalogue it belongs to."""

    check: Check
    finding: Finding


@dataclass(frozen=True, slots=True)
class Walked:
    """One hop as it was found.

    Args:
        hop: which.
        state: ``ok``, ``broken``, ``degraded``, or ``unseen`` when nothing of it could be looked at.
        words: what was seen of it, in a few words.
    """

    hop: Hop
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class Report:
    """The result.

    Args:
        hops: all of them, in order.
        first: what to mend first; None when all is well.
        others: what else was found, in the order of hops; it may follow from the first.
        unseen: what could not be looked at.
        subject: what was seen of the one object that was asked about; None for the whole.
        notes: what is as it has to be, and may still be wondered at.
    """

    hops: Sequence[Walked]
    first: Item | None
    others: Sequence[Item]
    unseen: Sequence[Unseen]
    subject: Subject | None = None
    notes: Sequence[Item] = ()

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return self.first is None


def examine(evidence: Evidence, checks: Iterable[Check] = CHECKS, scope: Scope = WHOLE) -> Report:
    """Return what the checks find.

    What is a mere symptom of something deeper comes first only when nothing deeper was found, the deepest then. With a
    scope, only what concerns its subject is reported.
    """
    items = [Item(check, found) for check in checks for found in check.find(evidence)]
    items = [item for item in items if concerned(evidence, scope, item.finding)]
    items.sort(key=lambda item: item.check.hop)
    notes = [item for item in items if item.finding.level == "note"]
    items = [item for item in items if item.finding.level != "note"]
    causes = [item for item in items if item.finding.level != "symptom"]
    broken = [item for item in causes if item.finding.level == "broken"]
    first = next(iter(broken or causes), None) or _deepest(items)
    return Report(
        [_walked(hop, evidence, items) for hop in Hop],
        first,
        [item for item in items if item is not first],
        [item for item in _unseen(evidence) if not (items and _follows(item))],
        subject(evidence, scope),
        notes,
    )


def _deepest(symptoms: Sequence[Item]) -> Item | None:
    """Return the symptom that the others follow from: the one farthest from who asks, before those who only consume."""
    inside = [item for item in symptoms if item.check.hop < Hop.CONSUMER]
    return max(inside or symptoms, key=lambda item: item.check.hop, default=None)


def _walked(hop: Hop, evidence: Evidence, items: Sequence[Item]) -> Walked:
    found = [item for item in items if item.check.hop == hop]
    if found:
        worst = "broken" if any(_stops(item.finding) for item in found) else "degraded"
        return Walked(hop, worst, f"{found[0].check.id} {found[0].check.title}")
    seen = state(hop, evidence)
    if seen:
        return Walked(hop, "ok", seen)
    behind = any(item.check.hop < hop and _stops(item.finding) for item in items)
    return Walked(hop, "unseen", "behind what is broken" if behind else "could not be looked at")


def _stops(finding: Finding) -> bool:
    """Return whether nothing gets past it; a symptom of some nodes leaves the others."""
    return finding.level == "broken" or (finding.level == "symptom" and not finding.nodes)


def _follows(unseen: Unseen) -> bool:
    """Return whether it is what findings are about: no answer of the provider or a kubelet, rather than a refusal."""
    passed_on = unseen.path.startswith(f"/apis/{GROUP}/") or "/proxy/" in unseen.path
    return passed_on and not unseen.forbidden


def _unseen(evidence: Evidence) -> Iterable[Unseen]:
    around = () if evidence.dashboard is None else vars(evidence.dashboard).values()
    for value in (*vars(evidence).values(), *around):
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
        for part in parts:
            if isinstance(part, Unseen) and part.path and not part.missing:
                yield part
