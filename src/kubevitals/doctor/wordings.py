"""Which row of the catalogue a failure to ask a kubelet belongs to, by what was said of it. Pure.

The wordings are those of Go's net and crypto packages, of kubelets and of metrics-server; kubevitals names its causes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

OTHER: Final = "D31"  # the kubelet answers, and has no metrics to give

NO_REQUEST: Final = re.compile(r"missing request for (\w+)(?: in container (\S+) of Pod (\S+))?")
"""What autoscalers say of a container without requests; since Kubernetes 1.26 of which."""

_ROWS: Final = tuple(
    (row, re.compile(pattern, re.IGNORECASE))
    for row, pattern in (
        ("D21", r"tls: internal error|no serving certificate"),
        ("D22", r"certificate has expired|not yet valid"),
        ("D19", r"any IP SANs|cannot validate certificate for|certificate is (not )?valid for|legacy Common Name"),
        ("D20", r"signed by unknown authority|x509: "),
        ("D28", r"user=system:anonymous"),
        ("D29", r"403 Forbidden|Forbidden \(user="),
        ("D27", r"401 Unauthorized"),
        ("D24", r"no addresse?s? (that )?matched types"),
        ("D23", r"\blookup \S+|no such host|server misbehaving"),
        ("D25", r"dial (tcp|udp) .*(i/o timeout|refused|no route|unreachable)|connection refused|no route to host"),
        ("D26", r"deadline exceeded|timeout to access kubelet|Client\.Timeout|handshake timeout|no answer in time"),
        ("D25", r"i/o timeout|network is unreachable|connection reset|\bEOF$"),
    )
)

# What a kubelet names the authority that it makes for itself: NODE-ca@SECONDS.
_SELF_MADE: Final = re.compile(r"issued by \S+-ca@\d+\b")

_CAUSES: Final[Mapping[str, str]] = {
    "no_address": "D24",
    "dns": "D23",
    "refused": "D25",
    "closed": "D25",
    "no_route": "D25",
    "forbidden_route": "D25",
    "timeout_connect": "D25",
    "network": "D25",
    "queued": "D26",
    "timeout_tls": "D26",
    "timeout_headers": "D26",
    "timeout_body": "D26",
    "san_ip": "D19",
    "san_host": "D19",
    "self_signed": "D19",
    "unknown_ca": "D20",
    "pin_changed": "D20",
    "bad_cert": "D20",
    "expired": "D22",
    "not_yet_valid": "D22",
    "no_serving_cert": "D21",
    "http_401": "D27",
    "http_403": "D29",
}


def row_of_text(text: str) -> str:
    """Return the row of what Go programs or kubelets said."""
    return next((row for row, pattern in _ROWS if pattern.search(text)), OTHER)


def row_of_cause(cause: str, detail: str) -> str:
    """Return the row of a cause of ``kubevitals.scraper.causes``; ``detail`` tells who asked, or who issued."""
    if cause == "http_403" and "system:anonymous" in detail:
        return "D28"
    if cause == "unknown_ca" and _SELF_MADE.search(detail):
        return "D19"
    return _CAUSES.get(cause, OTHER)
