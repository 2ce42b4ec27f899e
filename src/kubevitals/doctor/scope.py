"""What is to be examined: the whole pipeline, or what one node, pod or autoscaler gets of it. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Scope(NamedTuple):
    """The subject; without one, the whole.

    Args:
        node: a node's name.
        pod: namespace and name of a pod.
        hpa: namespace and name of a HorizontalPodAutoscaler.
    """

    node: str = ""
    pod: tuple[str, str] | None = None
    hpa: tuple[str, str] | None = None


WHOLE = Scope()
