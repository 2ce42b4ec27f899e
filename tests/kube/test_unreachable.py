"""kube.unreachable: one sentence with host, cause and remedy."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from kubevitals.kube.unreachable import explain

SERVER = "https://api.example:6443"


def certificate_error(code, message=""):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    error.verify_message = message
    return error


def tls_error(reason):
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "cause", "remedy"),
    [
        (
            ConnectionRefusedError(111, "x"),
            "connection refused",
            "check that it runs and listens on port 6443",
        ),
        (TimeoutError(), "no answer in time", "check firewalls and network policies"),
        (
            socket.gaierror(-2, "Name or service not known"),
            "the name api.example cannot be resolved",
            "and DNS",
        ),
        (ConnectionResetError(104, "x"), "the connection was closed before", "may be restarting"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "no route to it", "check the address"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files", ""),
        (certificate_error(62), "its certificate is not valid for api.example", "tls-server-name"),
        (certificate_error(64), "its certificate is not valid for api.example", "tls-server-name"),
        (certificate_error(10), "its certificate has expired", "clocks"),
        (certificate_error(9), "its certificate is not valid yet", "clocks"),
        (
            certificate_error(20, "no issuer"),
            "its certificate is not trusted (no issuer)",
            "certificate-authority",
        ),
        (tls_error("WRONG_VERSION_NUMBER"), "what listens there does not speak TLS", "http://"),
        (
            tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED"),
            "(tlsv13 alert certificate required)",
            "certificate",
        ),
        (ValueError("odd"), "odd", ""),
        (ValueError(), "ValueError", ""),
    ],
)
def test_an_error_becomes_a_sentence(error, cause, remedy):
    """It names the server, what happened, and what to look at."""
    sentence = explain(error, SERVER)

    assert sentence.startswith(f"cannot reach the API server at {SERVER}: ")
    assert cause in sentence
    assert remedy in sentence
