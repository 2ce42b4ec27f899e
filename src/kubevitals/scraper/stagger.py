"""When within a cycle each node is scraped. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

_BATCH: Final = 10  # nodes asked at once: what all scrapes need stays in the processor's caches from one to the next
_PER_NODE: Final = 0.008  # seconds; so a cycle of some nodes is over soon,
_SHORT: Final = 4.0  # and one of many within this, as metrics-server's,
_LEAST_PER_NODE: Final = 0.002  # unless that leaves the server hardly a moment for anything else
_SHARE: Final = 2 / 3  # of the cycle, at most: the last node needs time to answer
_STRANGER: Final = 0.004  # seconds; a TLS handshake takes 1 to 3 ms of CPU, and others want some as well


def length(resolution: float, strangers: int) -> float:
    """Return how many seconds a cycle may take, given how many of its nodes there is no connection to yet.

    One resolution, unless there are so many handshakes to make, as in the first cycle of 5,000 nodes, that in this
    time none of them would leave room for anything else, and the last would come to nothing.
    """
    return max(resolution, _STRANGER * strangers / _SHARE)


def stagger(nodes: Sequence[T], seconds: float, strangers: int = 0) -> list[tuple[float, Sequence[T]]]:
    """Return the nodes in small groups, each with the seconds after the cycle's start at which it is scraped.

    Args:
        nodes: in an order that stays the same.
        seconds: how long the cycle may take.
        strangers: how many of the nodes there is no connection to yet.

    Nodes keep their order, and with it their place: a node is scraped a resolution after it was scraped last, so that
    its windows are as long as each other, as long as none comes or goes.
    """
    groups = [nodes[start : start + _BATCH] for start in range(0, len(nodes), _BATCH)]
    apart = spread(len(nodes), seconds, strangers) / max(1, len(groups))
    return [(number * apart, group) for number, group in enumerate(groups)]


def spread(nodes: int, seconds: float, strangers: int = 0) -> float:
    """Return over how many seconds of a cycle the scrapes of so many nodes are spread."""
    enough = max(_SHORT, _LEAST_PER_NODE * nodes, _STRANGER * strangers)
    return min(_PER_NODE * nodes, enough, _SHARE * seconds)
