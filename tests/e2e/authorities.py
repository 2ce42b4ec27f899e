"""The certificates of a cluster as files: authorities that do not know each other, and what they sign."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kubevitals.simulator import pki

FRONT_PROXY_NAME = "front-proxy-client"


class Authority:
    """A certificate authority that writes what it signs into one folder.

    Args:
        folder: where the files go.
        name: the common name of the CA, and the name of its file.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._signer = pki.Authority(name, now=time.time)
        self.pem = self._signer.pem
        self.file = folder / f"{name}.crt"
        self.file.write_bytes(self.pem)

    def write_key(self) -> Path:
        """Write the authority's private key into a file, for kube-controller-manager to sign with."""
        path = self.file.with_suffix(".key")
        path.write_bytes(self._signer.key_pem)
        return path

    def client(self, user: str, *groups: str, file: str = "") -> Path:
        """A client certificate and its key in one PEM file."""
        return self._write(file or user.replace(":", "-"), self._signer.client(user, groups))

    def serving(self, file: str, hosts: Sequence[str]) -> Path:
        """A serving certificate for host names and addresses, with its key in one PEM file."""
        return self._write(file, self.pair(file, hosts))

    def pair(self, name: str, hosts: Sequence[str]) -> pki.KeyPair:
        """The same, not in a file."""
        return self._signer.serving(name, hosts)

    def _write(self, file: str, pair: pki.KeyPair) -> Path:
        path = self._folder / f"{file}.pem"
        path.write_bytes(pair.certificate + pair.key)
        return path


class Authorities:
    """Everything that is signed in a cluster, in ``folder``.

    ``cluster`` signs users and kube-apiserver, ``front_proxy`` only the aggregator's client certificate,
    ``kubelets`` the serving certificates of the nodes, ``serving`` those of the server under test.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.cluster = Authority(folder, "cluster-ca")
        self.cluster_key = self.cluster.write_key()
        self.front_proxy = Authority(folder, "front-proxy-ca")
        self.kubelets = Authority(folder, "kubelet-ca")
        self.serving = Authority(folder, "serving-ca")
        self.api_server = self.cluster.serving("kube-apiserver", ["localhost", "127.0.0.1"])
        self.proxy_client = self.front_proxy.client(FRONT_PROXY_NAME)
        self.admin = self.cluster.client("admin", "system:masters")
        self.controller_manager = self.cluster.client("system:kube-controller-manager")
        self.service_account_key = folder / "service-account.key"
        self.service_account_key.write_bytes(_rsa_key())

    def rotate_front_proxy(self) -> Path:
        """Replace the front-proxy authority and its client certificate; returns the old certificate."""
        old = self.proxy_client
        self.front_proxy = Authority(self.folder, "front-proxy-ca-2")
        self.proxy_client = self.front_proxy.client(FRONT_PROXY_NAME, file="front-proxy-client-2")
        return old


def _rsa_key() -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
