"""All nodes that fail alike, as one finding. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubevitals.doctor.evidence import Evidence, Unseen, some
from kubevitals.doctor.finding import Finding, Level, Remedy
from kubevitals.doctor.objects import Node
from kubevitals.doctor.troubles import NodeTrouble, troubles
from kubevitals.doctor.words import count, names, shortened

_SHOWN = 3  # different things that were said
Group = Sequence[NodeTrouble]


def group(evidence: Evidence, *rows: str) -> list[NodeTrouble]:
    """Return the troubles of these rows, without nodes that are NotReady: those cannot be expected to answer."""
    quiet = set(not_ready(evidence))
    return [found for found in troubles(evidence) if found.row in rows and found.node not in quiet]


def not_ready(evidence: Evidence) -> dict[str, Node]:
    """Return the nodes whose Ready condition is not true, by name."""
    return {node.metadata.name: node for node in some(evidence.nodes) if not node.ready}


def node_objects(evidence: Evidence, found: Group) -> list[Node]:
    """Return the nodes of a group, as far as nodes may be listed."""
    named = {trouble.node for trouble in found}
    return [node for node in some(evidence.nodes) if node.metadata.name in named]


def finding(
    evidence: Evidence,
    found: Group,
    summary: str,
    remedies: Sequence[Remedy],
    more: Sequence[str] = (),
    *,
    level: Level | None = None,
) -> Finding:
    """Return the finding for a group.

    Args:
        evidence: tells whether any node is measured.
        found: the group, not empty.
        summary: a sentence.
        remedies: what helps.
        more: lines of evidence after what was said of the nodes.
        level: another than what follows from whether nodes are measured.
    """
    nodes = tuple(trouble.node for trouble in found)
    return Finding(summary, (*_said(found), *more), tuple(remedies), level or _level(evidence, nodes), nodes)


def how_many(evidence: Evidence, found: Group) -> str:
    """Return ``3 of 10 nodes``, ``3 nodes`` when it is not known of how many, with ``at least`` where more may fail."""
    if isinstance(evidence.nodes, Unseen):
        return count(len(found), "node")
    known = {trouble.node for trouble in troubles(evidence)} | set(not_ready(evidence))
    more = isinstance(evidence.node_metrics, Unseen) and len(known) < len(evidence.nodes)
    return f"{'at least ' if more else ''}{len(found):,} of {count(len(evidence.nodes), 'node')}"


def named(found: Sequence[str]) -> str:
    """Return ``node a``, or ``nodes a, b``, with some of the names."""
    return f"{'node' if len(found) == 1 else 'nodes'} {names(found)}"


def _level(evidence: Evidence, nodes: Sequence[str]) -> Level:
    """Return ``broken`` when no node at all is measured."""
    if not isinstance(evidence.node_metrics, Unseen):
        return "degraded" if evidence.node_metrics else "broken"
    everywhere = not isinstance(evidence.nodes, Unseen) and len(nodes) + len(not_ready(evidence)) >= len(evidence.nodes)
    return "broken" if everywhere else "degraded"


def _said(found: Group) -> Iterator[str]:
    """Yield each different thing that was said, with the first node it was said of and how many there are."""
    alike: dict[str, list[NodeTrouble]] = {}
    for trouble in found:
        alike.setdefault(_common(trouble.said), []).append(trouble)
    for same in sorted(alike.values(), key=len, reverse=True)[:_SHOWN]:
        first = same[0]
        of = f" (and {count(len(same) - 1, 'node')} more alike)" if len(same) > 1 else ""
        yield f"{first.seen}, {first.node}: {shortened(first.said)}{of}"
    if len(alike) > _SHOWN:
        yield f"and {len(alike) - _SHOWN} other wordings"


def _common(said: str) -> str:
    """Return what is left of a text without what names the node: addresses, names and numbers."""
    return " ".join(word for word in said.split() if not any(char.isdigit() for char in word))
