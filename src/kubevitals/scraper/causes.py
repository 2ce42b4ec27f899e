"""Why a scrape can fail: a closed set of causes, each with words for a summary and a remedy. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from kubevitals.errors import ScrapeError


class Cause(NamedTuple):
    """One way to fail.

    Args:
        title: the cause in a few words, as it reads after a count: ``9 × connection refused``.
        remedy: one sentence saying what a person can do.
    """

    title: str
    remedy: str


_TRUST = (
    "Let the cluster's CA sign the kubelet's serving certificate (serverTLSBootstrap: true, then approve the "
    "kubelet-serving CSR), or give its CA with --kubelet-certificate-authority; "
    "--kubelet-insecure-tls gives up verification."
)
_NAMES = (
    "Renew the kubelet's serving certificate with this name in it, put an address type that it does name "
    "first in --kubelet-preferred-address-types, or verify node names: --kubelet-tls-server-name=node-name."
)
_ROUTE = "Check the node, and firewalls, security groups and network policies between this pod and its port."
_SLOW = "Look at the load and the container runtime of the node, or raise --kubelet-request-timeout."

CAUSES: Final[Mapping[str, Cause]] = {
    # before a connection
    "no_address": Cause("no usable address", "Name a type that the node has in --kubelet-preferred-address-types."),
    "dns": Cause(
        "node name not resolvable",
        "Put InternalIP first in --kubelet-preferred-address-types, or let the cluster's DNS know the nodes.",
    ),
    "refused": Cause(
        "connection refused",
        "Check that the kubelet runs and uses this port (--kubelet-port, --kubelet-use-node-status-port).",
    ),
    "no_route": Cause("no route to the node", _ROUTE),
    "forbidden_route": Cause(
        "connection prohibited locally", "A route, firewall or security module on this server's host forbids it."
    ),
    "timeout_connect": Cause("no answer to the connection", _ROUTE),
    "no_descriptors": Cause(
        "no file descriptor left", "Raise this server's limit of open files: one per node and some more."
    ),
    "network": Cause("network error", _ROUTE),
    "credentials": Cause("no credentials to send", "Mend the service account token or the kubeconfig of this server."),
    "queued": Cause(
        "no turn within the cycle",
        "Raise --kubelet-max-concurrent or --metric-resolution, or mend the nodes that time out.",
    ),
    # while the two sides agree on TLS
    "timeout_tls": Cause("TLS handshake timeout", _SLOW),
    "san_ip": Cause("kubelet certificate has no matching IP SAN", _NAMES),
    "san_host": Cause("kubelet certificate has no matching DNS SAN", _NAMES),
    "self_signed": Cause("kubelet certificate self-signed", _TRUST),
    "unknown_ca": Cause("kubelet certificate from an unknown CA", _TRUST),
    "pin_changed": Cause(
        "kubelet certificate other than before",
        "Find out why the kubelet has another certificate, and accept it where the pins are kept.",
    ),
    "expired": Cause(
        "kubelet certificate expired",
        "Renew the kubelet's serving certificate or its CA; approve the node's pending kubelet-serving CSR.",
    ),
    "not_yet_valid": Cause("kubelet certificate not yet valid", "Set the clocks of this server and of the node right."),
    "bad_cert": Cause(
        "kubelet certificate unfit for serving",
        "Give the kubelet a serving certificate with the serverAuth usage and a strong key.",
    ),
    "no_serving_cert": Cause(
        "kubelet without a serving certificate",
        "Approve the node's pending kubelet-serving CSR (kubectl get csr, kubectl certificate approve).",
    ),
    "client_cert": Cause(
        "client certificate refused or demanded",
        "A stock kubelet never demands one: look for a proxy, or mend --kubelet-client-certificate.",
    ),
    "tls_mismatch": Cause(
        "no common TLS version or cipher",
        "Compare the kubelet's tlsMinVersion and tlsCipherSuites with ours.",
    ),
    "not_tls": Cause(
        "port does not speak TLS",
        "Use the kubelet's HTTPS port (10250) with --kubelet-port or --kubelet-use-node-status-port.",
    ),
    "tls": Cause("TLS failure", "Try the port with openssl s_client and look into the kubelet's log."),
    "closed": Cause(
        "connection closed by the node",
        "Look into the kubelet's log; a proxy or firewall may cut connections.",
    ),
    # the answer
    "timeout_headers": Cause("no response in time", _SLOW),
    "timeout_body": Cause("response not complete in time", _SLOW),
    "tls_port": Cause("port speaks TLS", "Ask for https: this port does not serve plain HTTP."),
    "not_http": Cause("response is not HTTP", "Check that the port is the kubelet's: something else answers there."),
    "encoding": Cause(
        "response badly compressed",
        "Look for a proxy between this server and the kubelet that changes bodies.",
    ),
    "too_large": Cause("response too large", "Check that the port and path are the kubelet's /metrics/resource."),
    "truncated": Cause("response cut short", "Look into the kubelet's log; a proxy or firewall may cut connections."),
    "parse": Cause(
        "response is not kubelet metrics",
        "Check the node's metrics path annotation, and that no proxy answers in the kubelet's place.",
    ),
    "redirect": Cause(
        "redirect refused",
        "A kubelet does not redirect: check the port, and the path annotation of the node.",
    ),
    "http_401": Cause(
        "401 Unauthorized",
        "Enable authentication.webhook in the kubelet, and check that it reaches the API server: "
        "it answers 401 when its TokenReview fails, too.",
    ),
    "http_403": Cause(
        "403 Forbidden",
        "Bind a ClusterRole that allows get on nodes/metrics to this user; a denial is remembered for 30 s.",
    ),
    "http_404": Cause(
        "404 Not Found",
        "The node serves no /metrics/resource there: it needs Kubernetes 1.18.1 or later, or another path "
        "in its annotation metrics.k8s.io/resource-metrics-path.",
    ),
    "http_500": Cause(
        "500 Internal Server Error", "Look into the kubelet's log, and check that it reaches the API server."
    ),
    "http_501": Cause("501 Not Implemented", "A virtual kubelet's provider without resource metrics: update it."),
    "http_error": Cause("unexpected HTTP status", "Check that no proxy answers in the kubelet's place."),
}


def failure(cause: str, detail: str, remedy: str = "") -> ScrapeError:
    """Return the ScrapeError for a cause, with the table's remedy unless a better one is known.

    Args:
        cause: a key of CAUSES; anything else is a mistake in the caller and raises KeyError.
        detail: what was seen, in one clause.
        remedy: replaces the table's remedy when not empty.
    """
    return ScrapeError(cause, detail, remedy or CAUSES[cause].remedy)
