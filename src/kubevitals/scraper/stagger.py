"""When within a cycle each node is scraped. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

_BATCH: Final = 8  # nodes asked at once: each wake-up, here and at the other end, is shared, and no request waits long
_PER_NODE: Final = 0.008  # seconds; so a cycle of some nodes is over soon,
_SHORT: Final = 4.0  # and one of many within this, as metrics-server's,
_LEAST_PER_NODE: Final = 0.002  # unless that leaves the server hardly a moment for anything else
_SHARE: Final = 2 / 3  # of the resolution, at most: the last node needs time to answer


def stagger(nodes: Sequence[T], resolution: float) -> list[tuple[float, Sequence[T]]]:
    """Return the nodes in small groups, each with the seconds after the cycle's start at which it is scraped.

    Nodes keep their order, and with it their place: a node is scraped a resolution after it was scraped last, so that
    its windows are as long as each other, as long as none comes or goes.
    """
    groups = [nodes[start : start + _BATCH] for start in range(0, len(nodes), _BATCH)]
    apart = spread(len(nodes), resolution) / max(1, len(groups))
    return [(number * apart, group) for number, group in enumerate(groups)]


def spread(nodes: int, resolution: float) -> float:
    """Return the seconds over which the scrapes of so many nodes are spread."""
    return min(_PER_NODE * nodes, max(_SHORT, _LEAST_PER_NODE * nodes), _SHARE * resolution)
