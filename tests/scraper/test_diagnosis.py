"""Exceptions and refusals in words."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from kubevitals.scraper.causes import CAUSES
from kubevitals.scraper.diagnosis import explain, refusal
from kubevitals.scraper.http1 import Answer


def verification(code):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "as OpenSSL says"
    return error


def alert(reason):
    error = ssl.SSLError(1, "alert")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (7, "unknown_ca"),
        (9, "not_yet_valid"),
        (10, "expired"),
        (18, "self_signed"),
        (19, "self_signed"),
        (20, "unknown_ca"),
        (26, "bad_cert"),
        (62, "san_host"),
        (64, "san_ip"),
        (66, "bad_cert"),
        (85, "bad_cert"),
    ],
)
def test_verification_is_read_by_its_number(code, cause):
    """OpenSSL's verify code decides, whose number never changes, and its words are the detail."""
    error = explain(verification(code), "tls")

    assert (error.cause, error.detail) == (cause, "as OpenSSL says")


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("TLSV1_ALERT_INTERNAL_ERROR", "no_serving_cert"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "tls_mismatch"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "tls_mismatch"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "client_cert"),
        ("SSLV3_ALERT_BAD_CERTIFICATE", "client_cert"),
        ("WRONG_VERSION_NUMBER", "not_tls"),
        ("SOMETHING_NEW", "tls"),
        (None, "tls"),
    ],
)
def test_tls_errors_are_read_by_their_reason(reason, cause):
    """OpenSSL's reason decides, before errno, which says EPERM for every TLS error."""
    assert explain(alert(reason), "tls").cause == cause


@pytest.mark.parametrize("error", [ssl.SSLEOFError(8, "EOF"), ssl.SSLZeroReturnError(6, "close notify")])
def test_a_tls_connection_that_ends_is_closed(error):
    """An end of the connection is one, whatever OpenSSL calls it."""
    assert explain(error, "tls").cause == "closed"


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (errno.ECONNREFUSED, "refused"),
        (errno.ENETUNREACH, "no_route"),
        (errno.EHOSTUNREACH, "no_route"),
        (errno.EINVAL, "no_route"),
        (errno.EACCES, "forbidden_route"),
        (errno.EMFILE, "no_descriptors"),
        (errno.ENFILE, "no_descriptors"),
        (errno.ECONNRESET, "closed"),
        (errno.EPIPE, "closed"),
        (errno.ENOTCONN, "closed"),
        (errno.EADDRNOTAVAIL, "network"),
        (None, "closed"),
    ],
)
def test_network_errors_are_read_by_their_number(number, cause):
    """The errno decides; text that asyncio rewrites is not looked at."""
    error = OSError(number, "Connect call failed") if number else ConnectionResetError()

    assert explain(error, "connect").cause == cause


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_a_name_that_does_not_resolve_is_dns(error):
    """Unknown names and names that are none have one cause."""
    assert explain(error, "resolve").cause == "dns"


@pytest.mark.parametrize(
    ("stage", "cause"),
    [
        ("credentials", "credentials"),
        ("resolve", "dns"),
        ("connect", "timeout_connect"),
        ("tls", "timeout_tls"),
        ("headers", "timeout_headers"),
        ("body", "timeout_body"),
    ],
)
def test_a_timeout_says_what_it_waited_for(stage, cause):
    """A firewall, a hung TLS stack and a slow kubelet want different remedies."""
    error = explain(TimeoutError(), stage)

    assert error.cause == cause
    assert error.detail.endswith("took too long")
    assert error.remedy == CAUSES[cause].remedy


def answer(status, body=b"", **headers):
    return Answer(status, headers, body, True)


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (401, "http_401"),
        (403, "http_403"),
        (404, "http_404"),
        (500, "http_500"),
        (501, "http_501"),
        (503, "http_error"),
        (204, "http_error"),
    ],
)
def test_a_refusal_is_named_by_its_status(status, cause):
    """Known statuses have causes of their own; the detail always has the number."""
    error = refusal(answer(status))

    assert (error.cause, error.detail) == (cause, f"HTTP {status}")


@pytest.mark.parametrize(
    "body",
    [
        b"Forbidden (user=system:node:a, verb=get, resource=nodes, subresource=metrics)",
        b"Forbidden (user=system:node:a, verb=get, resource=nodes, subresource(s)=[metrics])\n",
    ],
)
def test_a_403_names_the_user_that_the_kubelet_saw(body):
    """Old and new kubelets say whom they refused; so does the detail."""
    error = refusal(answer(403, body))

    assert error.detail == 'HTTP 403: user "system:node:a" may not get nodes/metrics'
    assert error.remedy == CAUSES["http_403"].remedy


def test_a_403_for_anonymous_means_the_token_was_not_looked_at():
    """system:anonymous wants another remedy than a missing role."""
    error = refusal(answer(403, b"Forbidden (user=system:anonymous, verb=get, resource=nodes, subresource=metrics)"))

    assert "authentication.webhook" in error.remedy


def test_a_redirect_names_where_it_leads_and_is_not_followed():
    """3xx is an error that shows its target, quoted."""
    error = refusal(answer(302, location="https://evil.example/\x1b[0m"))

    assert (error.cause, error.detail) == ("redirect", 'HTTP 302 to "https://evil.example/\\x1b[0m"')


def test_plain_http_to_a_tls_port_is_recognised():
    """Go's TLS servers answer plain HTTP with a sentence."""
    assert refusal(answer(400, b"Client sent an HTTP request to an HTTPS server.\n")).cause == "tls_port"


def test_only_the_first_line_of_a_body_is_shown():
    """A page of HTML does not end up in the log."""
    error = refusal(answer(502, b"<html>\n" + b"x" * 5000))

    assert error.detail == 'HTTP 502: "<html>"'
