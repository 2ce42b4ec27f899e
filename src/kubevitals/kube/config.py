"""Where the API server is and who we are there: from kubeconfig files, or from a pod's service account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubevitals import logs
from kubevitals.errors import ConfigError
from kubevitals.kube.clusters import authorities, proxy_url, server_url, told_to_plugins
from kubevitals.kube.credentials import Credentials, NoCredentials, TokenFile
from kubevitals.kube.files import Content, FileContent
from kubevitals.kube.kubeconfig import Context, Entry, Kubeconfig, read_kubeconfig
from kubevitals.kube.users import Header, Surroundings, credentials, impersonation

_log = logs.get(__name__)

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_NOT_IN_CLUSTER = (
    "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined"
)


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """One cluster and one identity there.

    ``server`` is a URL without a slash at its end. ``ca`` is None where the system's authorities count.
    ``server_name`` replaces the URL's host for the certificate and SNI. ``proxy`` is an HTTP proxy's URL.
    ``namespace`` is the context's, empty when it names none.
    """

    server: str
    credentials: Credentials = field(default_factory=NoCredentials)
    ca: Content | None = None
    insecure: bool = False
    server_name: str = ""
    proxy: str = ""
    impersonate: tuple[Header, ...] = ()
    namespace: str = ""

    @property
    def ca_pem(self) -> bytes | None:
        """The authorities as they are now."""
        return self.ca.content() if self.ca else None


def kubeconfig_paths(flag: str, environ: Mapping[str, str]) -> list[Path]:
    """Return the files kubectl would read: the flag's, or those of KUBECONFIG, or ``~/.kube/config``."""
    if flag:
        return [Path(flag)]
    listed = [Path(part) for part in environ.get("KUBECONFIG", "").split(":") if part]
    if listed:
        return list(dict.fromkeys(listed))
    home = environ.get("HOME", "")
    return [Path(home, ".kube", "config")] if home else []


def load_kubeconfig(
    paths: Sequence[Path],
    context: str = "",
    *,
    now: Callable[[], float],
    environ: Mapping[str, str],
    interactive: bool = False,
) -> ClusterConfig:
    """Return the cluster and identity of a context.

    Args:
        paths: the files, the first wins (see ``kubeconfig_paths``).
        context: its name; empty for ``current-context``.
        now: seconds since the epoch.
        environ: what exec plugins inherit.
        interactive: whether a person sits at standard input, whom exec plugins may ask.

    Raises:
        ConfigError: naming the file, the key, and what to do.
    """
    config = read_kubeconfig(paths)
    chosen, name = _context(config, context)
    entry = _named(config.clusters, chosen.value.cluster, "clusters", f'context "{name}" in {chosen.file}')
    what = f'cluster "{chosen.value.cluster}" in {entry.file}'
    cluster, ca = entry.value, authorities(entry, what, now)
    server, proxy = server_url(cluster, what), proxy_url(cluster, what)
    told = told_to_plugins(entry, chosen.value.cluster, server, ca)
    proof, headers = _identity(config, chosen, Surroundings(now, environ, interactive, told))
    return ClusterConfig(
        server=server,
        credentials=proof,
        ca=ca,
        insecure=cluster.insecure_skip_tls_verify,
        server_name=cluster.tls_server_name,
        proxy=proxy,
        impersonate=headers,
        namespace=chosen.value.namespace,
    )


def load_in_cluster(
    environ: Mapping[str, str], root: Path = SERVICE_ACCOUNT, *, now: Callable[[], float]
) -> ClusterConfig:
    """Return what Kubernetes tells every pod: the service of the API server, a token, and its authorities.

    Raises:
        ConfigError: not in a pod (worded as client-go does), or without a service account token.
    """
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port:
        raise ConfigError(_NOT_IN_CLUSTER)
    token = TokenFile(root / "token", now, what="the service account token (is automountServiceAccountToken false?)")
    return ClusterConfig(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        credentials=token,
        ca=_cluster_authorities(root / "ca.crt", now),
    )


def _cluster_authorities(path: Path, now: Callable[[], float]) -> Content | None:
    try:
        return FileContent(path, "the service account's certificate authority", now, every=10.0)
    except ConfigError as error:
        # As client-go does: the API server may have a certificate that the system trusts.
        _log.warning("Verifying the API server with the system's authorities", reason=str(error))
        return None


def _context(config: Kubeconfig, wanted: str) -> tuple[Entry[Context], str]:
    name = wanted or config.current_context
    files = ", ".join(map(str, config.files))
    if not name:
        raise ConfigError(f"{files}: current-context is not set; choose one with kubectl config use-context")
    return _named(config.contexts, name, "contexts", files), name


def _named(entries: Mapping[str, Entry[Any]], name: str, key: str, where: str) -> Entry[Any]:
    if name not in entries:
        known = ", ".join(sorted(entries)) or "none"
        raise ConfigError(f'{where}: {key} has no entry named "{name}" (known: {known})')
    return entries[name]


def _identity(
    config: Kubeconfig, chosen: Entry[Context], around: Surroundings
) -> tuple[Credentials, tuple[Header, ...]]:
    name = chosen.value.user
    if not name:
        return NoCredentials(), ()
    entry = _named(config.users, name, "users", str(chosen.file))
    return credentials(entry, name, around), impersonation(entry, name)
