"""What a request for metrics is answered with, before it is bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubevitals.api.group import GROUP
from kubevitals.model import Node, NodeUsage, Pod, PodUsage

NodeItem = tuple[Node, NodeUsage]
PodItem = tuple[Pod, PodUsage]


@dataclass(frozen=True, slots=True)
class Answer:
    """Objects with their usage, in the order in which they are sent.

    ``kind`` is that of one object (``NodeMetrics`` or ``PodMetrics``), also for a list, and decides what
    ``items`` holds. ``version`` is ``v1beta1`` or ``v1``. With ``single`` there is exactly one item.
    ``resource_version`` is the list's; when it is empty neither the list nor its items carry one.
    """

    kind: str
    version: str
    items: Sequence[NodeItem] | Sequence[PodItem]
    single: bool = False
    resource_version: str = ""

    @property
    def api_version(self) -> str:
        """The apiVersion of the objects, such as ``metrics.k8s.io/v1beta1``."""
        return f"{GROUP}/{self.version}"
