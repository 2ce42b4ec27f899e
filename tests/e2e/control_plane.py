"""A real etcd, kube-apiserver and kube-controller-manager on loopback."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.authorities import FRONT_PROXY_NAME, Authorities
from tests.kube_api import KubeApi
from tests.processes import Process, eventually, free_port

BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager")


class ControlPlane:
    """The three processes and the files they share.

    Args:
        assets: folder with the binaries.
        folder: everything they write.
        reach_kubelets: whether kube-apiserver has a certificate for kubelets, and dials pods rather than Services.
    """

    def __init__(self, assets: Path, folder: Path, *, reach_kubelets: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.authorities = Authorities(folder / "pki")
        if reach_kubelets:  # one authority signs for all, as with serverTLSBootstrap
            self.authorities.kubelets = self.authorities.cluster
        self.port = free_port()
        self._assets = assets
        self._reach_kubelets = reach_kubelets
        self.etcd_port = free_port()
        self._etcd_peer_port = free_port()
        self.etcd = Process("etcd", self._etcd_argv(), folder / "etcd.log")
        self.api_server = Process("kube-apiserver", self._api_server_argv(), folder / "kube-apiserver.log")
        self.controllers = Process(
            "kube-controller-manager", self._controllers_argv(), folder / "kube-controller-manager.log"
        )
        self.admin = self.client(self.authorities.admin)

    def client(self, certificate: Path | None, *headers: tuple[str, str]) -> KubeApi:
        """A client for kube-apiserver with the given certificate, and headers for every request."""
        authority = self.authorities.cluster.file
        return KubeApi(self.port, certificate=certificate, authority=authority, headers=headers)

    def kubeconfig(self, name: str, user: Mapping[str, object]) -> Path:
        """Write a kubeconfig for kube-apiserver with the given user entry."""
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(json.dumps(self._kubeconfig(dict(user))))
        return path

    def user(self, certificate: Path) -> Path:
        """A kubeconfig that authenticates with a client certificate file."""
        return self.kubeconfig(
            certificate.stem, {"client-certificate": str(certificate), "client-key": str(certificate)}
        )

    def wait_ready(self, within: float = 60) -> None:
        """Wait until kube-apiserver is ready and its RBAC objects exist."""
        eventually(lambda: self.admin.get("/readyz") == "ok", within=within, needs=(self.etcd, self.api_server))
        eventually(lambda: self.admin.get("/api/v1/namespaces/default"), within=within, needs=(self.api_server,))

    def kill_api_server(self) -> None:
        """Take kube-apiserver away without a word."""
        self.api_server.stop(by=signal.SIGKILL)
        self.admin.close()

    def restart_api_server(self, *flags: str) -> None:
        """Start kube-apiserver again, on the same port and with the certificates that are valid now.

        Args:
            flags: further ones, which count more than the usual ones of the same names.
        """
        self.api_server.stop()
        self.admin.close()
        self.api_server.argv = [*self._api_server_argv(), *flags]
        self.api_server.start()
        self.wait_ready()

    def _kubeconfig(self, user: Mapping[str, object]) -> dict[str, object]:
        cluster = {
            "server": f"https://127.0.0.1:{self.port}",
            "certificate-authority": str(self.authorities.cluster.file),
        }
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "e2e", "cluster": cluster}],
            "users": [{"name": "me", "user": user}],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "me"}}],
            "current-context": "e2e",
        }

    def _etcd_argv(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.etcd_port, self._etcd_peer_port))
        return [
            str(self._assets / "etcd"),
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",
            "--quota-backend-bytes=4294967296",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        ]

    def _api_server_argv(self) -> list[str]:
        pki = self.authorities
        return [
            str(self._assets / "kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=10.255.0.1",
            f"--secure-port={self.port}",
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--authorization-mode=Node,RBAC",
            "--disable-admission-plugins=ServiceAccount",
            "--enable-priority-and-fairness=false",
            f"--tls-cert-file={pki.api_server}",
            f"--tls-private-key-file={pki.api_server}",
            f"--client-ca-file={pki.cluster.file}",
            f"--requestheader-client-ca-file={pki.front_proxy.file}",
            f"--requestheader-allowed-names={FRONT_PROXY_NAME}",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={pki.proxy_client}",
            f"--proxy-client-key-file={pki.proxy_client}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={pki.service_account_key}",
            f"--service-account-signing-key-file={pki.service_account_key}",
            *(self._reaching() if self._reach_kubelets else ()),
        ]

    def _reaching(self) -> Iterator[str]:
        yield "--enable-aggregator-routing=true"
        yield "--kubelet-preferred-address-types=InternalIP"
        yield f"--kubelet-certificate-authority={self.authorities.kubelets.file}"
        yield f"--kubelet-client-certificate={self.authorities.admin}"
        yield f"--kubelet-client-key={self.authorities.admin}"

    def _controllers_argv(self) -> list[str]:
        binary = self._assets / "kube-controller-manager"
        return [
            str(binary),
            f"--kubeconfig={self.user(self.authorities.controller_manager)}",
            "--controllers=*,-nodelifecycle,-nodeipam,-podgc,-ttl",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={self.authorities.service_account_key}",
            f"--root-ca-file={self.authorities.cluster.file}",
            f"--cluster-signing-cert-file={self.authorities.cluster.file}",
            f"--cluster-signing-key-file={self.authorities.cluster_key}",
            "--leader-elect=false",
            "--secure-port=0",
            *_insecure_port_off(binary),
            "--horizontal-pod-autoscaler-sync-period=2s",
            "--horizontal-pod-autoscaler-cpu-initialization-period=1s",
            "--horizontal-pod-autoscaler-initial-readiness-delay=1s",
        ]


@contextmanager
def control_plane(
    assets: Path, folder: Path, *, controllers: bool = True, reach_kubelets: bool = False
) -> Iterator[ControlPlane]:
    """Run a control plane for the time of a with block; its data is removed afterwards, its logs stay."""
    plane = ControlPlane(assets, folder, reach_kubelets=reach_kubelets)
    try:
        plane.etcd.start()
        plane.api_server.start()
        plane.wait_ready()
        if controllers:
            plane.controllers.start()
        yield plane
    finally:
        for process in (plane.controllers, plane.api_server, plane.etcd):
            process.stop(within=5)
        shutil.rmtree(folder / "etcd", ignore_errors=True)


def _insecure_port_off(binary: Path) -> list[str]:
    """Releases before 1.24 also open a plain port unless told not to; later ones do not know the flag."""
    known = subprocess.run([binary, "--help"], capture_output=True, text=True, timeout=30, check=True).stdout
    return ["--port=0"] if " --port int " in known else []
