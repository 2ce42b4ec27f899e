"""The HorizontalPodAutoscaler of a real kube-controller-manager."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e import objects
from tests.e2e.world import World
from tests.processes import eventually

pytestmark = pytest.mark.e2e


@pytest.fixture
def autoscaler(cluster: World) -> Iterator[str]:
    """The path of an autoscaler for the two pods of app web, which a ReplicaSet adopts."""
    admin = cluster.plane.admin
    sets, replica_set = objects.replica_set("team-a", "web", "web", replicas=2)
    admin.post(sets, replica_set)
    versions = {entry["version"] for entry in admin.get("/apis/autoscaling")["versions"]}
    version = "v2" if "v2" in versions else "v2beta2"
    autoscalers = f"/apis/autoscaling/{version}/namespaces/team-a/horizontalpodautoscalers"
    admin.post(autoscalers, objects.autoscaler("web", "web", {"cpu": 60, "memory": 60}))
    yield f"{autoscalers}/web"
    admin.delete(f"{autoscalers}/web")
    admin.request("DELETE", f"{sets}/web", {"propagationPolicy": "Orphan"})


def test_the_autoscaler_reads_a_utilisation(cluster: World, autoscaler: str) -> None:
    """The pods use half of the CPU they request and a quarter of the memory, and the status says so."""
    status = eventually(lambda: _measured(cluster, autoscaler), within=90, every=1)
    use = {metric["resource"]["name"]: metric["resource"]["current"] for metric in status["currentMetrics"]}
    assert use["cpu"]["averageUtilization"] == pytest.approx(50, abs=1)
    assert use["memory"]["averageUtilization"] == 25
    active = next(one for one in status["conditions"] if one["type"] == "ScalingActive")
    assert (active["status"], active["reason"]) == ("True", "ValidMetricFound")


def _measured(cluster: World, path: str) -> dict[str, Any]:
    status: dict[str, Any] = cluster.plane.admin.get(path)["status"]
    assert len(status.get("currentMetrics") or ()) == 2, status
    return status
