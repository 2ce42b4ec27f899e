"""What is known about scraping each node, and the same in one line. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from kubevitals.errors import ScrapeError
from kubevitals.model import Batch, DroppedPod
from kubevitals.scraper.causes import CAUSES

_SHOWN: Final = 3  # causes that a summary names
_EXPECTED: Final = "node not ready"


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """How scraping one node goes. Times are seconds since the epoch.

    Args:
        node: the node's name.
        ok: whether the last scrape brought a batch.
        since: when the node got into this state.
        address: the address dialled last; empty when it never came to that.
        cause: a key of CAUSES, empty while ok; ``detail`` and ``remedy`` belong to it.
        expected: the node is not ready or terminating, so that its failure is no news.
        last_success: None when there was none.
        node_reason: why the last batch has no point for the node itself; empty when it has one.
        dropped: pods of the last batch that have no usable point.
        warnings: what the last batch's decoder tolerated or was told.
    """

    node: str
    ok: bool
    since: float
    address: str = ""
    cause: str = ""
    detail: str = ""
    remedy: str = ""
    expected: bool = False
    last_success: float | None = None
    node_reason: str = ""
    dropped: tuple[DroppedPod, ...] = ()
    warnings: tuple[str, ...] = ()

    def same_state(self, other: NodeStatus | None) -> bool:
        """Tell whether nothing changed that is worth a line in the log."""
        return other is not None and (self.ok, self.cause, self.expected) == (
            other.ok,
            other.cause,
            other.expected,
        )


def succeeded(before: NodeStatus | None, node: str, address: str, batch: Batch, now: float) -> NodeStatus:
    """Return the status after a scrape that brought a batch."""
    return NodeStatus(
        node,
        ok=True,
        since=_since(before, now, ok=True),
        address=address,
        last_success=now,
        node_reason=batch.node_reason,
        dropped=batch.dropped,
        warnings=batch.warnings,
    )


def failed(
    before: NodeStatus | None, node: str, address: str, error: ScrapeError, now: float, *, expected: bool
) -> NodeStatus:
    """Return the status after a scrape that failed."""
    return NodeStatus(
        node,
        ok=False,
        since=_since(before, now, ok=False),
        address=address,
        cause=error.cause,
        detail=error.detail,
        remedy=error.remedy,
        expected=expected,
        last_success=before.last_success if before else None,
    )


def _since(before: NodeStatus | None, now: float, *, ok: bool) -> float:
    return before.since if before and before.ok == ok else now


def summary(statuses: Collection[NodeStatus], nodes: int) -> str:
    """Return one line such as ``3 of 12 nodes scraped: 9 × kubelet certificate self-signed``.

    Args:
        statuses: of the nodes that were scraped at least once.
        nodes: how many nodes there are.
    """
    if not nodes:
        return "no nodes to scrape"
    scraped = sum(status.ok for status in statuses)
    line = f"{scraped} of {nodes} node{'s' if nodes != 1 else ''} scraped"
    faults = _faults(statuses)
    if waiting := nodes - len(statuses):
        faults["not scraped yet"] = waiting
    named = [f"{count} × {title}" for title, count in faults.most_common(_SHOWN)]
    if rest := faults.total() - sum(count for _, count in faults.most_common(_SHOWN)):
        named.append(f"{rest} × other causes")
    return f"{line}: {', '.join(named)}" if named else line


def dominant(statuses: Iterable[NodeStatus]) -> str:
    """Return the cause that most nodes fail with, of those that should not; empty when there is none."""
    causes = Counter(status.cause for status in statuses if not status.ok and not status.expected)
    return causes.most_common(1)[0][0] if causes else ""


def _faults(statuses: Iterable[NodeStatus]) -> Counter[str]:
    return Counter(_EXPECTED if status.expected else CAUSES[status.cause].title for status in statuses if not status.ok)
