"""What kubelets report, and what autoscalers get of it: each row is one change away from a healthy cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.doctor.clinic import printed, same_as_golden
from tests.doctor.seen import NOW, found, healthy, kubelet, of

from kubevitals.doctor.evidence import Evidence
from kubevitals.doctor.objects import Autoscaler
from kubevitals.doctor.report import examine

NODE = "node_cpu_usage_seconds_total 12.5 {ms}\nnode_memory_working_set_bytes 1.5e+09 {ms}\n"
POD = 'pod_cpu_usage_seconds_total{{namespace="shop",pod="cart-0"}} 3.5 {ms}\n'
CONTAINER = 'container_cpu_usage_seconds_total{{container="cart",namespace="shop",pod="cart-0"}} 3.5 {ms}\n'


def body(text: str, ago: float = 5.0) -> bytes:
    """A kubelet's answer, with the time of its samples."""
    return text.format(ms=int((NOW - ago) * 1000)).encode()


def reported(text: str, ago: float = 5.0) -> Evidence:
    """The kubelet of node-2 reports this."""
    whole = body(NODE + POD + CONTAINER)
    return healthy(kubelets={"node-1": kubelet(whole), "node-2": kubelet(body(text, ago))})


def status(*reasons: str) -> Evidence:
    """The server withholds pods."""
    pods = [{"kind": "pod", "namespace": "shop", "name": f"cart-{at}", "reason": why} for at, why in enumerate(reasons)]
    return healthy(status={"nodes": [], "withheld": pods})


def scaled(message: str, reason: str = "FailedGetResourceMetric", state: str = "False") -> Evidence:
    """An autoscaler of a Deployment, and what its controller says."""
    condition = {"type": "ScalingActive", "status": state, "reason": reason, "message": message}
    item: dict[str, Any] = {
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "cart"}},
        "status": {"conditions": [condition]},
    }
    return healthy(autoscalers=[of(Autoscaler, item)])


PREFIX = "the HPA was unable to compute the replica count: failed to get cpu utilization: "

ROWS: dict[str, Callable[[], Evidence]] = {
    "D32": lambda: reported(NODE + POD),
    "D33": lambda: status("container db: memory is zero"),
    "D35": lambda: reported(NODE + POD + CONTAINER + CONTAINER),
    "D37": lambda: reported(NODE + POD + CONTAINER, ago=400),
    "D38": lambda: scaled(f"{PREFIX}missing request for cpu in container proxy of Pod cart-0"),
    "D39": lambda: scaled(f"{PREFIX}did not receive metrics for targeted pods (pods might be unready)"),
}


@pytest.mark.parametrize("row", ROWS)
def test_each_row_is_told(row):
    """What a person reads of it, letter by letter; it is the only finding."""
    evidence = ROWS[row]()
    assert list(found(evidence)) == [row]
    assert same_as_golden(row, printed(examine(evidence)))


@pytest.mark.parametrize(
    "change",
    [
        lambda: reported(NODE + POD + CONTAINER),
        lambda: reported(NODE),  # a kubelet that names no pods has none, or is too old to say
        lambda: reported(NODE + POD + CONTAINER, ago=-30),
        lambda: status("was first seen in this scrape", "restarted since the scrape before"),
        lambda: scaled("the HPA was able to compute", "ValidMetricFound", "True"),
        lambda: scaled("scaling is disabled since the replica count of the target is zero", "ScalingDisabled"),
    ],
)
def test_near_misses(change):
    """What is as it should be, or passes by itself, is no finding."""
    assert found(change()) == {}


def test_a_clock_ahead_is_told_as_such():
    """The direction tells a wrong clock from a kubelet that is stuck."""
    (line,) = found(reported(NODE + POD + CONTAINER, ago=-300))["D37"].evidence
    assert "300 s ahead of" in line


def test_a_young_pod_with_a_nought_in_its_name():
    """D33: that a container called db-0 is new is no number that is 0."""
    assert "D33" not in found(status("container db-0 was first seen in this scrape"))
