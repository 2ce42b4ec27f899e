"""The table of flags, against metrics-server's own."""

from __future__ import annotations

import re

import pytest

from kubevitals.quantity import format_duration
from kubevitals.settings.flags import ACCEPTED, FLAGS, IMPLEMENTED, REFUSED
from kubevitals.settings.pflag import Flag

OURS = {
    "help", "kubelet-max-concurrent", "kubelet-tls-pin", "kubelet-tls-server-name", "managed-tls", "publish-events",
}  # fmt: skip

# name, type and default (unless it is the type's zero value) of every flag of metrics-server 0.9
UPSTREAM = """
kubeconfig string
metric-resolution duration 1m0s
version bool
advertise-address ip
cors-allowed-origins strings
emulated-version strings
emulation-forward-compatible bool
external-hostname string
feature-gates string
goaway-chance float
livez-grace-period duration
max-mutating-requests-inflight int 200
max-requests-inflight int 400
min-compatibility-version strings
min-request-timeout int 1800
request-timeout duration 1m0s
runtime-config-emulation-forward-compatible bool
shutdown-delay-duration duration
shutdown-send-retry-after bool
shutdown-watch-termination-grace-period duration
storage-initialization-timeout duration 1m0s
strict-transport-security-directives strings
deprecated-kubelet-completely-insecure bool
kubelet-certificate-authority string
kubelet-client-certificate string
kubelet-client-key string
kubelet-insecure-tls bool
kubelet-port int 10250
kubelet-preferred-address-types strings Hostname,InternalDNS,InternalIP,ExternalDNS,ExternalIP
kubelet-request-timeout duration 10s
kubelet-use-node-status-port bool
node-selector string
bind-address ip 0.0.0.0
cert-dir string apiserver.local.config/certificates
disable-http2-serving bool
http2-max-streams-per-connection int
permit-address-sharing bool
permit-port-sharing bool
secure-port int 443
tls-cert-file string
tls-cipher-suites strings
tls-curve-preferences int32Slice
tls-min-version string
tls-private-key-file string
tls-sni-cert-key namedCertKey
authentication-kubeconfig string
authentication-skip-lookup bool
authentication-token-webhook-cache-ttl duration 10s
authentication-tolerate-lookup-failure bool
client-ca-file string
requestheader-allowed-names strings
requestheader-client-ca-file string
requestheader-extra-headers-prefix strings x-remote-extra-
requestheader-group-headers strings x-remote-group
requestheader-uid-headers strings
requestheader-username-headers strings x-remote-user
authorization-always-allow-paths strings /healthz,/readyz,/livez
authorization-kubeconfig string
authorization-webhook-cache-authorized-ttl duration 10s
authorization-webhook-cache-unauthorized-ttl duration 10s
audit-log-batch-buffer-size int 10000
audit-log-batch-max-size int 1
audit-log-batch-max-wait duration
audit-log-batch-throttle-burst int
audit-log-batch-throttle-enable bool
audit-log-batch-throttle-qps float
audit-log-compress bool
audit-log-format string json
audit-log-maxage int 366
audit-log-maxbackup int 100
audit-log-maxsize int 100
audit-log-mode string blocking
audit-log-path string
audit-log-truncate-enabled bool
audit-log-truncate-max-batch-size int 10485760
audit-log-truncate-max-event-size int 102400
audit-log-version string audit.k8s.io/v1
audit-policy-file string
audit-webhook-batch-buffer-size int 10000
audit-webhook-batch-max-size int 400
audit-webhook-batch-max-wait duration 30s
audit-webhook-batch-throttle-burst int 15
audit-webhook-batch-throttle-enable bool true
audit-webhook-batch-throttle-qps float 10
audit-webhook-config-file string
audit-webhook-initial-backoff duration 10s
audit-webhook-mode string batch
audit-webhook-truncate-enabled bool
audit-webhook-truncate-max-batch-size int 10485760
audit-webhook-truncate-max-event-size int 102400
audit-webhook-version string audit.k8s.io/v1
contention-profiling bool
debug-socket-path string
enable-priority-and-fairness bool true
profiling bool true
log-flush-frequency duration 5s
log-json-info-buffer-size quantity
log-json-split-stream bool
log-text-info-buffer-size quantity
log-text-split-stream bool
logging-format string text
v Level
vmodule pattern=N,...
"""

BY_NAME = {flag.name: flag for flag in FLAGS}


def shown_default(flag: Flag) -> str:
    value = flag.default_value
    if not value:
        return ""
    if flag.kind.name == "duration":
        assert isinstance(value, int)
        return format_duration(value)
    return "true" if value is True else flag.default


def test_names_are_unique() -> None:
    """No flag, and no short name, is in the table twice."""
    letters = [flag.shorthand for flag in FLAGS if flag.shorthand]

    assert len(BY_NAME) == len(FLAGS)
    assert len(set(letters)) == len(letters)


@pytest.mark.parametrize("row", UPSTREAM.split("\n")[1:-1])
def test_upstreams_flag_is_here_with_its_type_and_default(row: str) -> None:
    """Each flag of metrics-server exists with the same type and default."""
    name, _, rest = row.partition(" ")
    kind, _, default = rest.partition(" ")

    assert (BY_NAME[name].kind.name or "bool") == kind
    assert shown_default(BY_NAME[name]) == default


def test_few_flags_are_ours() -> None:
    """Beyond metrics-server's flags there are only those that are said to be ours."""
    upstream = {row.partition(" ")[0] for row in UPSTREAM.split("\n")}

    assert set(BY_NAME) - upstream == OURS


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.name)
def test_a_flag_is_described(flag: Flag) -> None:
    """A flag has a group, a known mark, a sentence of help, and a warning only if it has no effect."""
    assert flag.group
    assert re.fullmatch(r"[a-z][a-z0-9-]*", flag.name)
    assert flag.mark in (IMPLEMENTED, ACCEPTED, REFUSED)
    assert flag.help.endswith((".", "only)"))
    assert not flag.warning or flag.mark == ACCEPTED
    assert flag.help.startswith("No effect: ") == (flag.mark == ACCEPTED)
