"""What kube-apiserver makes of the server: registration, discovery, and what hangs on them."""

from __future__ import annotations

import pytest
from tests.e2e import objects
from tests.e2e.world import World
from tests.kube_api import RefusedError
from tests.processes import eventually

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
def test_the_apiservice_of_each_version_is_available(cluster: World, version: str) -> None:
    """The aggregator's probes pass for both versions."""
    condition = cluster.condition(version)
    assert (condition["status"], condition["reason"]) == ("True", "Passed")


def test_discovery_through_the_api_server_lists_both_versions(cluster: World) -> None:
    """Clients that ask for the group find v1 and v1beta1."""
    group = cluster.raw("/apis/metrics.k8s.io")
    assert {entry["version"] for entry in group["versions"]} == {"v1", "v1beta1"}


def test_kubectl_lists_the_resources(cluster: World) -> None:
    """``kubectl api-resources`` shows both resources with their kind and scope."""
    rows = cluster.rows("api-resources", "--api-group=metrics.k8s.io")
    assert {(row[0], row[-2], row[-1]) for row in rows} == {
        ("nodes", "false", "NodeMetrics"),
        ("pods", "true", "PodMetrics"),
    }


def test_the_openapi_document_is_merged(cluster: World) -> None:
    """kube-apiserver publishes the schema of NodeMetrics as part of its own."""
    model = "io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetrics"
    eventually(lambda: model in cluster.plane.admin.get("/openapi/v2")["definitions"], within=90, every=2)


def test_a_namespace_can_be_created_and_deleted(cluster: World) -> None:
    """Deleting a namespace needs the discovery of every API group, so an ill-behaved one would stop it."""
    admin = cluster.plane.admin
    admin.post(*objects.namespace("short-lived"))
    eventually(lambda: admin.get("/api/v1/namespaces/short-lived/serviceaccounts/default"), within=30)
    admin.delete("/api/v1/namespaces/short-lived")
    eventually(lambda: _gone(cluster, "/api/v1/namespaces/short-lived"), within=60)


def _gone(cluster: World, path: str) -> bool:
    try:
        cluster.plane.admin.get(path)
    except RefusedError as refusal:
        return refusal.code == 404
    return False
