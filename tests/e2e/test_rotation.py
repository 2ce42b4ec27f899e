"""Certificates and tokens are replaced while the server runs; nobody restarts it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.fleet import MI, Container, Pod, small_fleet
from tests.e2e.server import METRICS, replace
from tests.e2e.world import EVERY_10_S, World, world
from tests.kube_api import KubeApi
from tests.processes import eventually

pytestmark = pytest.mark.e2e

TRUST = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
HOST = "metrics-server.kube-system.svc"


@pytest.fixture(scope="module")
def certified(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A cluster whose server has its serving certificate from files."""
    folder = tmp_path_factory.mktemp("rotation")
    served = folder / "serving.pem"
    flags = (*EVERY_10_S, f"--tls-cert-file={served}", f"--tls-private-key-file={served}")
    with world(assets, folder, small_fleet(), flags=flags, controllers=False, prepare=_first_certificate) as running:
        running.wait_metrics()
        yield running


def test_a_new_serving_certificate_is_used(certified: World) -> None:
    """New connections get the new certificate, and the aggregator goes on."""
    pid, before = certified.server.process.pid, _presented(certified)
    authority = certified.plane.authorities.serving
    replace(_serving_file(certified), authority.serving("second", [HOST]).read_bytes())
    eventually(lambda: _presented(certified) != before, within=90, every=1)
    assert len(certified.rows("top", "nodes")) == 3
    assert certified.server.process.pid == pid


def test_a_bad_serving_certificate_changes_nothing(certified: World) -> None:
    """Half a file in place of the certificate leaves the last good one in use."""
    before = _presented(certified)
    good = _serving_file(certified).read_bytes()
    lines = len(certified.server.log.splitlines())
    replace(_serving_file(certified), good[: len(good) // 3])
    eventually(lambda: _says(certified, lines, "serving.pem"), within=90, every=1)
    assert _presented(certified) == before
    replace(_serving_file(certified), good)


def test_a_new_token_is_used(certified: World) -> None:
    """After the first token became worthless the new one reaches the kubelets and kube-apiserver."""
    node, admin = certified.nodes[2], certified.plane.admin
    token = certified.server.issue_token("second")
    certified.server.revoke_token("first")
    eventually(
        lambda: {certified.kubelets.scrapes[spec.name][-1][1:] for spec in certified.nodes} == {(token, 200)},
        within=120,
        every=1,
        needs=(certified.server.process,),
    )
    late = Pod("team-b", "late", (Container("box", 100, 8 * MI),))
    certified.run_pod(late, node)
    eventually(lambda: admin.get(f"{METRICS}/namespaces/team-b/pods/late"), within=60)
    refused = certified.server.call(None, ("Authorization", "Bearer x")).request("GET", f"{METRICS}/nodes")
    assert refused.code == 401  # a TokenReview was possible
    certified.delete_pod(late, node)


def test_a_new_front_proxy_authority_is_trusted(certified: World) -> None:
    """A proxy certificate of a new authority works; the old one is refused once nobody trusts it."""
    plane, pid = certified.plane, certified.server.process.pid
    old = plane.authorities.rotate_front_proxy()
    plane.restart_api_server()
    certified.wait_metrics(within=120)
    assert len(certified.rows("top", "pods", "-A")) == 4
    assert certified.server.process.pid == pid
    _trust_only(plane.admin, plane.authorities.front_proxy.pem.decode())
    eventually(lambda: certified.server.refuses(old), within=90, every=1)
    assert len(certified.server.as_front_proxy().get(f"{METRICS}/nodes")["items"]) == 3


def _first_certificate(running: World) -> None:
    authority = running.plane.authorities.serving
    replace(_serving_file(running), authority.serving("first", [HOST]).read_bytes())


def _trust_only(admin: KubeApi, pem: str) -> None:
    """Drop the old authority, which kube-apiserver itself keeps until it expires."""
    admin.patch(TRUST, {"data": {"requestheader-client-ca-file": pem}})


def _serving_file(running: World) -> Path:
    flag = next(word for word in running.server.process.argv if word.startswith("--tls-cert-file="))
    return Path(flag.partition("=")[2])


def _presented(running: World) -> str:
    return ssl.get_server_certificate(("127.0.0.1", running.server.port), timeout=10)


def _says(running: World, lines: int, word: str) -> bool:
    return any(word in line for line in running.server.log.splitlines()[lines:])
