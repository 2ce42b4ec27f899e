"""Why a resource cannot be followed, in one sentence, and whether a list helps. Pure."""

from __future__ import annotations

from kubevitals.errors import ApiServerError, ApiStatusError, ApiUnreachable


def is_expired(error: ApiServerError) -> bool:
    """Tell whether a version or a page is too old to continue from."""
    return isinstance(error, ApiStatusError) and error.code == 410


def is_away(error: ApiServerError) -> bool:
    """Tell whether nobody was reached: refused, unroutable, unresolved, timed out, or closed by who took the call.

    Credentials that cannot be had are another matter.
    """
    return isinstance(error, ApiUnreachable) and isinstance(error.__cause__, OSError)


def needs_list(error: ApiServerError) -> bool:
    """Tell whether what is held may be wrong after a watch ended like this, so that only a list helps.

    After a lost connection, a refused token or an overloaded server the same watch can simply continue. A 403
    needs a list too: where only watching is forbidden, listing now and then keeps the picture fresh.
    """
    if isinstance(error, ApiUnreachable):
        return False
    if not isinstance(error, ApiStatusError):
        return True
    if "too large resource version" in error.message.lower():
        return True  # the cluster was restored from a backup, and counts from an older version on
    return error.code < 500 and error.code not in (401, 429)


def is_for_a_person(error: ApiServerError) -> bool:
    """Tell whether waiting will not help."""
    return isinstance(error, ApiStatusError) and error.code in (401, 403)


def sentence(error: ApiServerError, resource: str, granted_by: str = "") -> str:
    """Return what went wrong and what to do about it.

    Args:
        error: what the API server answered.
        resource: what was to be followed.
        granted_by: the role that Kubernetes has for it, if any: binding that is better than writing one.
    """
    if not isinstance(error, ApiStatusError):
        return str(error)
    if error.code == 401:
        return (
            f"the API server does not accept these credentials (401 {error.message}); "
            "check that the token or client certificate belongs to this cluster and has not expired"
        )
    if error.code == 403 and granted_by:
        return f"not allowed (403 {error.message}); bind {granted_by} to this service account or user"
    if error.code == 403:
        return (
            f"not allowed (403 {error.message}); allow list and watch on {resource} in the role "
            "that is bound to this service account or user"
        )
    return f"the API server answered {error}"
