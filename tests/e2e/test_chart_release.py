"""A release of the chart in a cluster: what an upgrade leaves alone, the way back, and what is left at the end."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.chart.chart import CHART, NAMESPACE, Helm
from tests.chart.tools import CACHE, provide
from tests.e2e.control_plane import ControlPlane, control_plane
from tests.kube_api import KubeApi, RefusedError
from tests.kubectl.binaries import UnavailableError

pytestmark = pytest.mark.e2e

# helm 4 would apply on the server's side, which breaks the APIServices of old releases of kube-apiserver.
CLIENT_SIDE = {3: (), 4: ("--server-side=false",)}
VERSIONS = ("v1", "v1beta1")
SECRET = f"/api/v1/namespaces/{NAMESPACE}/secrets/kv-kubevitals-tls"
Release = Callable[..., str]


@pytest.fixture(scope="module")
def plane(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A cluster without anything in it, and without controllers: nothing has to run."""
    with control_plane(assets, tmp_path_factory.mktemp("release"), controllers=False) as running:
        running.admin.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        yield running


@pytest.fixture(params=CLIENT_SIDE, ids="helm-{}".format)
def release(request: pytest.FixtureRequest, plane: ControlPlane, tmp_path: Path) -> Iterator[Release]:
    """Calls helm for the release ``kv``: a command, then its arguments."""
    try:
        helm = Helm(provide(request.param, CACHE), tmp_path)
    except UnavailableError as reason:
        pytest.skip(f"helm {request.param}: {reason}")
    kubeconfig = plane.user(plane.authorities.admin)

    def call(command: str, *argv: str) -> str:
        how = () if command == "uninstall" else CLIENT_SIDE[request.param]
        done = helm.run(command, "kv", *argv, *how, f"--namespace={NAMESPACE}", f"--kubeconfig={kubeconfig}")
        return "" if done.returncode == 0 else done.stderr

    yield call
    call("uninstall")


def path(version: str) -> str:
    return f"/apis/apiregistration.k8s.io/v1/apiservices/{version}.metrics.k8s.io"


def write_as_the_server_does(admin: KubeApi) -> tuple[str, dict[str, str]]:
    """Fill the Secret and tell the API server; return both."""
    bundle = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n").decode()
    data = {"ca.crt": bundle}
    admin.patch(SECRET, {"data": data})
    for version in VERSIONS:
        admin.patch(path(version), {"spec": {"caBundle": bundle, "insecureSkipTLSVerify": None}})
    return bundle, data


def test_an_upgrade_leaves_what_the_server_wrote(plane: ControlPlane, release: Release) -> None:
    """The CA in the APIServices and the content of the Secret outlive an upgrade; the rest changes."""
    assert release("install", str(CHART)) == ""
    bundle, data = write_as_the_server_does(plane.admin)
    assert release("upgrade", str(CHART), "--set=replicas=2") == ""
    assert [plane.admin.get(path(version))["spec"]["caBundle"] for version in VERSIONS] == [bundle, bundle]
    assert plane.admin.get(SECRET)["data"] == data
    assert plane.admin.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/kv-kubevitals")["spec"]["replicas"] == 2


def test_verification_begins_when_the_server_says_so(plane: ControlPlane, release: Release) -> None:
    """Over a release that skips it, as metrics-server's does, an upgrade leaves it so; the server's word then stays."""
    assert release("install", str(CHART), "--set=apiService.insecureSkipTLSVerify=true") == ""
    assert release("upgrade", str(CHART), "--set=apiService.insecureSkipTLSVerify=false") == ""
    assert plane.admin.get(path("v1beta1"))["spec"]["insecureSkipTLSVerify"] is True
    bundle, _ = write_as_the_server_does(plane.admin)
    assert release("upgrade", str(CHART), "--set=replicas=2") == ""
    for version in VERSIONS:
        spec = plane.admin.get(path(version))["spec"]
        assert ("insecureSkipTLSVerify" in spec, spec["caBundle"]) == (False, bundle)


def test_back_to_an_unverified_release(plane: ControlPlane, release: Release) -> None:
    """A rollback to what metrics-server's chart has works once the APIServices with a CA are gone."""
    assert release("install", str(CHART), "--set=apiService.insecureSkipTLSVerify=true") == ""
    assert release("upgrade", str(CHART), "--set=apiService.insecureSkipTLSVerify=false") == ""
    write_as_the_server_does(plane.admin)
    for version in VERSIONS:
        plane.admin.delete(path(version))
    assert release("rollback", "1") == ""
    assert [plane.admin.get(path(version))["spec"]["insecureSkipTLSVerify"] for version in VERSIONS] == [True, True]


def test_nothing_is_left_behind(plane: ControlPlane, release: Release) -> None:
    """Without the release there is no APIService that would lead nowhere, no Secret and no right."""
    assert release("install", str(CHART)) == ""
    write_as_the_server_does(plane.admin)
    assert release("uninstall") == ""
    roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:kv-kubevitals"
    for gone in (*map(path, VERSIONS), SECRET, roles):
        with pytest.raises(RefusedError) as refused:
            plane.admin.get(gone)
        assert refused.value.code == 404
