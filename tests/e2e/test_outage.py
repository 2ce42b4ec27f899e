"""kube-apiserver goes away and comes back; nobody restarts the server."""

from __future__ import annotations

import os
import time

import pytest
from tests.e2e import objects
from tests.e2e.fleet import MI, Container, Pod
from tests.e2e.server import METRICS
from tests.e2e.world import World
from tests.kube_api import RefusedError
from tests.processes import eventually

pytestmark = pytest.mark.e2e

OUTAGE = float(os.environ.get("KUBEVITALS_E2E_OUTAGE", "30"))  # seconds without kube-apiserver
MOST_LINES = 40  # that the server may log about one outage


def test_the_server_serves_on_while_the_api_server_is_away(own_cluster: World) -> None:
    """For the whole outage a master behind the front proxy reads fresh values; then all is as before."""
    world, pid = own_cluster, own_cluster.server.process.pid
    reader = world.server.as_front_proxy()
    lines = len(world.server.log.splitlines())
    world.plane.kill_api_server()
    over = time.monotonic() + OUTAGE
    seen: set[str] = set()
    while time.monotonic() < over:
        listed = reader.get(f"{METRICS}/nodes")["items"]
        assert [item["metadata"]["name"] for item in listed] == ["node-a", "node-b", "node-c"]
        seen.add(listed[0]["timestamp"])
        time.sleep(1)
    assert len(seen) >= OUTAGE // 10 - 1  # the kubelets were scraped all along
    assert reader.get("/livez") == "ok"
    assert len(world.server.log.splitlines()) - lines < MOST_LINES
    world.plane.restart_api_server()
    _works_again(world)
    assert world.server.process.pid == pid
    assert world.server.process.running


def test_rights_are_remembered_for_a_moment_and_never_invented(own_cluster: World) -> None:
    """A user whose rights were just looked up still reads; once that is too old, nobody is let in unasked."""
    world = own_cluster
    for path, manifest in objects.reader("team-a", "ned"):
        world.plane.admin.post(path, manifest)
    path = f"{METRICS}/namespaces/team-a/pods"
    ned = world.server.call(world.plane.authorities.proxy_client, ("X-Remote-User", "ned"))
    eventually(lambda: ned.get(path), within=20)
    world.plane.kill_api_server()
    assert ned.request("GET", path).code == 200
    eventually(lambda: ned.request("GET", path).code == 500, within=60, every=1)
    world.plane.restart_api_server()
    eventually(lambda: ned.get(path), within=60)


def test_what_changed_during_the_outage_is_noticed(own_cluster: World) -> None:
    """A pod deleted and one created while the server saw nothing: both are right afterwards."""
    world = own_cluster
    node = world.nodes[2]
    before = Pod("team-b", "before", (Container("box", 100, 8 * MI),))
    after = Pod("team-b", "after", (Container("box", 100, 8 * MI),))
    admin = world.plane.admin
    world.run_pod(before, node)
    eventually(lambda: admin.get(f"{METRICS}/namespaces/team-b/pods/before"), within=40)
    world.plane.restart_api_server()
    world.delete_pod(before, node)
    world.run_pod(after, node)
    eventually(lambda: admin.get(f"{METRICS}/namespaces/team-b/pods/after"), within=90)
    with pytest.raises(RefusedError, match="404"):
        admin.get(f"{METRICS}/namespaces/team-b/pods/before")
    world.delete_pod(after, node)
    eventually(lambda: world.counts() == (3, 4), within=30)


def test_the_server_may_start_before_the_api_server(own_cluster: World) -> None:
    """Started into an outage, the server is alive but not ready; then it becomes ready by itself."""
    world = own_cluster
    anybody = world.server.call(None)
    assert world.server.process.stop() == 0
    world.plane.kill_api_server()
    world.server.process.start()
    eventually(lambda: anybody.get("/livez") == "ok", within=20, needs=(world.server.process,))
    assert anybody.request("GET", "/readyz").code == 500
    world.plane.restart_api_server()
    _works_again(world)
    assert anybody.get("/readyz") == "ok"


def test_the_server_ends_when_told_to(own_cluster: World) -> None:
    """SIGTERM ends it with exit code 0, also while a client keeps its connection open."""
    world = own_cluster
    idle = world.server.as_front_proxy()
    idle.get("/livez")
    assert world.server.process.stop(within=20) == 0
    world.server.process.start()
    world.wait_metrics(within=90)


def _works_again(world: World) -> None:
    world.wait_metrics(within=90)
    assert len(world.rows("top", "nodes")) == 3
