"""From settings to what the parts are built from: clusters, certificates, trust."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cryptography import x509

from kubevitals import logs
from kubevitals.api.authentication.trust import TrustFlags
from kubevitals.errors import ConfigError
from kubevitals.kube.config import ClusterConfig, kubeconfig_paths, load_in_cluster, load_kubeconfig
from kubevitals.settings import Settings
from kubevitals.tls import (
    HandshakeFailure,
    ReloadingFile,
    ReloadingFiles,
    ServerTls,
    ServingCertificate,
    cipher_list,
    insecure_ciphers,
    minimum_version,
    parse_key_pair,
)
from kubevitals.tls.serving import GivenCertificate, NamedCertificate, serving_certificate

_log = logs.get(__name__)

Environ = Mapping[str, str]

_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]]*):[^:]*")


def cluster(flag: str, environ: Environ, now: Callable[[], float]) -> ClusterConfig:
    """Return the cluster of a kubeconfig flag, or the one this process runs in when the flag is empty.

    Raises:
        ConfigError: it cannot be used.
    """
    if flag:
        return load_kubeconfig(kubeconfig_paths(flag, environ), now=now, environ=environ)
    try:
        return load_in_cluster(environ, now=now)
    except ConfigError as error:
        raise ConfigError(f"{error}; outside a cluster, name a kubeconfig with --kubeconfig") from error


def reviewer(flag: str, what: str, settings: Settings, environ: Environ, now: Callable[[], float]) -> ClusterConfig:
    """Return where callers are reviewed: the flag's cluster, else the one around us, else that of ``--kubeconfig``.

    Raises:
        ConfigError: there is none of them; worded as upstream.
    """
    in_cluster = bool(environ.get("KUBERNETES_SERVICE_HOST"))
    try:
        return cluster(flag or ("" if in_cluster else settings.kubeconfig), environ, now)
    except ConfigError as error:
        raise ConfigError(f"failed to get delegated {what} kubeconfig: {error}") from error


def trust_flags(settings: Settings) -> TrustFlags:
    """Return the part of the settings that says by what callers are known."""
    return TrustFlags(
        client_ca_file=settings.client_ca_file,
        requestheader_client_ca_file=settings.requestheader_client_ca_file,
        requestheader_allowed_names=settings.requestheader_allowed_names,
        requestheader_username_headers=settings.requestheader_username_headers,
        requestheader_group_headers=settings.requestheader_group_headers,
        requestheader_extra_headers_prefix=settings.requestheader_extra_headers_prefix,
        requestheader_uid_headers=settings.requestheader_uid_headers,
        lookup=not settings.authentication_skip_lookup,
    )


def server_tls(
    settings: Settings,
    managed: ServingCertificate | None,
    *,
    ask: bool,
    on_failure: Callable[[HandshakeFailure], None],
    now: Callable[[], float],
) -> ServerTls:
    """Return the listener's TLS, with the managed certificate if there is one and that of the flags if not.

    Raises:
        ConfigError: certificate files that cannot be used.
    """
    certificate = managed or serving_certificate(
        settings.tls_cert_file,
        settings.tls_private_key_file,
        cert_dir=settings.cert_dir,
        bind_address=settings.bind_address,
        now=now,
    )
    for name in insecure_ciphers(settings.tls_cipher_suites):
        _log.warning("A cipher suite in use is insecure", cause=name, remedy="leave it out of --tls-cipher-suites")
    named = [
        NamedCertificate(GivenCertificate(Path(each.cert_file), Path(each.key_file)), each.names)
        for each in settings.tls_sni_cert_key
    ]
    return ServerTls(
        certificate,
        named=named,
        minimum=minimum_version(settings.tls_min_version),
        ciphers=cipher_list(settings.tls_cipher_suites),
        ask=ask,
        on_failure=on_failure,
    )


def server_address(settings: Settings, port: int) -> str:
    """Return how ``/apis`` tells clients to reach this server: ``host:port``, where the host may be empty."""
    host = settings.external_hostname or settings.advertise_address or ""
    if _HOST_AND_PORT.fullmatch(host):
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def kubelet_ca(settings: Settings) -> ReloadingFile[bytes] | None:
    """Return the bundle of ``--kubelet-certificate-authority``, None when the flag is not set."""
    path = settings.kubelet_certificate_authority
    return ReloadingFile(Path(path), _bundle) if path else None


def kubelet_pair(settings: Settings) -> ReloadingFiles[tuple[bytes, bytes]] | None:
    """Return certificate and key of ``--kubelet-client-certificate`` and ``-key``, None when they are not set."""
    if not settings.kubelet_client_certificate:
        return None
    paths = (Path(settings.kubelet_client_certificate), Path(settings.kubelet_client_key))
    return ReloadingFiles(paths, _pair)


def _bundle(content: bytes) -> bytes:
    try:
        x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise ConfigError("no PEM certificate in it; give the CA that signed the kubelets' certificates") from error
    return content


def _pair(contents: Sequence[bytes]) -> tuple[bytes, bytes]:
    certificate, key = contents
    parse_key_pair(certificate, key)
    return certificate, key
