"""Every exception that kubevitals raises on purpose.

KubevitalsError
├── UsageError            flags or input a person can mend; exit code 2
├── ConfigError           a kubeconfig, certificate or service account that cannot be used
├── SelectorError         a label or field selector that does not parse; the text is the API server's
├── QuantityError         not a Kubernetes quantity or Go duration
├── SigningRequestError   a request for a certificate that cannot be read
├── ApiServerError        speaking to the API server failed
│   ├── ApiStatusError    it answered, with a Status
│   └── ApiUnreachable    it did not answer
└── ScrapeError           one kubelet gave no points; carries cause and remedy
    └── ExpositionError   its body is not what a kubelet sends
"""

from __future__ import annotations

from collections.abc import Sequence


class KubevitalsError(Exception):
    """Root of the family; its text is a sentence for a person."""


class UsageError(KubevitalsError):
    """What the caller typed cannot be used.

    Args:
        problems: every problem found, one line each.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class ConfigError(KubevitalsError):
    """A file or environment that should say where the cluster is, and does not."""


class SelectorError(KubevitalsError):
    """A selector that does not parse; worded as k8s.io/apimachinery words it, since clients print it."""


class QuantityError(KubevitalsError):
    """Text that is no quantity or duration."""


class SigningRequestError(KubevitalsError):
    """Bytes that are no certificate signing request; the text is a clause about "it"."""


class ApiServerError(KubevitalsError):
    """A request to the API server that brought no usable answer."""


class ApiStatusError(ApiServerError):
    """The API server refused.

    Args:
        code: the HTTP status code.
        reason: the Status reason, such as ``Expired`` or ``Forbidden``; empty when there was no Status.
        message: the Status message, or the start of the body.
        retry_after: seconds from the Retry-After header, None when absent.
    """

    def __init__(self, code: int, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{code} {reason or 'error'}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class ApiUnreachable(ApiServerError):
    """No answer from the API server: DNS, TCP, TLS or a timeout."""


class ScrapeError(KubevitalsError):
    """A scrape that gave no points.

    Args:
        cause: a stable word from a closed set (``scraper.diagnosis.CAUSES``), such as ``refused`` or ``san_ip``.
        detail: what was seen, in one clause, without the node's name.
        remedy: what a person can do about it, in one clause; may be empty.
    """

    def __init__(self, cause: str, detail: str, remedy: str = "") -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail
        self.remedy = remedy


class ExpositionError(ScrapeError):
    """A body that cannot be decoded; ``cause`` is ``parse`` or ``truncated``."""
