"""What went wrong with a scrape, in words: exceptions and refusals in, a ScrapeError with a cause out.

OpenSSL and the operating system are read by number or symbol, never by text: texts differ between versions.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from typing import Final, Literal, TypeAlias

from kubevitals.errors import ScrapeError
from kubevitals.quoting import quote
from kubevitals.scraper.causes import CAUSES, Cause, failure
from kubevitals.scraper.http1 import Answer

__all__ = ["CAUSES", "Cause", "Stage", "explain", "refusal"]

Stage: TypeAlias = Literal["credentials", "resolve", "connect", "tls", "headers", "body"]
"""How far a scrape had come."""

_STAGE_WORDS: Final[dict[Stage, str]] = {
    "credentials": "getting credentials",
    "resolve": "resolving the name",
    "connect": "connecting",
    "tls": "the TLS handshake",
    "headers": "waiting for the response",
    "body": "reading the body",
}
_TIMEOUTS: Final[dict[Stage, str]] = {
    "credentials": "credentials",
    "resolve": "dns",
    "connect": "timeout_connect",
    "tls": "timeout_tls",
    "headers": "timeout_headers",
    "body": "timeout_body",
}

# X509_V_ERR_* of OpenSSL. Only the first failure is reported, and the chain is looked at before the names.
_VERIFY_CODES: Final = {
    7: "unknown_ca",  # the signature does not fit: the CA was made anew under the same name
    9: "not_yet_valid",
    10: "expired",
    18: "self_signed",
    19: "self_signed",
    20: "unknown_ca",
    21: "unknown_ca",
    62: "san_host",
    64: "san_ip",
}
_SSL_REASONS: Final = {
    "TLSV1_ALERT_INTERNAL_ERROR": "no_serving_cert",  # what a kubelet does before its CSR is approved
    "TLSV1_UNRECOGNIZED_NAME": "no_serving_cert",
    "TLSV1_ALERT_PROTOCOL_VERSION": "tls_mismatch",
    "UNSUPPORTED_PROTOCOL": "tls_mismatch",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "tls_mismatch",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "client_cert",
    "TLSV1_ALERT_UNKNOWN_CA": "client_cert",
    "TLSV1_ALERT_ACCESS_DENIED": "client_cert",
    "SSLV3_ALERT_BAD_CERTIFICATE": "client_cert",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "client_cert",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "client_cert",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "client_cert",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "client_cert",
    "WRONG_VERSION_NUMBER": "not_tls",
    "HTTP_REQUEST": "not_tls",
    "HTTPS_PROXY_REQUEST": "not_tls",
    "PACKET_LENGTH_TOO_LONG": "not_tls",
    "RECORD_LAYER_FAILURE": "not_tls",
}
_ERRNOS: Final = {
    errno.ECONNREFUSED: "refused",
    errno.ENETUNREACH: "no_route",
    errno.EHOSTUNREACH: "no_route",
    errno.EINVAL: "no_route",  # a blackhole route
    errno.EACCES: "forbidden_route",
    errno.EPERM: "forbidden_route",
    errno.EMFILE: "no_descriptors",
    errno.ENFILE: "no_descriptors",
    errno.ECONNRESET: "closed",
    errno.ECONNABORTED: "closed",
    errno.EPIPE: "closed",
    errno.ENOTCONN: "closed",
}

_FORBIDDEN_USER = re.compile(r"\AForbidden \(user=(.{1,253}?), verb=")
_HTTP_CAUSES: Final = {status: f"http_{status}" for status in (401, 403, 404, 500, 501)}


def explain(error: OSError | UnicodeError, stage: Stage) -> ScrapeError:
    """Return the ScrapeError for what a socket, a resolver or OpenSSL raised.

    Args:
        error: the exception; TimeoutError stands for a deadline that passed.
        stage: how far the scrape had come.
    """
    while_ = _STAGE_WORDS[stage]
    match error:
        case ssl.SSLCertVerificationError():
            return failure(_VERIFY_CODES.get(error.verify_code, "bad_cert"), error.verify_message)
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return failure("closed", f"{while_} ended with a closed connection")
        case ssl.SSLError():
            reason = error.reason or type(error).__name__
            return failure(_SSL_REASONS.get(reason, "tls"), f"{while_} ended with {reason}")
        case socket.gaierror():
            return failure("dns", f"the name does not resolve: {error.strerror}")
        case UnicodeError():
            return failure("dns", "the address is not a host name")
        case TimeoutError():
            return failure(_TIMEOUTS[stage], f"{while_} took too long")
        case _:
            return failure(*_network(error, while_))


def _network(error: OSError, while_: str) -> tuple[str, str]:
    if error.errno is None:
        return "closed", f"{while_} ended with a closed connection"
    name = errno.errorcode.get(error.errno, str(error.errno))
    return _ERRNOS.get(error.errno, "network"), f"{while_} failed with {name}"


def refusal(answer: Answer) -> ScrapeError:
    """Return the ScrapeError for a response other than 200."""
    said = _first_line(answer.body)
    if 300 <= answer.status < 400:
        return failure("redirect", f"HTTP {answer.status} to {quote(answer.headers.get('location', '')[:300])}")
    if answer.status == 400 and said.startswith("Client sent an HTTP request to an HTTPS server"):
        return failure("tls_port", f"HTTP 400: {said}")
    if answer.status == 403 and (user := _FORBIDDEN_USER.match(said)):
        return _forbidden(user[1])
    cause = _HTTP_CAUSES.get(answer.status, "http_error")
    return failure(cause, f"HTTP {answer.status}: {quote(said)}" if said else f"HTTP {answer.status}")


def _forbidden(user: str) -> ScrapeError:
    """A kubelet's 403 names the user it saw, which is the quickest diagnosis there is."""
    detail = f"HTTP 403: user {quote(user)} may not get nodes/metrics"
    if user == "system:anonymous":
        remedy = "The kubelet did not look at the token: enable authentication.webhook in its configuration."
        return failure("http_403", detail, remedy)
    return failure("http_403", detail)


def _first_line(body: bytes) -> str:
    return body[:1024].decode(errors="replace").strip().partition("\n")[0][:300]
