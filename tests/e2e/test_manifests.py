"""The files in ``deploy/`` and a real kube-apiserver: accepted, complete, and stable when applied again."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.control_plane import ControlPlane, control_plane
from tests.e2e.world import KUBECTL

from kubevitals.manifests import Options, page

pytestmark = pytest.mark.e2e

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = sorted(path.name for path in DEPLOY.glob("*.yaml"))
NAMESPACE = "kube-system"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:metrics-server"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/metrics-server"
REGISTRATIONS = "/apis/apiregistration.k8s.io/v1/apiservices"
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@dataclass(frozen=True)
class Installation:
    """A control plane without controllers, and kubectl for its administrator."""

    plane: ControlPlane
    folder: Path

    def kubectl(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        """Run kubectl to the end, whatever that is."""
        config = self.plane.user(self.plane.authorities.admin)
        argv = [KUBECTL, f"--kubeconfig={config}", f"--cache-dir={self.folder / 'cache'}", *args]
        environ = {name: value for name, value in os.environ.items() if name != "KUBECTL_EXTERNAL_DIFF"}
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env=environ)

    def apply(self, path: Path, *options: str) -> list[str]:
        """What kubectl says it did to each object."""
        done = self.kubectl("apply", *options, "-f", path)
        assert done.returncode == 0, done.stderr
        return [line.partition(" ")[2] for line in done.stdout.splitlines()]

    def diff(self, path: Path) -> str:
        """What would change if the file were applied."""
        done = self.kubectl("diff", "-f", path)
        assert done.returncode <= 1, done.stderr
        return done.stdout

    def may(self, verb: str, group: str, resource: str, name: str = "", namespace: str = "") -> bool:
        """Whether the server's account has a right."""
        plural, _, subresource = resource.partition("/")
        wish = {"verb": verb, "group": group, "resource": plural, "subresource": subresource, "name": name}
        spec = {"user": ACCOUNT, "resourceAttributes": wish | {"namespace": namespace}}
        return bool(self.plane.admin.post(ACCESS_REVIEWS, {"spec": spec})["status"]["allowed"])


@pytest.fixture(scope="module")
def installation(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A cluster that nothing is installed in yet."""
    folder = tmp_path_factory.mktemp("manifests")
    with control_plane(assets, folder / "control-plane", controllers=False) as plane:
        yield Installation(plane, folder)


@pytest.fixture(scope="module", params=FILES)
def file(request: pytest.FixtureRequest, installation: Installation) -> Path:
    """One of the files, without the kinds that this release of Kubernetes does not have.

    Only PodDisruptionBudget may be left out: ``policy/v1`` came with 1.21, and the control plane may be of 1.20.
    """
    wanted = list(yaml.safe_load_all((DEPLOY / request.param).read_text()))
    kept = [each for each in wanted if served(installation.plane, each)]
    left_out = {each["kind"] for each in wanted} - {each["kind"] for each in kept}
    assert left_out <= {"PodDisruptionBudget"}
    path = installation.folder / request.param
    path.write_text(yaml.safe_dump_all(kept) if left_out else (DEPLOY / request.param).read_text())
    return path


@pytest.fixture(scope="module")
def applied(installation: Installation, file: Path) -> Path:
    """The file, after it was applied."""
    installation.apply(file)
    return file


def test_the_server_side_dry_run_passes(installation: Installation, file: Path) -> None:
    """Admission and validation of a real API server find nothing wrong with any object."""
    outcomes = installation.apply(file, "--dry-run=server")
    assert len(outcomes) == len(list(yaml.safe_load_all(file.read_text())))
    assert all(outcome.endswith("(server dry run)") for outcome in outcomes)


def test_applied_it_is_as_it_should_be(installation: Installation, applied: Path) -> None:
    """After it was applied nothing is left to do: no difference, and nothing changes when it is applied again."""
    assert installation.diff(applied) == ""
    assert set(installation.apply(applied)) == {"unchanged"}


def test_what_the_server_writes_stays(installation: Installation, applied: Path) -> None:
    """The certificate in the Secret and the CA in the APIServices survive when the file is applied again."""
    admin, bundle = installation.plane.admin, base64.b64encode(b"-----BEGIN CERTIFICATE-----\n").decode()
    authority = base64.b64encode(installation.plane.authorities.cluster.file.read_bytes()).decode()
    admin.patch(f"{SECRETS}/metrics-server-tls", {"data": {"tls.crt": bundle}})
    for version in ("v1beta1", "v1"):
        admin.patch(f"{REGISTRATIONS}/{version}.metrics.k8s.io", {"spec": {"caBundle": authority}})
    assert installation.diff(applied) == ""
    assert set(installation.apply(applied)) == {"unchanged"}
    assert admin.get(f"{SECRETS}/metrics-server-tls")["data"] == {"tls.crt": bundle}
    for version in ("v1beta1", "v1"):
        spec = admin.get(f"{REGISTRATIONS}/{version}.metrics.k8s.io")["spec"]
        assert (spec["caBundle"], spec.get("insecureSkipTLSVerify", False)) == (authority, False)


@pytest.mark.parametrize(
    ("expected", "right"),
    [
        (True, ("get", "", "nodes/metrics", "node-1")),
        (True, ("watch", "", "nodes")),
        (True, ("list", "", "pods")),
        (True, ("get", "", "pods", "a", "default")),
        (True, ("create", "authentication.k8s.io", "tokenreviews")),
        (True, ("create", "authorization.k8s.io", "subjectaccessreviews")),
        (True, ("watch", "", "configmaps", "extension-apiserver-authentication", NAMESPACE)),
        (True, ("get", "", "secrets", "metrics-server-tls", NAMESPACE)),
        (True, ("patch", "", "secrets", "metrics-server-tls", NAMESPACE)),
        (True, ("patch", "apiregistration.k8s.io", "apiservices", "v1.metrics.k8s.io")),
        (True, ("patch", "apiregistration.k8s.io", "apiservices", "v1beta1.metrics.k8s.io")),
        (False, ("get", "", "secrets", "another", NAMESPACE)),
        (False, ("get", "", "secrets", "metrics-server-tls", "default")),
        (False, ("create", "", "secrets", "", NAMESPACE)),
        (False, ("list", "", "secrets", "", NAMESPACE)),
        (False, ("delete", "", "secrets", "metrics-server-tls", NAMESPACE)),
        (False, ("patch", "apiregistration.k8s.io", "apiservices", "v1.apps")),
        (False, ("list", "apiregistration.k8s.io", "apiservices")),
        (False, ("get", "", "nodes/proxy", "node-1")),
        (False, ("get", "", "nodes/stats", "node-1")),
        (False, ("get", "", "configmaps", "another", NAMESPACE)),
        (False, ("create", "", "events", "", NAMESPACE)),
        (False, ("patch", "", "nodes", "node-1")),
        (False, ("delete", "", "pods", "a", "default")),
    ],
    ids=str,
)
def test_the_account_may_do_what_it_needs_and_no_more(
    installation: Installation, applied: Path, expected: bool, right: tuple[str, ...]
) -> None:
    """kube-apiserver's own judgement of what the roles and bindings give."""
    assert installation.may(*right) is expected


def test_other_options_leave_nothing_behind(installation: Installation, applied: Path) -> None:
    """Over manifests like metrics-server's, which are verified by nobody, the file gives what it gives alone."""
    before = installation.folder / "before.yaml"
    before.write_text(page(Options(insecure_skip_tls_verify=True, host_network=True)))
    for version in ("v1beta1", "v1"):  # with a caBundle an API server does not let verification be skipped
        installation.plane.admin.delete(f"{REGISTRATIONS}/{version}.metrics.k8s.io")
    installation.apply(before)
    assert installation.diff(applied) != ""
    installation.apply(applied)
    assert installation.diff(applied) == ""
    pod = installation.plane.admin.get(DEPLOYMENT)["spec"]["template"]["spec"]
    assert not pod.keys() & {"hostNetwork", "volumes"}
    assert [port["containerPort"] for port in pod["containers"][0]["ports"]] == [10250]
    for version in ("v1beta1", "v1"):
        spec = installation.plane.admin.get(f"{REGISTRATIONS}/{version}.metrics.k8s.io")["spec"]
        assert not spec.get("insecureSkipTLSVerify", False)


def test_deleting_the_file_leaves_nothing(installation: Installation, applied: Path) -> None:
    """Everything that was created is gone, the APIServices included."""
    done = installation.kubectl("delete", "--wait=false", "-f", applied)
    assert done.returncode == 0, done.stderr
    left = installation.kubectl("get", "--ignore-not-found", "-f", applied)
    assert (left.returncode, left.stdout) == (0, ""), left.stderr


def served(plane: ControlPlane, manifest: dict[str, Any]) -> bool:
    """Whether the API server knows the object's version and kind."""
    version = manifest["apiVersion"]
    answer = plane.admin.request("GET", f"/apis/{version}" if "/" in version else f"/api/{version}")
    assert answer.code in (200, 404), answer
    return answer.code == 200 and manifest["kind"] in {resource["kind"] for resource in answer.body["resources"]}
