"""Why there are no metrics, in one sentence that says which of the cases it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kubevitals.errors import ApiServerError, ApiStatusError
from kubevitals.quoting import shown
from kubevitals.top.columns import NONE
from kubevitals.top.model import Row
from kubevitals.top.text import age

_YOUNG = 120.0  # seconds; kubectl, too, is patient with a pod for as long
_NO_API = (
    "the Metrics API is not there: neither v1beta1.metrics.k8s.io nor v1.metrics.k8s.io is registered (404); "
    "install a metrics server"
)
_UNAVAILABLE = (
    "the Metrics API is registered, but the API server cannot reach the metrics server behind it (503{detail})"
)
_FORBIDDEN = "you may not read the Metrics API (403): {message}"
_UNKNOWN_USER = "the API server does not know who you are (401): renew the credentials of the kubeconfig"


def explain(error: ApiServerError) -> str:
    """Return the sentence for an error of the Metrics API; the API server's words are escaped."""
    if not isinstance(error, ApiStatusError):
        return shown(str(error))
    message = shown(" ".join(error.message.split()))
    match error.code:
        case 404:
            return _NO_API
        case 503:
            return _UNAVAILABLE.format(detail=f": {message}" if message else "")
        case 403:
            return _FORBIDDEN.format(message=message)
        case 401:
            return _UNKNOWN_USER
        case code:
            return f"the Metrics API answered {code}: {message or 'without a reason'}"


def not_allowed(what: str, consequence: str, error: ApiStatusError) -> str:
    """Return the line for objects that could not be read, and what is therefore not shown."""
    reason = f"you may not list {what}" if error.code == 403 else f"{what} cannot be listed ({error.code})"
    return f"{reason}, so {consequence}: {shown(' '.join(error.message.split()))}"


def unmeasured(rows: Sequence[Row], what: str, now: float) -> str:
    """Return the line about rows that have been there for some time without metrics; empty when there are none.

    Args:
        rows: what is shown.
        what: ``node``, ``pod`` or ``container``.
        now: seconds since the epoch.
    """
    late = [row for row in rows if row.use is None and (row.created is None or now - row.created >= _YOUNG)]
    if not late:
        return ""
    oldest = max(late, key=lambda row: now - (row.created or now))
    one = len(late) == 1
    names = " ".join(shown(part) for part in (oldest.namespace, oldest.name, oldest.container) if part)
    since = NONE if oldest.created is None else age(now - oldest.created)
    told = f" ({names}, {since} old)" if one else f" (the oldest is {names}, {since} old)"
    return f"{len(late)} {what}{'' if one else 's'} without metrics{told}"


def nothing_measured(rows: Sequence[Row], what: str) -> str:
    """Return the sentence for a Metrics API that answers with an empty list."""
    count = "the only" if len(rows) == 1 else f"any of {len(rows)}"
    return f"the Metrics API answers, but has no metrics of {count} {what}{'' if len(rows) == 1 else 's'}"
