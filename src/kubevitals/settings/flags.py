"""The table of every flag: those of metrics-server, so that its manifests run unchanged, and a few of our own.

Command line, help, documentation and the tests of the Helm chart are all made from this table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kubevitals.settings.pflag import (
    BOOL,
    CERT_KEYS,
    DURATION,
    FLOAT,
    INT,
    INT32S,
    IP,
    LEVEL,
    QUANTITY,
    STRING,
    STRINGS,
    VMODULE,
    Flag,
    Kind,
)

IMPLEMENTED = "implemented"
ACCEPTED = "accepted"
REFUSED = "refused"

_NO_WATCH = "there are no watches"
_NO_HTTP2 = "HTTP/2 is not served"
_NO_HOOKS = "nothing has to finish before the server is live"
_NO_PROFILING = "there is no profiling endpoint"
_NO_EMULATION = "no version is emulated"
_AT_ONCE = "every line goes to standard error at once"
_NO_AUDIT = "no audit trail is kept"


def _accepted(name: str, kind: Kind, default: str, why: str) -> Flag:
    """Return a flag whose effect is missing for that reason, which is warned of."""
    return Flag(name, kind, default, f"No effect: {why}.", mark=ACCEPTED, warning=why)


def _satisfied(name: str, kind: Kind, default: str, why: str) -> Flag:
    """Return a flag that has nothing to do, because what it asks for is so in any case."""
    return Flag(name, kind, default, f"No effect: {why}.", mark=ACCEPTED)


_METRICS_SERVER = (
    Flag(
        "kubeconfig",
        STRING,
        "",
        "Kubeconfig file for the API server, and credentials for the kubelets; empty: the pod's service account.",
    ),
    Flag("metric-resolution", DURATION, "1m", "Time between two scrapes of a kubelet, at least 10s."),
    Flag("version", BOOL, "false", "Show the version and exit."),
    Flag("help", BOOL, "false", "Show this help and exit.", shorthand="h"),
)

_KUBELET = (
    Flag(
        "deprecated-kubelet-completely-insecure",
        BOOL,
        "false",
        "DEPRECATED: speak plain HTTP to the kubelets and send no credentials.",
    ),
    Flag("kubelet-certificate-authority", STRING, "", "CA file that kubelets' serving certificates must descend from."),
    Flag("kubelet-client-certificate", STRING, "", "Client certificate file shown to kubelets."),
    Flag("kubelet-client-key", STRING, "", "Key file of the client certificate."),
    Flag("kubelet-insecure-tls", BOOL, "false", "Do not verify kubelets' serving certificates. For tests only."),
    Flag("kubelet-max-concurrent", INT, "256", "Most kubelets asked at the same moment. (kubevitals only)"),
    Flag("kubelet-port", INT, "10250", "Port of the kubelets."),
    Flag(
        "kubelet-preferred-address-types",
        STRINGS,
        "Hostname,InternalDNS,InternalIP,ExternalDNS,ExternalIP",
        "Types of node address to connect to, the preferred one first.",
    ),
    Flag(
        "kubelet-request-timeout",
        DURATION,
        "10s",
        "Time that one request to a kubelet may take; at most twice --metric-resolution.",
    ),
    Flag(
        "kubelet-tls-pin",
        STRING,
        "",
        "File, or secret:NAMESPACE/NAME, in which the certificate that each kubelet showed first is kept; no other is "
        "accepted from then on, and no CA is needed. (kubevitals only)",
    ),
    Flag(
        "kubelet-tls-server-name",
        STRING,
        "",
        "Name to verify kubelets' certificates against: empty for the address dialled, node-name for the node's "
        "name. (kubevitals only)",
    ),
    Flag("kubelet-use-node-status-port", BOOL, "false", "Prefer the port in the node's status over --kubelet-port."),
    Flag("node-selector", STRING, "", "Label selector of the nodes to scrape and serve.", shorthand="l"),
)

_SERVING = (
    Flag("bind-address", IP, "0.0.0.0", "Address to listen on; 0.0.0.0 and :: mean all."),  # noqa: S104
    Flag(
        "cert-dir",
        STRING,
        "apiserver.local.config/certificates",
        "Directory of the self-signed serving certificate, which is made when --tls-cert-file is not given.",
    ),
    _satisfied("disable-http2-serving", BOOL, "false", _NO_HTTP2),
    _satisfied("http2-max-streams-per-connection", INT, "0", _NO_HTTP2),
    Flag(
        "managed-tls",
        STRING,
        "",
        "NAMESPACE/SERVICE of this server: it makes its own CA and serving certificate, keeps them in the Secret "
        "SERVICE-tls there, renews them, and writes the CA to caBundle of the APIServices that point to the Service. "
        "(kubevitals only)",
    ),
    _satisfied("permit-address-sharing", BOOL, "false", "SO_REUSEADDR is always set, as by Go"),
    Flag("permit-port-sharing", BOOL, "false", "Listen with SO_REUSEPORT: several processes may share the port."),
    Flag("secure-port", INT, "443", "Port to serve HTTPS on."),
    Flag("tls-cert-file", STRING, "", "Serving certificate file: the certificate, then intermediate CAs."),
    Flag("tls-cipher-suites", STRINGS, "", "Cipher suites for TLS 1.2, by their names in Go; empty: a sound default."),
    _accepted("tls-curve-preferences", INT32S, "", "key exchange is left to the TLS library"),
    Flag("tls-min-version", STRING, "", "Lowest TLS version: VersionTLS10 to VersionTLS13; empty: VersionTLS12."),
    Flag("tls-private-key-file", STRING, "", "Key file of --tls-cert-file."),
    Flag(
        "tls-sni-cert-key",
        CERT_KEYS,
        "",
        "certificate,key[:name,...] to serve under other host names; repeatable, the first that fits wins.",
    ),
)

_AUTHENTICATION = (
    Flag("authentication-kubeconfig", STRING, "", "Kubeconfig file for TokenReviews; empty: as for --kubeconfig."),
    Flag(
        "authentication-skip-lookup",
        BOOL,
        "false",
        "Do not read the ConfigMap extension-apiserver-authentication in kube-system.",
    ),
    Flag("authentication-token-webhook-cache-ttl", DURATION, "10s", "Time to keep the answer to a TokenReview."),
    Flag(
        "authentication-tolerate-lookup-failure",
        BOOL,
        "false",
        "Start even if that ConfigMap cannot be read; callers through the API server are then anonymous.",
    ),
    Flag("client-ca-file", STRING, "", "CA file for client certificates that stand for their common name."),
    Flag(
        "requestheader-allowed-names",
        STRINGS,
        "",
        "Common names that may speak for others in headers; empty: every certificate of that CA.",
    ),
    Flag("requestheader-client-ca-file", STRING, "", "CA file for certificates that may speak for others in headers."),
    Flag("requestheader-extra-headers-prefix", STRINGS, "x-remote-extra-", "Prefixes of headers with extra fields."),
    Flag("requestheader-group-headers", STRINGS, "x-remote-group", "Headers with groups."),
    Flag("requestheader-uid-headers", STRINGS, "", "Headers with the user's UID."),
    Flag("requestheader-username-headers", STRINGS, "x-remote-user", "Headers with the user's name."),
)

_AUTHORIZATION = (
    Flag(
        "authorization-always-allow-paths",
        STRINGS,
        "/healthz,/readyz,/livez",
        "Paths that anyone may read; a * at the end stands for anything.",
    ),
    Flag(
        "authorization-kubeconfig", STRING, "", "Kubeconfig file for SubjectAccessReviews; empty: as for --kubeconfig."
    ),
    Flag("authorization-webhook-cache-authorized-ttl", DURATION, "10s", "Time to keep an answer that allowed."),
    Flag("authorization-webhook-cache-unauthorized-ttl", DURATION, "10s", "Time to keep an answer that did not allow."),
)

_GENERIC = (
    Flag("advertise-address", IP, "", "Address that /apis tells clients, unless --external-hostname is given."),
    _accepted("cors-allowed-origins", STRINGS, "", "browsers on other sites are not let in: CORS headers are not sent"),
    Flag("emulated-version", STRINGS, "", "Refused: there is no version to emulate.", mark=REFUSED),
    _accepted("emulation-forward-compatible", BOOL, "false", _NO_EMULATION),
    Flag("external-hostname", STRING, "", "Host name, with a port or without, that /apis tells clients."),
    Flag("feature-gates", STRING, "", "Refused: there are no feature gates.", mark=REFUSED),
    _accepted("goaway-chance", FLOAT, "0", _NO_HTTP2),
    _accepted("livez-grace-period", DURATION, "0", _NO_HOOKS),
    Flag("max-mutating-requests-inflight", INT, "200", "Most requests in progress that are not reads; 0: no limit."),
    Flag("max-requests-inflight", INT, "400", "Most reads in progress; 0: no limit."),
    Flag("min-compatibility-version", STRINGS, "", "Refused: there is no version to emulate.", mark=REFUSED),
    _accepted("min-request-timeout", INT, "1800", _NO_WATCH),
    Flag(
        "publish-events",
        BOOL,
        "false",
        "Create a Kubernetes Event about this server's pod when nodes cannot be scraped. (kubevitals only)",
    ),
    Flag("request-timeout", DURATION, "1m", "Longest time that a request may take; also how long a shutdown waits."),
    _accepted("runtime-config-emulation-forward-compatible", BOOL, "false", _NO_EMULATION),
    Flag("shutdown-delay-duration", DURATION, "0", "Time between failing /readyz and closing the port on shutdown."),
    Flag(
        "shutdown-send-retry-after",
        BOOL,
        "false",
        "On shutdown, listen until the requests in flight are answered, and answer new ones with 429.",
    ),
    _accepted("shutdown-watch-termination-grace-period", DURATION, "0", _NO_WATCH),
    _accepted("storage-initialization-timeout", DURATION, "1m", _NO_HOOKS),
    Flag(
        "strict-transport-security-directives",
        STRINGS,
        "",
        "Directives of the Strict-Transport-Security header: max-age=SECONDS, includeSubDomains, preload.",
    ),
)

_FEATURES = (
    _accepted("contention-profiling", BOOL, "false", _NO_PROFILING),
    _accepted("debug-socket-path", STRING, "", _NO_PROFILING),
    _satisfied("enable-priority-and-fairness", BOOL, "true", "requests are limited by their number only"),
    _satisfied("profiling", BOOL, "true", _NO_PROFILING),
)

_LOGGING = (
    _satisfied("log-flush-frequency", DURATION, "5s", _AT_ONCE),
    _accepted("log-json-info-buffer-size", QUANTITY, "0", _AT_ONCE),
    _accepted("log-json-split-stream", BOOL, "false", _AT_ONCE),
    _accepted("log-text-info-buffer-size", QUANTITY, "0", _AT_ONCE),
    _accepted("log-text-split-stream", BOOL, "false", _AT_ONCE),
    Flag("logging-format", STRING, "text", "Form of log lines: text (as klog writes them) or json."),
    Flag("v", LEVEL, "0", "Verbosity of the logs, 0 to 10.", shorthand="v"),
    _accepted("vmodule", VMODULE, "", "--v sets the verbosity of all files alike"),
)

_AUDIT_SINK = (
    ("batch-buffer-size", INT, "10000", "10000"),
    ("batch-max-size", INT, "1", "400"),
    ("batch-max-wait", DURATION, "0", "30s"),
    ("batch-throttle-burst", INT, "0", "15"),
    ("batch-throttle-enable", BOOL, "false", "true"),
    ("batch-throttle-qps", FLOAT, "0", "10"),
    ("mode", STRING, "blocking", "batch"),
    ("truncate-enabled", BOOL, "false", "false"),
    ("truncate-max-batch-size", INT, "10485760", "10485760"),
    ("truncate-max-event-size", INT, "102400", "102400"),
    ("version", STRING, "audit.k8s.io/v1", "audit.k8s.io/v1"),
)
_AUDIT_OTHERS = (
    ("audit-policy-file", STRING, ""),
    ("audit-log-compress", BOOL, "false"),
    ("audit-log-format", STRING, "json"),
    ("audit-log-maxage", INT, "366"),
    ("audit-log-maxbackup", INT, "100"),
    ("audit-log-maxsize", INT, "100"),
    ("audit-log-path", STRING, ""),
    ("audit-webhook-config-file", STRING, ""),
    ("audit-webhook-initial-backoff", DURATION, "10s"),
)


def _audit() -> Iterator[Flag]:
    for name, kind, default in _AUDIT_OTHERS:
        yield _accepted(name, kind, default, _NO_AUDIT)
    for suffix, kind, log, webhook in _AUDIT_SINK:
        yield _accepted(f"audit-log-{suffix}", kind, log, _NO_AUDIT)
        yield _accepted(f"audit-webhook-{suffix}", kind, webhook, _NO_AUDIT)


_GROUPS = {
    "Metrics server": _METRICS_SERVER,
    "Kubelet client": _KUBELET,
    "Secure serving": _SERVING,
    "Authentication": _AUTHENTICATION,
    "Authorization": _AUTHORIZATION,
    "Logging": _LOGGING,
    "Generic": _GENERIC,
    "Features": _FEATURES,
    "Audit log": tuple(sorted(_audit(), key=lambda flag: flag.name)),
}

FLAGS: tuple[Flag, ...] = tuple(replace(flag, group=group) for group, flags in _GROUPS.items() for flag in flags)
