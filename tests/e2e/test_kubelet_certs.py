"""Kubelets' certificates in a real control plane: nodes ask, the command approves, a controller signs."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from tests.e2e import objects
from tests.e2e.control_plane import ControlPlane, control_plane
from tests.e2e.fleet import Node
from tests.kubeletcerts.making import PATH, manifest, pem
from tests.processes import eventually

pytestmark = pytest.mark.e2e

PROGRAM = (sys.executable, "-c", "from kubevitals.cli import main; main()", "approve-kubelet-certs")
NODES = (Node("node-a", "127.30.0.1", 0, 0), Node("node-b", "127.30.0.2", 0, 0))
LOOKING = [
    {"apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]},
]
UPDATING = {
    "apiGroups": ["certificates.k8s.io"],
    "resources": ["certificatesigningrequests/approval"],
    "verbs": ["update"],
}
APPROVING = {
    "apiGroups": ["certificates.k8s.io"],
    "resources": ["signers"],
    "resourceNames": ["kubernetes.io/kubelet-serving"],
    "verbs": ["approve"],
}


@pytest.fixture(scope="module")
def plane(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that signs, with two nodes."""
    with control_plane(assets, tmp_path_factory.mktemp("certificates") / "control-plane") as running:
        for node in NODES:
            running.admin.post(f"{objects.CORE}/nodes", objects.node(node, 10250))
        yield running


@pytest.fixture(autouse=True)
def no_requests(plane: ControlPlane) -> None:
    """Each test begins without requests."""
    for item in plane.admin.get(PATH)["items"]:
        plane.admin.delete(f"{PATH}/{item['metadata']['name']}")


def ask(plane: ControlPlane, name: str, node: str, names: Sequence[str]) -> None:
    """Post a request as the node's kubelet does: with the node's own certificate."""
    user = plane.authorities.cluster.client(f"system:node:{node}", "system:nodes")
    plane.client(user).post(PATH, manifest(name, pem(node, names)))


def approve(config: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    words = [*PROGRAM, f"--kubeconfig={config}", "--yes", *argv]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert "Traceback" not in done.stderr
    return done


def admin(plane: ControlPlane) -> Path:
    return plane.user(plane.authorities.admin)


def request(plane: ControlPlane, name: str) -> Any:
    return plane.admin.get(f"{PATH}/{name}")


def grant(plane: ControlPlane, user: str, rules: Sequence[objects.Manifest]) -> Path:
    """Give a user rights of its own; returns its kubeconfig."""
    plane.admin.post(f"{objects.RBAC}/clusterroles", {"metadata": {"name": user}, "rules": list(rules)})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user}
    binding = {"metadata": {"name": user}, "roleRef": reference, "subjects": [{"kind": "User", "name": user}]}
    plane.admin.post(f"{objects.RBAC}/clusterrolebindings", binding)
    return plane.user(plane.authorities.cluster.client(user))


def test_a_nodes_own_request_is_approved_and_signed(plane: ControlPlane) -> None:
    """The controller signs what the command approved, for the names and addresses that were asked for."""
    ask(plane, "csr-a", "node-a", ["node-a", "127.30.0.1"])
    done = approve(admin(plane))
    assert (done.returncode, done.stderr) == (0, "")
    assert "csr-a approved" in done.stdout
    (condition,) = request(plane, "csr-a")["status"]["conditions"]
    assert (condition["type"], condition["reason"]) == ("Approved", "KubevitalsApprove")
    assert condition["lastUpdateTime"]
    issued = eventually(lambda: request(plane, "csr-a")["status"].get("certificate"), within=30)
    leaf = x509.load_pem_x509_certificate(base64.b64decode(issued))
    alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternatives.get_values_for_type(x509.DNSName) == ["node-a"]
    assert [str(one) for one in alternatives.get_values_for_type(x509.IPAddress)] == ["127.30.0.1"]
    again = approve(admin(plane))
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, "No kubelet waits for a serving certificate.")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["node-a", "127.30.0.2"], 'belongs to the node "node-b"'),
        (["node-a", "10.0.0.1"], 'belongs to the Service "default/kubernetes"'),
        (["node-a", "kubernetes.default.svc"], 'belongs to the Service "default/kubernetes"'),
        (["node-a", "192.0.2.9"], "is not one of"),
    ],
)
def test_foreign_names_and_addresses_are_refused(plane: ControlPlane, names: list[str], words: str) -> None:
    """What is another node's, the API server's Service's or nobody's is not approved."""
    ask(plane, "csr-foreign", "node-a", names)
    done = approve(admin(plane))
    assert (done.returncode, words in done.stdout) == (1, True), done.stdout
    assert "conditions" not in request(plane, "csr-foreign")["status"]


def test_missing_rights_are_told_and_those_told_suffice(plane: ControlPlane) -> None:
    """The API server wants two rights for approving; the rules that are printed grant both."""
    ask(plane, "csr-b", "node-b", ["node-b", "127.30.0.2"])
    nobody = approve(plane.user(plane.authorities.cluster.client("nobody")))
    assert (nobody.returncode, "no right to list certificate signing requests" in nobody.stderr) == (2, True)
    looking = approve(grant(plane, "looking", LOOKING))
    assert (looking.returncode, "certificatesigningrequests/approval" in looking.stderr) == (1, True)
    updating = approve(grant(plane, "updating", [*LOOKING, UPDATING]))
    assert (updating.returncode, "not permitted to approve requests" in updating.stderr) == (1, True)
    assert "resourceNames: [kubernetes.io/kubelet-serving]" in updating.stderr
    whole = approve(grant(plane, "approving", [*LOOKING, UPDATING, APPROVING]))
    assert (whole.returncode, whole.stderr) == (0, "")
    assert [one["type"] for one in request(plane, "csr-b")["status"]["conditions"]] == ["Approved"]
