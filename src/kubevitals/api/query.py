"""The query of a request, as Go's ``url.Values`` reads it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from kubevitals.api.message import Request

_MALFORMED = re.compile("%(?![0-9A-Fa-f]{2})")


def undecodable(text: str) -> bool:
    """Tell whether a part of a URL has a percent sign that stands for nothing."""
    return _MALFORMED.search(text) is not None


def query_of(request: Request) -> dict[str, str]:
    """Return the query parameters; of a repeated one the first value counts, as in Go's ``url.Values.Get``."""
    values: dict[str, str] = {}
    if not request.query:
        return values
    for key, value in query_pairs(request):
        values.setdefault(key, value)
    return values


def query_pairs(request: Request) -> Iterator[tuple[str, str]]:
    """Yield the parameters as sent; one with a stray percent sign or a semicolon is left out, as Go does."""
    for pair in request.query.split("&"):
        if pair and ";" not in pair and not undecodable(pair):
            key, _, value = pair.partition("=")
            yield unquote_plus(key), unquote_plus(value)


def truthy(value: str | None) -> bool:
    """Read a boolean parameter as Go's conversion does: absent, 0 and false are false, all else is true."""
    return value is not None and value.lower() not in ("0", "false")
