"""What a check found: a sentence, what it was concluded from, and what helps. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from kubevitals.doctor.evidence import Evidence


class Hop(IntEnum):
    """The hops of a request and of the measurements, in the order in which they are walked."""

    REGISTRATION = 1
    SERVICE = 2
    POD = 3
    PATH = 4
    AUTHENTICATION = 5
    AUTHORIZATION = 6
    KUBELET = 7
    DATA = 8
    CONSUMER = 9

    @property
    def words(self) -> str:
        """The hop as a person reads it."""
        return _WORDS[self]


_WORDS = {
    Hop.REGISTRATION: "registration of the Metrics API",
    Hop.SERVICE: "Service and endpoints",
    Hop.POD: "the provider's pod",
    Hop.PATH: "API server → provider",
    Hop.AUTHENTICATION: "authentication of callers",
    Hop.AUTHORIZATION: "rights",
    Hop.KUBELET: "provider → kubelets",
    Hop.DATA: "what the kubelets report",
    Hop.CONSUMER: "consumers",
}

Level: TypeAlias = Literal["broken", "degraded", "symptom", "note"]
"""``broken``: nothing gets past this hop. ``degraded``: some nodes, pods or consumers are affected. ``symptom``: it
follows from something deeper, and counts as the cause only where nothing deeper is found. ``note``: nothing is wrong,
and whoever wonders is told why."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing to do.

    Args:
        text: what it does, and when it is the right one; a sentence.
        command: what to type or apply, ready to be copied; may have several lines, may be empty.
        insecure: gives up a protection: such remedies come last, and say what they give up.
    """

    text: str
    command: str = ""
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Args:
        summary: what is wrong, in one sentence that names the object.
        evidence: what was seen, a line each, as ``where: what it said``.
        remedies: the best first, insecure ones last.
        level: how much is affected.
        nodes: the nodes it is true for, where it is true for nodes.
    """

    summary: str
    evidence: tuple[str, ...]
    remedies: tuple[Remedy, ...]
    level: Level = "broken"
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the catalogue.

    Args:
        id: such as ``D03``; the heading of its section in ``docs/troubleshooting.md``.
        hop: where it looks.
        title: what is wrong when it finds something, in a few words.
        find: gives what it found; empty when all is well or when what it needs was not to be seen.
    """

    id: str
    hop: Hop
    title: str
    find: Callable[[Evidence], Iterable[Finding]]
