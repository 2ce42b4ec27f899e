"""Why the API server gave no answer, in one sentence that names host, cause and remedy."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

_CLOCK = "renew it, and compare the clocks of both machines"
_BY_CODE = {
    9: ("its certificate is not valid yet", _CLOCK),
    10: ("its certificate has expired", _CLOCK),
}
_NAME_MISMATCH = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH

Diagnosis = tuple[str, str]  # cause, remedy; the remedy may be empty


def explain(error: BaseException, server: str) -> str:
    """Return the sentence for an error of the socket, resolver or TLS library.

    Args:
        error: what was raised; errors of HTTP libraries should be unwrapped first.
        server: the API server's URL.
    """
    cause, remedy = diagnose(error, server)
    sentence = f"cannot reach the API server at {server}: {cause}"
    return f"{sentence}; {remedy}" if remedy else sentence


def diagnose(error: BaseException, server: str) -> Diagnosis:
    """Return cause and remedy."""
    for kind, rule in _RULES:
        if isinstance(error, kind):
            return rule(error, server)
    return str(error) or type(error).__name__, ""


def _certificate(error: BaseException, server: str) -> Diagnosis:
    assert isinstance(error, ssl.SSLCertVerificationError)
    if error.verify_code in _NAME_MISMATCH:
        remedy = "use a name or address that the certificate holds, or set tls-server-name to one"
        return f"its certificate is not valid for {urlsplit(server).hostname}", remedy
    unknown = (
        f"its certificate is not trusted ({error.verify_message})",
        "give the cluster's certificate authority (certificate-authority in a kubeconfig, ca.crt in a pod)",
    )
    return _BY_CODE.get(error.verify_code, unknown)


def _tls(error: BaseException, server: str) -> Diagnosis:
    assert isinstance(error, ssl.SSLError)
    if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return (
            "what listens there does not speak TLS",
            "check the port, and whether the URL should start with http://",
        )
    words = (error.reason or str(error)).replace("_", " ").lower()
    return f"the TLS handshake failed ({words})", "check what listens there, and the client certificate"


def _name(error: BaseException, server: str) -> Diagnosis:
    assert isinstance(error, OSError)
    host = urlsplit(server).hostname
    return f"the name {host} cannot be resolved ({error.strerror or error})", "check the server's URL and DNS"


def _refused(_: BaseException, server: str) -> Diagnosis:
    port = urlsplit(server).port
    return "connection refused", f"check that it runs{f' and listens on port {port}' if port else ''}"


def _late(_: BaseException, __: str) -> Diagnosis:
    return (
        "no answer in time",
        "check firewalls and network policies on the way, and the load of the API server",
    )


def _closed(_: BaseException, __: str) -> Diagnosis:
    return (
        "the connection was closed before the answer was complete",
        "the API server may be restarting; otherwise check the load balancer or proxy on the way",
    )


def _other(error: BaseException, _: str) -> Diagnosis:
    assert isinstance(error, OSError)
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "no route to it", "check the address, and the network of this machine or pod"
    return error.strerror or str(error) or type(error).__name__, ""


_RULES: tuple[tuple[type[BaseException], Callable[[BaseException, str], Diagnosis]], ...] = (
    (ssl.SSLCertVerificationError, _certificate),
    (ssl.SSLError, _tls),
    (socket.gaierror, _name),
    (ConnectionRefusedError, _refused),
    (TimeoutError, _late),
    (ConnectionError, _closed),
    (OSError, _other),
)
