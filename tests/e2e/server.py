"""The program under test, run as a cluster would run it: its own ServiceAccount, rights and flags."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.e2e import objects
from tests.e2e.control_plane import ControlPlane
from tests.kube_api import KubeApi
from tests.processes import Process, free_port

PROGRAM = Path(sys.executable).with_name("kubevitals")
MASTERS = (("X-Remote-User", "system:kube-aggregator"), ("X-Remote-Group", "system:masters"))
METRICS = "/apis/metrics.k8s.io/v1beta1"


class Server:
    """``kubevitals serve`` and the ServiceAccount token it uses.

    Args:
        plane: the control plane it works for.
        folder: everything it writes.
        flags: further flags, such as the resolution or a serving certificate.
        program: what takes the flags.
        bare: whether ``flags`` are all it gets, save where its control plane and its port are.
        environ: what is set in its environment besides ours.
    """

    def __init__(
        self,
        plane: ControlPlane,
        folder: Path,
        flags: Sequence[str],
        *,
        program: Sequence[str | Path] = (PROGRAM, "serve"),
        bare: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.plane = plane
        self.port = free_port()
        self.token_file = folder / "token"
        config = plane.kubeconfig(f"{objects.NAME}-{folder.name}", {"tokenFile": str(self.token_file)})
        usual = [
            f"--cert-dir={folder / 'certificates'}",
            "--kubelet-preferred-address-types=InternalIP",
            "--kubelet-use-node-status-port",
            f"--kubelet-certificate-authority={plane.authorities.kubelets.file}",
            "-v=2",
        ]
        argv: list[str | Path] = [
            *program,
            f"--kubeconfig={config}",
            f"--secure-port={self.port}",
            "--bind-address=127.0.0.1",
            *([] if bare else usual),
            *flags,
        ]
        self.process = Process("kubevitals", argv, folder / "kubevitals.log", environ)

    def install(self) -> None:
        """Create the server's rights, its registration and its first token."""
        for path, manifest in (*objects.server_rights(), *objects.registration(self.port)):
            self.plane.admin.post(path, manifest)
        self.issue_token("first")

    def issue_token(self, name: str) -> str:
        """Put a new token into the token file, valid while the Secret ``name`` exists; returns the token."""
        admin = self.plane.admin
        secrets = f"{objects.CORE}/namespaces/{objects.NAMESPACE}/secrets"
        uid = admin.post(secrets, {"metadata": {"name": name}})["metadata"]["uid"]
        bound = {"kind": "Secret", "apiVersion": "v1", "name": name, "uid": uid}
        review = {"spec": {"boundObjectRef": bound, "expirationSeconds": 3600}}
        accounts = f"{objects.CORE}/namespaces/{objects.NAMESPACE}/serviceaccounts"
        token = str(admin.post(f"{accounts}/{objects.NAME}/token", review)["status"]["token"])
        replace(self.token_file, token.encode())
        return token

    def revoke_token(self, name: str) -> None:
        """Make the token bound to the Secret ``name`` worthless."""
        self.plane.admin.delete(f"{objects.CORE}/namespaces/{objects.NAMESPACE}/secrets/{name}")

    def call(self, certificate: Path | None, *headers: tuple[str, str]) -> KubeApi:
        """A caller that reaches the server directly, past the aggregator."""
        return KubeApi(self.port, certificate=certificate, headers=headers)

    def as_front_proxy(self, *, certificate: Path | None = None) -> KubeApi:
        """A direct caller that is the front proxy and speaks for a member of system:masters."""
        return self.call(certificate or self.plane.authorities.proxy_client, *MASTERS)

    def refuses(self, certificate: Path) -> bool:
        """Whether a caller with this certificate is turned away, in the handshake or with 401."""
        try:
            return self.as_front_proxy(certificate=certificate).request("GET", f"{METRICS}/nodes").code == 401
        except ConnectionError:
            return True

    @property
    def log(self) -> str:
        """Everything the server has written so far."""
        return self.process.log.read_text(errors="replace") if self.process.log.exists() else ""

    def says(self, *words: str) -> bool:
        """Whether one line of the log has all the words."""
        return any(all(word in line for word in words) for line in self.log.splitlines())


def replace(path: Path, content: bytes) -> None:
    """Write a file in one step, as a projected volume does."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(content)
    os.replace(draft, path)
