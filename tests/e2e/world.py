"""A whole cluster for a with block: control plane, kubelets, objects, and the server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.e2e import objects
from tests.e2e.control_plane import ControlPlane, control_plane
from tests.e2e.etcd import store
from tests.e2e.fleet import Node, Pod
from tests.e2e.kubelets import Kubelets, Review
from tests.e2e.server import METRICS, Server
from tests.processes import eventually, running

KUBECTL = Path(sys.executable).with_name("kubectl")
MANY = 1000  # pods, from which on they are written to etcd at once
EVERY_10_S = ("--metric-resolution=10s", "--kubelet-request-timeout=5s")


@dataclass
class World:
    """What a test can look at and disturb."""

    plane: ControlPlane
    kubelets: Kubelets
    server: Server
    nodes: tuple[Node, ...]

    def kubectl(self, *args: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl, as the administrator unless a kubeconfig is given."""
        config = kubeconfig or self.plane.user(self.plane.authorities.admin)
        argv = [
            str(KUBECTL),
            f"--kubeconfig={config}",
            f"--cache-dir={self.plane.folder / 'kubectl-cache'}",
            *args,
        ]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    def rows(self, *args: str) -> list[list[str]]:
        """The words of each line that a kubectl command prints, without the heading."""
        done = self.kubectl(*args, "--no-headers")
        assert done.returncode == 0, done.stderr
        return [line.split() for line in done.stdout.splitlines()]

    def raw(self, path: str, kubeconfig: Path | None = None) -> Any:
        """The object that ``kubectl get --raw`` prints."""
        done = self.kubectl("get", "--raw", path, kubeconfig=kubeconfig)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def user(self, name: str) -> Path:
        """A kubeconfig of a user that is known by certificate and in no group of its own."""
        return self.plane.user(self.plane.authorities.cluster.client(name))

    def condition(self, version: str) -> dict[str, str]:
        """The Available condition of an APIService."""
        path = f"/apis/apiregistration.k8s.io/v1/apiservices/{version}.metrics.k8s.io"
        conditions = self.plane.admin.get(path)["status"]["conditions"]
        return next(dict(one) for one in conditions if one["type"] == "Available")

    def available(self, version: str) -> bool:
        """Whether kube-apiserver reaches the server for this version."""
        return self.condition(version)["status"] == "True"

    def run_pod(self, pod: Pod, node: Node) -> None:
        """Create a pod on a node, let it run, and let the node's kubelet report it."""
        path, manifest = placed(pod, node)
        self.plane.admin.post(path, manifest)
        self.plane.admin.patch(f"{path}/{pod.name}/status", objects.running())
        self.kubelets.run_pod(pod, node)

    def delete_pod(self, pod: Pod, node: Node) -> None:
        """Delete a pod at once, with its containers."""
        self.plane.admin.delete(f"{objects.CORE}/namespaces/{pod.namespace}/pods/{pod.name}")
        self.kubelets.stop_pod(pod, node)

    def wait_metrics(self, within: float = 60) -> None:
        """Wait until both versions are available and every node and pod has metrics."""
        needs = (self.plane.api_server, self.server.process)
        for version in objects.VERSIONS:
            eventually(partial(self.available, version), within=within, needs=needs)
        pods = sum(len(node.pods) for node in self.nodes)
        wanted = (len(self.nodes), pods)
        eventually(lambda: self.counts() == wanted, within=within, every=1, needs=needs)

    def counts(self) -> tuple[int, int]:
        """How many nodes and pods have metrics, as seen through kube-apiserver."""
        admin = self.plane.admin
        return len(admin.get(f"{METRICS}/nodes")["items"]), len(admin.get(f"{METRICS}/pods")["items"])


@contextmanager
def world(
    assets: Path,
    folder: Path,
    nodes: tuple[Node, ...],
    *,
    flags: Sequence[str] = EVERY_10_S,
    controllers: bool = True,
    prepare: Callable[[World], None] = lambda _: None,
) -> Iterator[World]:
    """Run everything; ``prepare`` runs before the server starts, ``wait_metrics`` is left to the caller."""
    with control_plane(assets, folder / "control-plane", controllers=controllers) as plane:
        certificate = plane.authorities.kubelets.pair("kubelets", [node.address for node in nodes])
        with Kubelets(nodes, certificate, reviewer(plane)) as kubelets:
            fill(plane, nodes, kubelets.port)
            server = Server(plane, folder / "server", flags)
            server.install()
            everything = World(plane, kubelets, server, nodes)
            prepare(everything)
            with running(server.process):
                yield everything
    shutil.rmtree(folder / "control-plane" / "kubectl-cache", ignore_errors=True)


def fill(plane: ControlPlane, nodes: Sequence[Node], kubelet_port: int) -> None:
    """Create namespaces, nodes and running pods."""
    names = sorted({pod.namespace for node in nodes for pod in node.pods})
    plane.admin.create_all(objects.namespace(name) for name in names)
    plane.admin.create_all((f"{objects.CORE}/nodes", objects.node(node, kubelet_port)) for node in nodes)
    pods = [(pod, node) for node in nodes for pod in node.pods]
    if len(pods) > MANY:
        store(plane.etcd_port, (objects.stored(pod, node.name, objects.running()) for pod, node in pods))
        return
    for pod, node in pods:
        path, manifest = placed(pod, node)
        plane.admin.post(path, manifest)
        plane.admin.patch(f"{path}/{pod.name}/status", objects.running())


def placed(pod: Pod, node: Node) -> objects.Placed:
    """Where to post a pod, and the pod."""
    return f"{objects.CORE}/namespaces/{pod.namespace}/pods", objects.pod(pod, node.name)


def reviewer(plane: ControlPlane) -> Review:
    """What a kubelet with webhook authentication and authorization asks about a bearer token."""

    def review(token: str) -> int:
        tokens, accesses = (
            "/apis/authentication.k8s.io/v1/tokenreviews",
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        )
        status = plane.admin.post(tokens, {"spec": {"token": token}})["status"]
        if not status.get("authenticated"):
            return 401
        user = status["user"]
        wish = {"verb": "get", "version": "v1", "resource": "nodes", "subresource": "metrics"}
        spec = {"user": user["username"], "groups": user["groups"], "resourceAttributes": wish}
        return 200 if plane.admin.post(accesses, {"spec": spec})["status"]["allowed"] else 403

    return review
