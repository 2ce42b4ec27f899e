"""``kubevitals doctor`` and its remedies in a real cluster, whose pods this module starts as kubelets do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e import objects
from tests.e2e.control_plane import control_plane
from tests.e2e.diagnosis import Diagnosis
from tests.e2e.fleet import Node
from tests.e2e.installing import Site
from tests.e2e.kubelets import Kubelets
from tests.e2e.server import Server
from tests.e2e.world import fill, reviewer
from tests.kube_api import RefusedError
from tests.processes import eventually, running

PROGRAM = (sys.executable, "-c", "from kubevitals.cli import main; main()", "doctor")
PORT = 10250  # of the provider's pod, as the manifests have it


@dataclass
class Patient(Site):
    """A Site in which the pods of Deployments come to run.

    Args:
        address: of this machine, where pods listen.
        before: what doctor said when no provider was installed.
    """

    address: str = ""
    before: Diagnosis = field(default=Diagnosis(2, {}))

    def doctor(self, *argv: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run doctor, as the administrator unless a kubeconfig is given."""
        config = kubeconfig or self.plane.user(self.plane.authorities.admin)
        words = [*PROGRAM, *argv, f"--kubeconfig={config}"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env=self._environment())
        assert "Traceback" not in done.stderr
        return done

    def diagnose(self, *argv: str, kubeconfig: Path | None = None) -> Diagnosis:
        """Run it and return what it found."""
        done = self.doctor(*argv, "-o", "json", kubeconfig=kubeconfig)
        assert done.stdout, done.stderr
        return Diagnosis(done.returncode, json.loads(done.stdout))

    def found_first(self, row: str, *argv: str, kubeconfig: Path | None = None) -> Diagnosis:
        """Wait until a row is found first; the API server takes seconds to notice a change."""

        def probe() -> Diagnosis:
            seen = self.diagnose(*argv, kubeconfig=kubeconfig)
            assert seen.rows[:1] == [row], json.dumps(seen.report, indent=1)
            return seen

        return eventually(probe, within=30, every=0.5)

    def healed(self, *argv: str, kubeconfig: Path | None = None) -> Diagnosis:
        """Wait until nothing is found."""

        def probe() -> Diagnosis:
            seen = self.diagnose(*argv, kubeconfig=kubeconfig)
            assert seen.healthy, json.dumps(seen.report, indent=1)
            return seen

        return eventually(probe, within=45, every=0.5)

    def run_command(self, command: str, *, answer: str = "") -> str:
        """Let a shell of the administrator run a command as doctor prints it; returns what it printed.

        Args:
            command: some lines.
            answer: what is typed at the terminal.
        """
        argv = ["bash", "-euo", "pipefail", "-c", command]
        ours, theirs = os.openpty()
        os.write(ours, answer.encode())
        try:
            done = subprocess.run(
                argv,
                stdin=theirs,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
                env=self._environment(),
            )
        finally:
            os.close(theirs)
            os.close(ours)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "KUBECONFIG": str(self.plane.user(self.plane.authorities.admin)),
            "HOME": str(self.folder),
            "COLUMNS": "80",
        }

    def run_pods(self, namespace: str, *, labels: str = "") -> list[str]:
        """Do what scheduler and kubelet do for the pods of a namespace; returns the names of those that run."""
        path = f"{objects.CORE}/namespaces/{namespace}/pods"
        pods = self.plane.admin.get(f"{path}?labelSelector={labels}")["items"]
        for pod in pods:
            name = pod["metadata"]["name"]
            if not pod["spec"].get("nodeName"):
                target = {"apiVersion": "v1", "kind": "Node", "name": self.nodes[0].name}
                self.plane.admin.post(f"{path}/{name}/binding", {"metadata": {"name": name}, "target": target})
            self.plane.admin.patch(f"{path}/{name}/status", self._status(pod))
        return [pod["metadata"]["name"] for pod in pods]

    def _status(self, pod: objects.Manifest) -> objects.Manifest:
        status = objects.running()["status"]
        ran = [
            {"name": box["name"], "image": box["image"], "imageID": "", "ready": True, "restartCount": 0}
            | {"state": {"running": {"startedAt": objects.LONG_AGO}}}
            for box in pod["spec"]["containers"]
        ]
        more = {"containerStatuses": ran, "podIP": self.address, "podIPs": [{"ip": self.address}]}
        return {"status": status | more}

    def granted(self, user: str, rules: Sequence[objects.Manifest]) -> Path:
        """Give a user rights of its own; returns its kubeconfig."""
        admin = self.plane.admin
        admin.post(f"{objects.RBAC}/clusterroles", {"metadata": {"name": user}, "rules": list(rules)})
        return self.bound(user, user)

    def bound(self, user: str, role: str) -> Path:
        """Bind a ClusterRole to a user; returns its kubeconfig."""
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
        binding = {"metadata": {"name": user}, "roleRef": reference, "subjects": [{"kind": "User", "name": user}]}
        self.plane.admin.post(f"{objects.RBAC}/clusterrolebindings", binding)
        return self.user(user)


@contextmanager
def patient(assets: Path, folder: Path, nodes: tuple[Node, ...], address: str) -> Iterator[Patient]:
    """A cluster without a provider, in which kube-apiserver reaches kubelets, and pods on an address."""
    with control_plane(assets, folder / "control-plane", reach_kubelets=True) as plane:
        certificate = plane.authorities.kubelets.pair("kubelets", [node.address for node in nodes])
        with Kubelets(nodes, certificate, reviewer(plane), client_ca=plane.authorities.cluster.pem) as kubelets:
            fill(plane, nodes, kubelets.port)
            yield Patient(plane, kubelets, Server(plane, folder / "none", ()), nodes, folder, address)


@contextmanager
def serving(site: Patient, server: Server) -> Iterator[None]:
    """Run the provider's process and its pod."""
    server.process.argv += [f"--bind-address={site.address}", f"--secure-port={PORT}"]
    server.issue_token("doctored")
    site.server = server
    eventually(lambda: site.run_pods(objects.NAMESPACE), within=30)
    with running(server.process):
        yield


def own_address() -> str:
    """An address of this machine where a pod could listen; empty when there is none.

    An API server refuses addresses of the loopback interface as those of pods.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.connect(("192.0.2.1", 9))  # nothing is sent
            found = str(asker.getsockname()[0])
        socket.create_server((found, PORT)).close()
    except OSError:
        return ""
    return "" if found.startswith("127.") else found


def gone(site: Patient, path: str) -> None:
    """Delete an object that may be gone already."""
    with suppress(RefusedError):
        site.plane.admin.delete(path)
