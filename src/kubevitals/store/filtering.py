"""Which of many objects are asked for, by their labels. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kubevitals.model import Labels, Node
from kubevitals.selectors import LabelSelector


class LabelFilter:
    """Selects among thousands of objects by their labels, most of which it need not read for that.

    Args:
        selectors: all of them have to match.
    """

    def __init__(self, *selectors: LabelSelector) -> None:
        self._selectors = [selector for selector in selectors if not selector.empty]
        self._needed = [text for selector in self._selectors for text in selector.needed]

    @property
    def empty(self) -> bool:
        """True when every object is selected."""
        return not self._selectors

    def matches(self, labels: Labels) -> bool:
        """Tell whether an object with these labels is selected."""
        for text in self._needed:
            if text not in labels.json:  # a glance that spares reading nearly all of them
                return False
        pairs = labels.pairs
        return all(selector.matches(pairs) for selector in self._selectors)

    def nodes(self, nodes: Sequence[Node]) -> Sequence[Node]:
        """Return the nodes that are selected."""
        return nodes if self.empty else [node for node in nodes if self.matches(node.labels)]
