"""Real kubectl against the API server, for core objects."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import pytest

from kubevitals.simulator import roles
from kubevitals.simulator.kinds import CONFIG_MAPS

KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or ""
pytestmark = [pytest.mark.kubectl, pytest.mark.skipif(not KUBECTL, reason="no kubectl beside this Python")]


@pytest.fixture
def kubectl(cluster, tmp_path):
    """Returns a runner of kubectl as the administrator; it gives exit code and output."""

    async def run(*args: str) -> tuple[int, str]:
        command = [KUBECTL, f"--kubeconfig={cluster.files.admin}", f"--cache-dir={tmp_path / 'cache'}", *args]
        process = await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-2)
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
        return process.returncode, output.decode()

    return run


async def test_nodes_and_pods_are_listed(cluster, kubectl):
    """`get nodes` and `get pods -A` print what exists; selectors and watches work."""
    code, output = await kubectl("get", "nodes")
    assert (code, [line.split() for line in output.splitlines()]) == (0, [["NAME", "AGE"], ["worker-1", "30d"]])
    code, output = await kubectl("get", "pods", "-A", "--no-headers")
    assert (code, len(output.splitlines())) == (0, 3)
    code, output = await kubectl("get", "pods", "-A", "-l", "app=kube-proxy", "-o", "name")
    assert (code, output.startswith("pod/kube-proxy-")) == (0, True)


async def test_the_version_is_known(kubectl):
    """`version` prints the server's."""
    assert "Server Version: v1.36.0+kubevitals" in (await kubectl("version"))[1]


async def test_rights_are_answered(cluster, kubectl):
    """`auth can-i` says yes and no, for oneself and for others, before and after a grant."""
    assert await kubectl("auth", "can-i", "list", "pods") == (0, "yes\n")
    assert await kubectl("auth", "can-i", "list", "pods", "--as=jane") == (1, "no\n")
    cluster.registry.create(*roles.binding("x", "view", [roles.user("jane")]))
    assert await kubectl("auth", "can-i", "list", "pods", "--as=jane") == (0, "yes\n")
    code, output = await kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
    assert (code, output) == (0, "admin")


async def test_objects_can_be_made_and_removed(kubectl):
    """Bindings, namespaces and tokens can be created, labelled and deleted."""
    binding = ("create", "clusterrolebinding", "y", "--clusterrole=view", "--user=joe")
    assert (await kubectl(*binding))[0] == 0
    assert (await kubectl("get", "pods", "-A", "--as=joe"))[0] == 0
    code, token = await kubectl("create", "token", "metrics-server", "-n", "kube-system")
    assert (code, token.count(".")) == (0, 2)
    assert (await kubectl("create", "namespace", "tmp"))[0] == 0
    assert (await kubectl("label", "namespace", "tmp", "a=b"))[0] == 0
    assert (await kubectl("get", "namespaces", "-l", "a=b", "-o", "name")) == (0, "namespace/tmp\n")
    assert (await kubectl("delete", "namespace", "tmp"))[0] == 0


async def test_files_can_be_applied(cluster, kubectl, tmp_path):
    """`create -f` and `delete -f` take a manifest."""
    manifest = tmp_path / "config.yaml"
    manifest.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: default}\ndata: {a: b}\n")
    assert await kubectl("create", "-f", str(manifest)) == (0, "configmap/c created\n")
    assert cluster.registry.get(CONFIG_MAPS, "c", "default")["data"] == {"a": "b"}
    assert (await kubectl("delete", "-f", str(manifest)))[0] == 0


async def test_refusals_are_printed_as_from_any_cluster(kubectl):
    """What is forbidden or missing is said in the words of Kubernetes."""
    code, output = await kubectl("get", "nodes", "--as=jane")
    assert (code, output) == (
        1,
        'Error from server (Forbidden): nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" '
        "at the cluster scope\n",
    )
    assert await kubectl("get", "node", "x") == (1, 'Error from server (NotFound): nodes "x" not found\n')
    assert await kubectl("top", "nodes") == (1, "error: Metrics API not available\n")


async def test_resources_are_discovered(kubectl):
    """`api-resources` names every resource, and `describe` works on a node."""
    code, output = await kubectl("api-resources", "-o", "name")
    assert (code, {"pods", "nodes", "apiservices.apiregistration.k8s.io"} <= set(output.split())) == (0, True)
    code, output = await kubectl("describe", "node", "worker-1")
    assert (code, "Non-terminated Pods:          (3 in total)" in output) == (0, True)
