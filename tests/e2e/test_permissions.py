"""Who may read what, through kube-apiserver and past it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e import objects
from tests.e2e.authorities import FRONT_PROXY_NAME, Authority
from tests.e2e.server import MASTERS, METRICS
from tests.e2e.world import World
from tests.kube_api import Answer

pytestmark = pytest.mark.e2e

TEAM_A = f"{METRICS}/namespaces/team-a/pods"


@pytest.fixture(scope="module")
def ned(cluster: World) -> Iterator[str]:
    """A user who may read the metrics of the namespace team-a."""
    for path, manifest in objects.reader("team-a", "ned"):
        cluster.plane.admin.post(path, manifest)
    yield "ned"
    for path, manifest in objects.reader("team-a", "ned"):
        cluster.plane.admin.delete(f"{path}/{manifest['metadata']['name']}")


@pytest.mark.parametrize("command", [("top", "nodes"), ("top", "pods", "-A"), ("get", "nodes.metrics.k8s.io")])
def test_a_user_without_rights_is_refused(cluster: World, command: tuple[str, ...]) -> None:
    """The command ends with Forbidden and names the user."""
    done = cluster.kubectl(*command, kubeconfig=cluster.user("jane"))
    assert done.returncode == 1
    assert "Forbidden" in done.stderr
    assert 'User "jane" cannot list resource' in done.stderr


def test_the_server_itself_asks_for_the_users_rights(cluster: World) -> None:
    """What the front proxy passes on is authorized by the server again, with Kubernetes' own sentence."""
    answer = _proxied(cluster, "jane", f"{METRICS}/nodes")
    assert (answer.code, answer.body["reason"]) == (403, "Forbidden")
    assert answer.body["message"].startswith(
        'nodes.metrics.k8s.io is forbidden: User "jane" cannot list resource "nodes" '
        'in API group "metrics.k8s.io" at the cluster scope'
    )


def test_a_role_in_one_namespace_gives_that_namespace(cluster: World, ned: str) -> None:
    """With a Role in team-a, kubectl shows the pods of team-a, and nothing of team-b or of the cluster."""
    config = cluster.user(ned)
    granted = cluster.kubectl("top", "pods", "-n", "team-a", "--no-headers", kubeconfig=config)
    assert [line.split()[0] for line in granted.stdout.splitlines()] == ["web-1", "web-2"]
    for elsewhere in (("top", "pods", "-n", "team-b"), ("top", "pods", "-A"), ("top", "nodes")):
        refused = cluster.kubectl(*elsewhere, kubeconfig=config)
        assert (refused.returncode, "Forbidden" in refused.stderr) == (1, True)


def test_the_server_itself_keeps_to_the_namespace(cluster: World, ned: str) -> None:
    """The same holds for the server's own decision, past kube-apiserver's."""
    paths = (
        TEAM_A,
        f"{TEAM_A}/web-1",
        f"{METRICS}/namespaces/team-b/pods",
        f"{METRICS}/pods",
        f"{METRICS}/nodes",
    )
    assert [_proxied(cluster, ned, path).code for path in paths] == [200, 200, 403, 403, 403]


def test_a_client_certificate_with_the_proxys_name_cannot_speak_for_others(cluster: World) -> None:
    """The common name alone is worth nothing: such a caller is just a user of that name, without rights."""
    forged = cluster.plane.authorities.cluster.client(FRONT_PROXY_NAME, file="forged-proxy")
    answer = cluster.server.call(forged, *MASTERS).request("GET", f"{METRICS}/nodes")
    assert answer.code == 403
    assert f'User "{FRONT_PROXY_NAME}" cannot list' in answer.body["message"]


def test_a_certificate_of_an_unknown_authority_is_refused(cluster: World, tmp_path: Path) -> None:
    """A self-made authority gives no identity at all."""
    stranger = Authority(tmp_path, "stranger-ca").client(FRONT_PROXY_NAME)
    assert cluster.server.refuses(stranger)


def test_another_name_of_the_front_proxys_authority_is_refused(cluster: World) -> None:
    """Of the front-proxy authority, only the allowed common name may speak for others."""
    other = cluster.plane.authorities.front_proxy.client("somebody-else")
    assert cluster.server.refuses(other)


def test_headers_without_a_certificate_are_ignored(cluster: World) -> None:
    """Whoever sends the proxy's headers without its certificate is anonymous."""
    answer = cluster.server.call(None, *MASTERS).request("GET", f"{METRICS}/nodes")
    assert answer.code == 403
    assert 'User "system:anonymous" cannot list' in answer.body["message"]


def test_headers_sent_through_the_api_server_are_ignored(cluster: World) -> None:
    """A user who adds the proxy's headers to a request to kube-apiserver stays who they are."""
    jane = cluster.plane.authorities.cluster.client("jane")
    api = cluster.plane.client(jane, *MASTERS)
    assert api.request("GET", f"{METRICS}/nodes").code == 403


def test_impersonation_past_the_api_server_is_refused(cluster: World) -> None:
    """The server does not act for somebody else on the word of a direct caller."""
    admin = cluster.plane.authorities.admin
    api = cluster.server.call(admin, ("Impersonate-User", "jane"))
    assert api.request("GET", f"{METRICS}/nodes").code == 403


def test_a_bearer_token_is_reviewed(cluster: World) -> None:
    """A known token gives its ServiceAccount, here one without rights; an unknown one is refused."""
    token = cluster.server.token_file.read_text()
    known = cluster.server.call(None, ("Authorization", f"Bearer {token}")).request("GET", f"{METRICS}/nodes")
    assert known.code == 403
    assert 'User "system:serviceaccount:kube-system:metrics-server" cannot list' in known.body["message"]
    unknown = cluster.server.call(None, ("Authorization", "Bearer nonsense")).request("GET", f"{METRICS}/nodes")
    assert unknown.code == 401


def _proxied(cluster: World, user: str, path: str) -> Answer:
    headers = (("X-Remote-User", user), ("X-Remote-Group", "system:authenticated"))
    return cluster.server.call(cluster.plane.authorities.proxy_client, *headers).request("GET", path)
