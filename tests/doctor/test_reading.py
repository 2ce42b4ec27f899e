"""How much is asked does not grow with the cluster."""

from __future__ import annotations

from tests.doctor.seen import healthy, node, node_metrics

from kubevitals.doctor.reading import kubelets_to_ask
from kubevitals.doctor.report import examine
from kubevitals.doctor.scope import WHOLE, Scope


def test_few_kubelets_of_many_are_asked():
    """Of a thousand nodes twenty without metrics and five with are asked; one that is named is asked alone."""
    names = [f"node-{at}" for at in range(1000)]
    nodes = [node(name) for name in names]
    half = healthy(nodes=nodes, node_metrics=[node_metrics(name) for name in names[500:]])
    chosen = kubelets_to_ask(half, WHOLE)
    assert (len(chosen), sum(name in names[:500] for name in chosen)) == (25, 20)
    assert len(kubelets_to_ask(healthy(nodes=nodes, node_metrics=list(map(node_metrics, names))), WHOLE)) == 5
    assert kubelets_to_ask(half, Scope(node="node-7")) == ["node-7"]


def test_it_says_of_how_many_it_speaks():
    """Whoever reads it knows that it is a sample."""
    assert any("2 of 2 kubelets asked" in walked.words for walked in examine(healthy()).hops)
