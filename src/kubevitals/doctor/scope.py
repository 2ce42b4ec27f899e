"""What is to be examined: the whole pipeline, or what one node gets of it. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Scope(NamedTuple):
    """The subject; without one, the whole.

    Args:
        node: a node's name.
    """

    node: str = ""


WHOLE = Scope()
