"""Installing what is printed for a cluster where the servers are processes of this machine, and not pods."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from tests.e2e import brisk, objects
from tests.e2e.control_plane import control_plane
from tests.e2e.fleet import Node
from tests.e2e.kubelets import Kubelets
from tests.e2e.server import METRICS, PROGRAM, Server
from tests.e2e.world import World, fill, reviewer
from tests.kube_api import KubeApi
from tests.processes import running

Manifest = dict[str, Any]
BRISK = (sys.executable, Path(brisk.__file__))
NEEDS_A_KUBELET = {"Deployment", "PodDisruptionBudget", "Pod"}
REPLACED = ("--secure-port=", "--cert-dir=")  # what cannot be as in a pod
POLL_EVERY = 0.1  # seconds


def printed(*options: str) -> list[Manifest]:
    """What ``kubevitals manifests`` prints."""
    argv = [PROGRAM, "manifests", *options]
    text = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
    return list(yaml.safe_load_all(text))


def adapted(manifests: Sequence[Manifest], port: int) -> list[Manifest]:
    """The same without pods, with a Service that leads to a port of this machine."""
    return [_adapted(each, port) for each in manifests if each["kind"] not in NEEDS_A_KUBELET]


def container(manifests: Sequence[Manifest]) -> Manifest:
    """The container that the Deployment runs."""
    deployment = next(each for each in manifests if each["kind"] == "Deployment")
    return dict(deployment["spec"]["template"]["spec"]["containers"][0])


def _adapted(manifest: Manifest, port: int) -> Manifest:
    spec = manifest.get("spec", {})
    if manifest["kind"] == "Service":
        spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port, "protocol": "TCP"}]}
    elif manifest["kind"] == "APIService":
        spec = spec | {"service": spec["service"] | {"port": port}}
    return manifest | ({"spec": spec} if spec else {})


@dataclass
class Site(World):
    """A cluster in which things are installed; ``server`` is the one that was started last."""

    folder: Path

    @contextmanager
    def installed(self, manifests: Sequence[Manifest]) -> Iterator[Path]:
        """Apply objects for the time of a with block; yields their file."""
        path = self.apply(manifests)
        try:
            yield path
        finally:
            gone = self.kubectl("delete", "--ignore-not-found", "-f", str(path))
            assert gone.returncode == 0, gone.stderr

    def apply(self, manifests: Sequence[Manifest]) -> Path:
        """Let kubectl apply objects; returns their file."""
        path = self.folder / f"applied-{time.monotonic_ns()}.yaml"
        path.write_text(yaml.safe_dump_all(manifests))
        self.apply_again(path)
        return path

    def apply_again(self, path: Path) -> None:
        """Let kubectl apply a file."""
        done = self.kubectl("apply", "-f", str(path))
        assert done.returncode == 0, done.stderr

    def diff(self, path: Path) -> str:
        """What would change if a file were applied."""
        os.environ.pop("KUBECTL_EXTERNAL_DIFF", None)
        done = self.kubectl("diff", "-f", str(path))
        assert done.returncode <= 1, done.stderr
        return done.stdout

    def new_server(self, name: str, manifests: Sequence[Manifest], *, in_a_hurry: bool = True) -> Server:
        """What the Deployment would run, as a process that is not started yet."""
        found, folder = container(manifests), self.folder / name
        flags = [flag for flag in found["args"] if not flag.startswith(REPLACED)]
        if any(flag.startswith("--cert-dir=") for flag in found["args"]):
            flags.append(f"--cert-dir={folder / 'certificates'}")
        if not any(flag.startswith("--kubelet-tls-pin=") for flag in flags):
            flags.append(f"--kubelet-certificate-authority={self.plane.authorities.kubelets.file}")
        environ = {each["name"]: f"of-{name}" for each in found.get("env", ())}
        if "POD_NAMESPACE" in environ:
            environ["POD_NAMESPACE"] = objects.NAMESPACE
        program = BRISK if in_a_hurry else (PROGRAM, "serve")
        return Server(self.plane, folder, flags, program=program, bare=True, environ=environ)

    @contextmanager
    def serving(self, server: Server) -> Iterator[Server]:
        """Run a server with a token of its own."""
        server.issue_token(f"token-{time.monotonic_ns()}")
        self.server = server
        with running(server.process):
            yield server

    def registration(self, version: str) -> Manifest:
        """The spec of an APIService."""
        path = f"/apis/apiregistration.k8s.io/v1/apiservices/{version}.metrics.k8s.io"
        return dict(self.plane.admin.get(path)["spec"])

    def verified(self, version: str) -> bool:
        """Whether kube-apiserver reaches the server and verifies it by a CA that somebody has named."""
        spec = self.registration(version)
        return bool(spec.get("caBundle")) and not spec.get("insecureSkipTLSVerify") and self.available(version)


@contextmanager
def site(assets: Path, folder: Path, nodes: tuple[Node, ...]) -> Iterator[Site]:
    """A cluster with kubelets and pods in which no metrics server is installed."""
    with control_plane(assets, folder / "control-plane") as plane:
        certificate = plane.authorities.kubelets.pair("kubelets", [node.address for node in nodes])
        with Kubelets(nodes, certificate, reviewer(plane)) as kubelets:
            fill(plane, nodes, kubelets.port)
            yield Site(plane, kubelets, Server(plane, folder / "none", ()), nodes, folder)


class Poll(NamedTuple):
    """One question of a client: when it was asked (time.monotonic), and what was wrong with the answer."""

    time: float
    problem: str


@contextmanager
def polled(api: KubeApi, nodes: int) -> Iterator[list[Poll]]:
    """Ask for the metrics of all nodes several times a second; yields the growing list of polls."""
    polls: list[Poll] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(POLL_EVERY):
            polls.append(Poll(time.monotonic(), _problem(api, nodes)))

    thread = threading.Thread(target=ask, name="poll", daemon=True)
    thread.start()
    try:
        yield polls
    finally:
        over.set()
        thread.join(60)


def _problem(api: KubeApi, nodes: int) -> str:
    try:
        answer = api.request("GET", f"{METRICS}/nodes")
    except OSError as error:
        return str(error)
    if answer.code != 200:
        return f"{answer.code} {answer.body}"
    found = len(answer.body["items"])
    return "" if found == nodes else f"{found} of {nodes} nodes"
