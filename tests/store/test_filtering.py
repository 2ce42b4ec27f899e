"""Choosing among many objects by their labels."""

from __future__ import annotations

from kubevitals.model import Labels, Node
from kubevitals.selectors import parse_labels
from kubevitals.store.filtering import LabelFilter


def test_a_filter_agrees_with_its_selectors():
    """What spares reading labels changes nothing about which match; no selector selects everything."""
    sets = [
        Labels(text) for text in (b"{}", b'{"app":"web"}', b'{"app":"web","tier":"db"}', b'{"app":"mail","x":"web"}')
    ]
    for first in ("", "app=web", "app!=web", "tier", "app in (web,mail),tier notin (db)"):
        for second in ("", "tier=db", "!x"):
            selectors = [parse_labels(first), parse_labels(second)]
            chosen = LabelFilter(*selectors)
            assert chosen.empty is (not first and not second)
            for labels in sets:
                expected = all(selector.matches(labels.pairs) for selector in selectors)
                assert chosen.matches(labels) is expected, (first, second, labels)
    nodes = [Node("a", sets[1]), Node("b", sets[2])]
    assert LabelFilter().nodes(nodes) is nodes
    assert LabelFilter(parse_labels("tier=db")).nodes(nodes) == nodes[1:]
    assert LabelFilter(parse_labels("tier!=db")).nodes([Node("c")]) == [Node("c")]
