"""The files through which clients reach the simulated cluster."""

from __future__ import annotations

from pathlib import Path

import yaml

from kubevitals.simulator import pki, templates
from kubevitals.simulator.kinds import Object


class Files:
    """Kubeconfigs, the cluster's CA and the metrics server's token, in one directory.

    Args:
        directory: where they go.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.admin = directory / "kubeconfig"
        self.server = directory / "metrics-server.kubeconfig"
        self.ca = directory / "ca.crt"
        self.token = directory / "token"
        self._url = ""
        self._ca = b""

    def write(self, url: str, ca: bytes, admin: pki.KeyPair) -> None:
        """Write all but the token.

        Args:
            url: of the API server.
            ca: of the cluster, PEM.
            admin: the administrator's client certificate.
        """
        self._url, self._ca = url, ca
        replace(self.ca, ca)
        self.write_user(self.admin, admin)
        self._write_kubeconfig(self.server, {"tokenFile": str(self.token)})

    def write_user(self, path: Path, pair: pki.KeyPair) -> None:
        """Write a kubeconfig for a client certificate."""
        self._write_kubeconfig(path, templates.certificate_user(*pair))

    def write_token(self, token: str) -> None:
        """Write or replace the metrics server's token."""
        replace(self.token, token.encode())

    def _write_kubeconfig(self, path: Path, user: Object) -> None:
        content = yaml.safe_dump(templates.kubeconfig(self._url, self._ca, user), sort_keys=False)
        replace(path, content.encode())


def replace(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read; whoever reads it sees the old content or the new."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.replace(path)
