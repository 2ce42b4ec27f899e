"""A refusal of the API server, as an error that carries what its Status says. Pure."""

from __future__ import annotations

import msgspec

from kubevitals.errors import ApiStatusError

_LONGEST = 500  # characters of a body that is no Status, such as the page of a proxy


class _Details(msgspec.Struct, rename="camel"):
    retry_after_seconds: float | None = None


class _Status(msgspec.Struct):
    reason: str | None = None
    message: str | None = None
    details: _Details | None = None
    code: int | None = None


_DECODER = msgspec.json.Decoder(_Status)


def refusal(code: int, body: bytes, retry_after: str = "") -> ApiStatusError:
    """Return the error for an HTTP answer.

    Args:
        code: the HTTP status code; 0 takes the Status' own, as for ERROR events of a watch.
        body: a Status in JSON, or whatever came instead.
        retry_after: the Retry-After header in seconds; the Status' ``retryAfterSeconds`` counts without it.
    """
    status = _decode(body)
    asked = _seconds(retry_after)
    if asked is None and status.details is not None:
        asked = status.details.retry_after_seconds
    return ApiStatusError(
        code or status.code or 500,
        status.reason or "",
        status.message or body[:_LONGEST].decode("utf-8", "replace").strip(),
        asked,
    )


def _decode(body: bytes) -> _Status:
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Status()


def _seconds(text: str) -> float | None:
    # The date form of RFC 9110 is not used by API servers.
    return float(text) if text.isascii() and text.isdigit() else None
