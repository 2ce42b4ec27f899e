"""The numbers: what the kubelets were given is what clients of kube-apiserver read."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from tests.e2e.amounts import memory, nanocores
from tests.e2e.fleet import MI, Container, Node, Pod
from tests.e2e.server import METRICS
from tests.e2e.world import World
from tests.kube_api import RefusedError
from tests.processes import eventually

pytestmark = pytest.mark.e2e

TOLERANCE = 0.02  # of the CPU rate; memory is exact


def test_top_nodes_shows_what_the_kubelets_report(cluster: World) -> None:
    """CPU within 2 % and memory to the MiB, for every node."""
    rows = {row[0]: row for row in cluster.rows("top", "nodes")}
    assert set(rows) == {node.name for node in cluster.nodes}
    for node in cluster.nodes:
        _, cpu, _, used, _ = rows[node.name]
        assert nanocores(cpu) == pytest.approx(node.millicores * 10**6, rel=TOLERANCE, abs=10**6)
        assert memory(used) // MI == node.memory // MI


def test_top_pods_shows_every_container(cluster: World) -> None:
    """CPU within 2 % (or a millicore) and memory to the MiB, for every container of every pod."""
    rows = {tuple(row[:3]): row[3:] for row in cluster.rows("top", "pods", "-A", "--containers")}
    given = _containers(cluster.nodes)
    assert set(rows) == set(given)
    for key, box in given.items():
        cpu, used = rows[key]
        assert nanocores(cpu) == pytest.approx(box.millicores * 10**6, rel=TOLERANCE, abs=10**6)
        assert memory(used) // MI == box.memory // MI


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
def test_each_version_serves_exact_memory_and_fresh_cpu(cluster: World, version: str) -> None:
    """Memory is exact to the byte, CPU within 2 %, the window is about a cycle and the timestamp recent."""
    items = {item["metadata"]["name"]: item for item in cluster.raw(f"/apis/metrics.k8s.io/{version}/nodes")["items"]}
    for node in cluster.nodes:
        item = items[node.name]
        assert memory(item["usage"]["memory"]) == node.memory
        assert nanocores(item["usage"]["cpu"]) == pytest.approx(node.millicores * 10**6, rel=TOLERANCE)
        assert 5 < float(item["window"].removesuffix("s")) < 25
        assert -2 < time.time() - _seconds(item["timestamp"]) < 25


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
def test_containers_are_exact_too(cluster: World, version: str) -> None:
    """Each container's memory is exact, also when it is no multiple of a KiB, and its CPU within 2 %."""
    items = cluster.raw(f"/apis/metrics.k8s.io/{version}/pods")["items"]
    served = {
        (item["metadata"]["namespace"], item["metadata"]["name"], box["name"]): box["usage"]
        for item in items
        for box in item["containers"]
    }
    given = _containers(cluster.nodes)
    assert set(served) == set(given)
    for key, box in given.items():
        assert memory(served[key]["memory"]) == box.memory
        assert nanocores(served[key]["cpu"]) == pytest.approx(box.millicores * 10**6, rel=TOLERANCE)


def test_labels_select_pods(cluster: World) -> None:
    """``kubectl top pods -l`` finds the pods with the label and no other."""
    rows = cluster.rows("top", "pods", "-A", "-l", "app in (web),tier")
    assert sorted(row[1] for row in rows) == ["web-1", "web-2"]


def test_a_pod_comes_and_goes(cluster: World) -> None:
    """A new pod has metrics after two cycles, and a deleted one is gone before the next."""
    admin, node = cluster.plane.admin, cluster.nodes[2]
    pod = Pod("team-b", "visitor", (Container("box", 200, 32 * MI),), (("app", "visitor"),))
    path = f"{METRICS}/namespaces/team-b/pods/visitor"
    cluster.run_pod(pod, node)
    usage = eventually(lambda: admin.get(path), within=40)["containers"][0]["usage"]
    assert nanocores(usage["cpu"]) == pytest.approx(200 * 10**6, rel=TOLERANCE)
    cluster.delete_pod(pod, node)
    eventually(lambda: _missing(cluster, path), within=9)


def _containers(nodes: tuple[Node, ...]) -> dict[tuple[str, str, str], Container]:
    return {(pod.namespace, pod.name, box.name): box for node in nodes for pod in node.pods for box in pod.containers}


def _seconds(timestamp: str) -> float:
    return datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()


def _missing(cluster: World, path: str) -> bool:
    try:
        cluster.plane.admin.get(path)
    except RefusedError as refusal:
        return refusal.code == 404
    return False
