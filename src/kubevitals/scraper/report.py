"""What the log says about scraping: changes of state, never repetitions."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from kubevitals import logs
from kubevitals.scraper.exposition import SCRAPE_ERROR
from kubevitals.scraper.status import NodeStatus, dominant

_log = logs.get(__name__)
_REMIND: Final = 300.0  # seconds
_QUIET: Final = 4  # verbosity for what thousands of nodes may do at once, and nobody needs to know


def node_changed(before: NodeStatus | None, after: NodeStatus) -> None:
    """Log one line when a node's state changed."""
    if not after.ok:
        _node_failed(before, after)
        return
    if before is None:
        _log.v(_QUIET, "Node scraped for the first time", node=after.node, address=after.address)
    elif not before.ok:
        _node_recovered(before, after)
    _warnings_changed(before, after)


def _node_failed(before: NodeStatus | None, after: NodeStatus) -> None:
    if after.same_state(before):
        return
    pairs = {
        "node": after.node,
        "address": after.address,
        "cause": after.cause,
        "detail": after.detail,
        "remedy": after.remedy,
    }
    if after.expected:
        _log.v(_QUIET, "Node that is not ready cannot be scraped", **pairs)
    else:
        _log.warning("Node cannot be scraped", **pairs)


def _node_recovered(before: NodeStatus, after: NodeStatus) -> None:
    seconds = round(after.since - before.since)
    pairs = {"node": after.node, "address": after.address, "cause": before.cause, "failedForSeconds": seconds}
    if before.expected:
        _log.v(_QUIET, "Node is scraped again", **pairs)
    else:
        _log.info("Node is scraped again", **pairs)


def _warnings_changed(before: NodeStatus | None, after: NodeStatus) -> None:
    old = before.warnings if before else ()
    if after.warnings == old:
        return
    if (SCRAPE_ERROR in after.warnings) != (SCRAPE_ERROR in old):
        _scrape_error(after)
    _log.v(2, "Remarks on the metrics of a node", node=after.node, remarks=after.warnings)


def _scrape_error(after: NodeStatus) -> None:
    if SCRAPE_ERROR in after.warnings:
        remedy = "Look into the kubelet's log for errors of its container runtime."
        _log.warning("Kubelet reports an error with its container metrics", node=after.node, remedy=remedy)
    else:
        _log.info("Kubelet no longer reports an error with its container metrics", node=after.node)


class Picture:
    """Remembers what most nodes suffer from, and logs a summary when that changes, or goes on for minutes.

    Args:
        tell: told cause and summary whenever they are logged; the cause is empty when none dominates.
    """

    def __init__(self, tell: Callable[[str, str], None] = lambda cause, summary: None) -> None:
        self._tell = tell
        self._shown: tuple[str, bool] | None = None
        self._shown_at = 0.0

    def update(self, statuses: Collection[NodeStatus], summary: str, at: float) -> None:
        """Log the summary when another cause dominates, or when the last or first node is scraped.

        While nodes fail that should not, it is logged every five minutes: who looks at the last lines then finds it.

        Args:
            statuses: of all nodes.
            summary: them in one line.
            at: monotonic seconds.
        """
        cause = dominant(statuses)
        picture = cause, any(status.ok for status in statuses)
        if picture == self._shown and not (cause and at - self._shown_at >= _REMIND):
            return
        self._shown, self._shown_at = picture, at
        self._tell(cause, summary)
        if not cause:
            _log.info("Scraping nodes", summary=summary)
        elif picture[1]:
            _log.warning("Some nodes cannot be scraped", summary=summary, cause=cause)
        else:
            _log.error("No node can be scraped", summary=summary, cause=cause)
