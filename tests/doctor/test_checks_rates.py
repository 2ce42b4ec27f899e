"""Pods that are too young for a rate, and counters that go back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.doctor.clinic import printed, same_as_golden
from tests.doctor.kubelets import upstream
from tests.doctor.seen import PROVIDER, at, found, healthy, of, pod_metrics, provider

from kubevitals.doctor.evidence import Evidence, Unseen
from kubevitals.doctor.objects import Pod
from kubevitals.doctor.report import examine
from kubevitals.doctor.scope import Scope

CART = Scope(pod=("shop", "cart-0"))
EVERY_15_S = provider(args=("--metric-resolution=15s",))
BACK = "unexpected decrease in cumulative CPU usage value"
EARLIER = "unexpected decrease in startTime of node/container"


# --- D34 ----------------------------------------------------------------------------------------------------


def started(ago: float, *, phase: str = "Running", restarts: int = 0, reason: str = "", **changes: Any) -> Evidence:
    """The pod was asked about, its container runs for so long, and there are no metrics of it."""
    state = {"name": "cart", "restartCount": restarts, "state": {"running": {"startedAt": at(ago)}}}
    pod = {
        "metadata": {"namespace": "shop", "name": "cart-0"},
        "spec": {"nodeName": "node-2"},
        "status": {"phase": phase, "containerStatuses": [state]},
    }
    entry = {"kind": "Pod", "namespace": "shop", "name": "cart-0", "reason": reason}
    status = {"nodes": [], "withheld": [entry]} if reason else Unseen("x", 404, "not found")
    return healthy(**{"pods": [EVERY_15_S], "pod": of(Pod, pod), "pod_metrics": [], "status": status} | changes)


def test_a_young_pod_is_told_when_it_will_appear():
    """D34 as a person reads it, letter by letter."""
    report = examine(started(10, reason="container cart was first seen in this scrape"), scope=CART)
    assert report.first is not None
    assert report.first.check.id == "D34"
    assert same_as_golden("D34", printed(report))


def test_the_time_is_two_scrapes_after_the_start():
    """It started at 07:59:50 and is scraped every 15 s."""
    assert "by 08:00:20 UTC" in found(started(10))["D34"].summary


def test_the_server_that_still_withholds_it_is_believed():
    """A scrape may have been missed: it will appear with the next."""
    withheld = started(40, reason="container cart was first seen in this scrape")
    assert "by 08:00:15 UTC" in found(withheld)["D34"].summary


def test_a_container_that_restarts_is_told_of():
    """Each restart begins anew, so that such a pod may never be there."""
    (_, look) = found(started(10, restarts=4, reason="container cart restarted since the scrape before"))[
        "D34"
    ].remedies
    assert look.command == "kubectl -n shop logs cart-0 --previous"


@pytest.mark.parametrize(
    "evidence",
    [
        started(40),
        started(10, phase="Pending"),
        started(10, phase="Succeeded"),
        started(10, pod_metrics=[pod_metrics("shop", "cart-0")]),
        started(10, pod_metrics=Unseen("/apis/metrics.k8s.io/v1beta1/pods", 403, "forbidden")),
        started(10, pod=Unseen("", 0, "not asked")),
    ],
)
def test_no_young_pod(evidence):
    """One that is old enough, does not run, has metrics, or was not asked about; the whole has no such finding."""
    assert "D34" not in found(evidence)


# --- D36 ----------------------------------------------------------------------------------------------------


def text(second: int, name: str = "cart-0", said: str = BACK) -> str:
    """A line of metrics-server."""
    pairs = f'err="{said}" container="cart" pod="shop/{name}"'
    return f'E0115 07:50:{second:02}.000000       1 pod.go:74] "Skipping container usage metric" {pairs}\n'


def as_json(second: int, name: str = "cart-0") -> str:
    """The same with --logging-format=json."""
    pod = {"name": name, "namespace": "shop"}
    line = {"ts": 1.8e12 + 1000 * second, "msg": "Skipping container usage metric", "pod": pod, "err": BACK}
    return json.dumps(line) + "\n"


def of_node(second: int) -> str:
    """The same of a node."""
    return f'E0115 07:50:{second:02}.000000 1 node.go:54] "Skipping node usage metric" err="{EARLIER}" node="node-2"\n'


def logged(*lines: str) -> Evidence:
    """Metrics-server has written this, and scrapes every 15 s."""
    return healthy(**upstream(logs={PROVIDER: "".join(lines)}))


def withheld(
    count: int, reason: str = "container cart has a CPU counter that went back, as after a restart"
) -> Evidence:
    """Kubevitals withholds so many pods."""
    entries = [{"kind": "Pod", "namespace": "shop", "name": f"cart-{at}", "reason": reason} for at in range(count)]
    return healthy(status={"nodes": [], "withheld": entries})


def test_counters_that_go_back_again_and_again():
    """D36 as a person reads it, letter by letter; it is the only finding."""
    evidence = logged(text(0), text(15), text(45))
    assert list(found(evidence)) == ["D36"]
    assert same_as_golden("D36", printed(examine(evidence)))


@pytest.mark.parametrize(
    ("evidence", "named"),
    [
        (logged(as_json(0), as_json(30)), "shop/cart-0"),
        (logged(of_node(0), of_node(40)), "node node-2"),
        (logged(text(0, said=EARLIER), text(31, said=EARLIER)), "shop/cart-0"),
        (logged(*(text(at, f"cart-{at}") for at in range(10))), "shop/cart-0, shop/cart-1, shop/cart-2 and 7 more"),
        (withheld(12), "shop/cart-0, shop/cart-1, shop/cart-2 and 9 more"),
    ],
)
def test_how_it_is_said(evidence, named):
    """Whoever says it, and in which format, the objects are named."""
    finding = found(evidence)["D36"]
    assert finding.summary.startswith(f"CPU counters of {named} go back")
    assert finding.level == "degraded"


@pytest.mark.parametrize(
    "evidence",
    [
        logged(text(0)),
        logged(text(0), text(5), text(14)),  # one restart, and three people who looked
        logged(*(text(at, f"cart-{at}") for at in range(9))),
        logged(text(0), text(45, "till-0")),
        logged(text(0, said="something else"), text(45, said="something else")),
        withheld(9),
        withheld(12, "container cart was first seen in this scrape"),
    ],
)
def test_restarts_are_no_finding(evidence):
    """What passes by itself is not told."""
    assert found(evidence) == {}
