"""A pod or an autoscaler that was asked about."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.doctor.seen import healthy, kubelet, of, pod_metrics
from tests.doctor.test_checks_data import CONTAINER, NODE, POD, PREFIX, body, scaled

from kubevitals.cli.doctor import scope_of
from kubevitals.doctor.evidence import Evidence, Unseen
from kubevitals.doctor.objects import Pod
from kubevitals.doctor.reading import kubelets_to_ask
from kubevitals.doctor.report import examine
from kubevitals.doctor.scope import Scope
from kubevitals.doctor.subjects import missing
from kubevitals.errors import UsageError

CART = Scope(pod=("shop", "cart-0"))
HPA = Scope(hpa=("shop", "cart"))


def looked(**changes: object) -> Evidence:
    """The pod runs on node-2, whose kubelet was asked."""
    pod = {
        "metadata": {"namespace": "shop", "name": "cart-0"},
        "spec": {"nodeName": "node-2"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }
    kubelets = {"node-2": kubelet(body(NODE + POD + CONTAINER))}
    return replace(healthy(kubelets=kubelets, pod_metrics=[pod_metrics("shop", "cart-0")], pod=of(Pod, pod)), **changes)


def test_the_facts_of_a_pod():
    """Its state, its metrics, and what its kubelet reports of it."""
    assert examine(looked(), scope=CART).subject.facts == (
        ("state", "Running, ready"),
        ("node", "node-2"),
        ("metrics", "10 s old, over 15s"),
        ("use", "main 10m CPU, 64Mi"),
        ("kubelet", "reports cart"),
    )


def test_a_pod_without_metrics_is_told_why():
    """What the server withholds it for, and what its kubelet leaves out."""
    entry = {"kind": "pod", "namespace": "shop", "name": "cart-0", "reason": "container db: memory is zero"}
    kubelets = {"node-2": kubelet(body(NODE + POD))}
    report = examine(looked(pod_metrics=[], kubelets=kubelets, status={"withheld": [entry]}), scope=CART)
    facts = dict(report.subject.facts)
    assert (facts["metrics"], facts["withheld"]) == ("none", "container db: memory is zero")
    assert facts["kubelet"] == "reports none of its containers"
    assert {report.first.check.id, *(item.check.id for item in report.others)} == {"D32", "D33"}


def test_only_the_kubelet_of_the_pod_is_asked():
    """Nothing is asked when there is no such pod."""
    gone = looked(pod=Unseen("/api/v1/namespaces/shop/pods/cart-0", 404, "not found"))
    assert kubelets_to_ask(looked(), CART) == ["node-2"]
    assert kubelets_to_ask(gone, CART) == []
    assert 'no pod "cart-0" in namespace "shop"' in missing(gone, CART)
    assert missing(looked(), CART) == ""


def test_the_facts_of_an_autoscaler():
    """What it scales and what its controller says; what is wrong with others is none of its business."""
    starved = scaled(f"{PREFIX}missing request for cpu in container proxy of Pod cart-0")
    report = examine(starved, scope=HPA)
    assert dict(report.subject.facts)["scales"] == "Deployment cart"
    assert report.first.check.id == "D38"
    assert examine(starved, scope=Scope(hpa=("shop", "till"))).healthy
    assert missing(starved, HPA) == ""
    assert 'no autoscaler "till"' in missing(starved, Scope(hpa=("shop", "till")))


@pytest.mark.parametrize(
    ("subject", "scope"),
    [
        (("pod", "shop/cart-0"), CART),
        (("pod", "cart-0"), Scope(pod=("default", "cart-0"))),
        (("hpa", "shop/cart"), HPA),
    ],
)
def test_where_they_are(subject, scope):
    """A name without a namespace is in the context's."""
    assert scope_of(subject, "default") == scope


@pytest.mark.parametrize("name", ["../x", "a/b/c", "", "A", "shop/", "/x"])
def test_a_name_that_none_has(name):
    """It would become part of a path."""
    for kind in ("pod", "hpa"):
        with pytest.raises(UsageError):
            scope_of((kind, name), "default")
