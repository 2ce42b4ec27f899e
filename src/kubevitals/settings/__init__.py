"""What the command line asks for, checked: an argument list in, Settings or every problem out.

Flags, defaults, rules and the texts of errors are those of metrics-server, so that its manifests run unchanged.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from kubevitals.errors import UsageError
from kubevitals.quoting import quote
from kubevitals.settings import rules
from kubevitals.settings.flags import ACCEPTED, FLAGS, IMPLEMENTED, REFUSED
from kubevitals.settings.pflag import DURATION, STRING, Flag, SniCertKey, read


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Every implemented flag under its own name, ``-`` written ``_``. Durations are in seconds."""

    kubeconfig: str
    """Kubeconfig file; empty means the pod's service account."""
    metric_resolution: float
    """Seconds between two scrapes of a kubelet, at least 10."""

    deprecated_kubelet_completely_insecure: bool
    """Plain HTTP to the kubelets, without credentials."""
    kubelet_certificate_authority: str
    """CA file for kubelets' serving certificates; empty means the cluster's CA."""
    kubelet_client_certificate: str
    """Client certificate file shown to kubelets, or empty."""
    kubelet_client_key: str
    """Key file of the client certificate, or empty."""
    kubelet_insecure_tls: bool
    """Do not verify kubelets' serving certificates."""
    kubelet_max_concurrent: int
    """Most kubelets asked at the same moment."""
    kubelet_port: int
    """Port of the kubelets."""
    kubelet_preferred_address_types: tuple[str, ...]
    """Types of node address to connect to, the preferred one first."""
    kubelet_request_timeout: float
    """Seconds that one request to a kubelet may take."""
    kubelet_tls_pin: str
    """Where the kubelets' first certificates are kept, which are accepted without a CA: a file, or
    ``secret:NAMESPACE/NAME``; empty: nowhere."""
    kubelet_tls_server_name: str
    """``node-name``: verify certificates against the node's name; empty: against the address dialled."""
    kubelet_use_node_status_port: bool
    """Prefer the port in the node's status over ``kubelet_port``."""
    node_selector: str
    """Label selector of the nodes to scrape and serve, known to parse; empty means all."""

    bind_address: str
    """Address to listen on; ``0.0.0.0`` and ``::`` mean all."""
    cert_dir: str
    """Directory of the self-signed serving certificate, used when ``tls_cert_file`` is empty."""
    managed_tls: str
    """``NAMESPACE/SERVICE`` that the server makes its own serving certificate for, or empty."""
    permit_port_sharing: bool
    """Listen with SO_REUSEPORT."""
    secure_port: int
    """Port to serve HTTPS on, 1 to 65535."""
    tls_cert_file: str
    """Serving certificate file; empty means self-signed."""
    tls_cipher_suites: tuple[str, ...]
    """Cipher suites by their names in Go, not checked here; empty means a default."""
    tls_min_version: str
    """``VersionTLS10`` to ``VersionTLS13``; empty means TLS 1.2."""
    tls_private_key_file: str
    """Key file of ``tls_cert_file``."""
    tls_sni_cert_key: tuple[SniCertKey, ...]
    """Certificates for further host names; the first that fits wins."""

    authentication_kubeconfig: str
    """Kubeconfig file for TokenReviews; empty means as ``kubeconfig``."""
    authentication_skip_lookup: bool
    """Do not read the ConfigMap ``kube-system/extension-apiserver-authentication``."""
    authentication_token_webhook_cache_ttl: float
    """Seconds to keep the answer to a TokenReview."""
    authentication_tolerate_lookup_failure: bool
    """Start even if that ConfigMap cannot be read."""
    client_ca_file: str
    """CA file for client certificates that stand for their common name, or empty."""
    requestheader_allowed_names: tuple[str, ...]
    """Common names that may speak for others; empty means every certificate of that CA."""
    requestheader_client_ca_file: str
    """CA file for certificates that may speak for others, or empty."""
    requestheader_extra_headers_prefix: tuple[str, ...]
    """Prefixes of headers with extra fields."""
    requestheader_group_headers: tuple[str, ...]
    """Headers with groups."""
    requestheader_uid_headers: tuple[str, ...]
    """Headers with the user's UID."""
    requestheader_username_headers: tuple[str, ...]
    """Headers with the user's name."""

    authorization_always_allow_paths: tuple[str, ...]
    """Paths that anyone may read; a final ``*`` stands for anything."""
    authorization_kubeconfig: str
    """Kubeconfig file for SubjectAccessReviews; empty means as ``kubeconfig``."""
    authorization_webhook_cache_authorized_ttl: float
    """Seconds to keep an answer that allowed."""
    authorization_webhook_cache_unauthorized_ttl: float
    """Seconds to keep an answer that did not allow."""

    advertise_address: str | None
    """Address that ``/apis`` tells clients, or None."""
    external_hostname: str
    """Host name, with or without a port, that ``/apis`` tells clients instead, or empty."""
    max_mutating_requests_inflight: int
    """Most requests in progress that are not reads; 0 means no limit."""
    max_requests_inflight: int
    """Most reads in progress; 0 means no limit."""
    publish_events: bool
    """Create Events about the server's own pod."""
    request_timeout: float
    """Seconds that a request may take; also how long a shutdown waits."""
    shutdown_delay_duration: float
    """Seconds between failing ``/readyz`` and closing the port on shutdown."""
    shutdown_send_retry_after: bool
    """While shutting down, answer new requests with 429."""
    strict_transport_security_directives: tuple[str, ...]
    """Directives of the Strict-Transport-Security header; empty means none is sent."""

    logging_format: str
    """``text`` or ``json``."""
    v: int
    """Verbosity of the logs."""

    warnings: tuple[str, ...] = ()
    """Flags that were set and have no effect, one sentence each, to be logged as warnings."""
    alarms: tuple[str, ...] = ()
    """The same where somebody relies on the effect, to be logged as errors."""


def parse(argv: Sequence[str]) -> Settings:
    """Read the arguments of the server, without the program's name.

    Raises:
        UsageError: with every problem, one line each, worded as metrics-server and its libraries word them.
    """
    found = read(argv, FLAGS)
    values = {flag.name: found.values.get(flag.name, flag.default_value) for flag in FLAGS}
    problems = [*found.problems, *rules.problems(values)]
    if problems:
        raise UsageError(problems)
    return _settings(values)


def wants_help(argv: Sequence[str]) -> bool:
    """Tell whether the arguments contain ``--help`` or ``-h``, not as another flag's value."""
    return _wants("help", argv)


def wants_version(argv: Sequence[str]) -> bool:
    """Tell whether the arguments contain ``--version``, not as another flag's value."""
    return _wants("version", argv)


def _wants(name: str, argv: Sequence[str]) -> bool:
    return read(argv, FLAGS).values.get(name, False) is True


def _settings(values: Mapping[str, Any]) -> Settings:
    fields = {
        flag.attribute: values[flag.name] / 1e9 if flag.kind is DURATION else values[flag.name]
        for flag in FLAGS
        if flag.mark == IMPLEMENTED and flag.attribute in Settings.__dataclass_fields__
    }
    return Settings(**fields, warnings=tuple(rules.warnings(values)), alarms=tuple(rules.alarms(values)))


# --- help ---------------------------------------------------------------------------------------------------

_WIDTH = 100


def usage() -> str:
    """Return the help text: every flag in its group, at most 100 columns wide."""
    parts = ["Usage:\n  kubevitals serve [flags]\n"]
    effective = [flag for flag in FLAGS if flag.mark == IMPLEMENTED]
    for group, flags in groupby(effective, key=lambda flag: flag.group):
        parts.append(f"\n{group} flags:\n\n")
        parts.extend(map(_described, flags))
    parts.append("\nFlags of metrics-server that are understood and have no effect here:\n\n")
    parts.append(_names(flag for flag in FLAGS if flag.mark == ACCEPTED))
    parts.append("\nFlags that are refused, as metrics-server does:\n\n")
    parts.append(_names(flag for flag in FLAGS if flag.mark == REFUSED))
    return "".join(parts)


def _names(flags: Iterable[Flag]) -> str:
    names = " ".join(f"--{flag.name}" for flag in flags)
    return textwrap.fill(names, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False) + "\n"


def _described(flag: Flag) -> str:
    letter = f"-{flag.shorthand}," if flag.shorthand else "   "
    head = f"  {letter} --{flag.name} {flag.kind.name}".rstrip()
    indent = " " * 10
    text = textwrap.fill(flag.help + _default(flag), _WIDTH, initial_indent=indent, subsequent_indent=indent)
    return f"{head}\n{text}\n"


def _default(flag: Flag) -> str:
    if not flag.default_value:
        return ""
    return f" (default {quote(flag.default) if flag.kind is STRING else flag.default})"
