"""One cluster entry of a kubeconfig: where the API server is and whom to trust there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from kubevitals.errors import ConfigError
from kubevitals.kube.files import Content, FileContent, FixedContent
from kubevitals.kube.kubeconfig import Cluster, Entry, cluster_extension
from kubevitals.kube.users import decode_data
from kubevitals.tls import check

_EXEC_EXTENSION = "client.authentication.k8s.io/exec"


def authorities(entry: Entry[Cluster], what: str, now: Callable[[], float]) -> Content | None:
    """Return the authorities of a cluster, None where the system's count.

    Raises:
        ConfigError: they cannot be had, or contradict insecure-skip-tls-verify.
    """
    cluster = entry.value
    if cluster.insecure_skip_tls_verify and (cluster.certificate_authority or cluster.certificate_authority_data):
        raise ConfigError(f"{what} has insecure-skip-tls-verify and a certificate authority; remove the first of them")
    ca = _content(entry, what, now)
    if ca is not None:
        check(what, ca_pem=ca.content())
    return ca


def _content(entry: Entry[Cluster], what: str, now: Callable[[], float]) -> Content | None:
    cluster = entry.value
    if cluster.certificate_authority_data:
        key = f"certificate-authority-data of {what}"
        return FixedContent(decode_data(cluster.certificate_authority_data, key))
    if cluster.certificate_authority:
        path = entry.path(cluster.certificate_authority)
        return FileContent(path, f"certificate-authority of {what}", now, every=10.0)
    return None


def server_url(cluster: Cluster, what: str) -> str:
    """Return the API server's URL without a slash at its end.

    Raises:
        ConfigError: there is none, or it is no URL.
    """
    server = cluster.server.strip()
    if "://" not in server:
        # As client-go reads a bare host.
        secure = cluster.certificate_authority or cluster.certificate_authority_data
        server = f"{'https' if secure or cluster.insecure_skip_tls_verify else 'http'}://{server}"
    if not _usable(server, ("http", "https")):
        raise ConfigError(
            f"{what}: server {cluster.server!r} is no URL of an API server, such as https://10.0.0.1:6443"
        )
    return server.rstrip("/")


def proxy_url(cluster: Cluster, what: str) -> str:
    """Return the HTTP proxy's URL, empty when there is none.

    Raises:
        ConfigError: it is no URL of an HTTP proxy.
    """
    if cluster.proxy_url and not _usable(cluster.proxy_url, ("http", "https")):
        raise ConfigError(f"{what}: proxy-url must be an http:// or https:// URL; socks5 is not supported")
    return cluster.proxy_url


def _usable(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def told_to_plugins(entry: Entry[Cluster], name: str, server: str, ca: Content | None) -> dict[str, Any]:
    """Return ``spec.cluster`` of KUBERNETES_EXEC_INFO (client.authentication.k8s.io/v1, Cluster)."""
    cluster = entry.value
    told: dict[str, Any] = {
        "server": server,
        "tls-server-name": cluster.tls_server_name,
        "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify,
        "certificate-authority-data": ca.content() if ca else b"",
        "proxy-url": cluster.proxy_url,
        "disable-compression": cluster.disable_compression,
        "config": cluster_extension(entry, name, _EXEC_EXTENSION),
    }
    return {key: value for key, value in told.items() if value}
