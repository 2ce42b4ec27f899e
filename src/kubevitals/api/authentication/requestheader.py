"""Callers that the API server vouches for: its front proxy names them in headers.

Only a certificate of the request-header authorities, with an allowed common name, may do that. Everybody
else's identity headers mean nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from kubevitals.api.authentication.certificates import CertificatePool, CertificateRefused
from kubevitals.api.message import Headers, Request
from kubevitals.api.text import well_formed
from kubevitals.model import User

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class FrontProxy:
    """Who may speak for others, and in which headers.

    Args:
        pool: the request-header authorities.
        allowed_names: common names that may; empty allows every certificate of the pool.
        username_headers: the first that has a value names the user.
        group_headers: every line of every one of these is a group.
        extra_prefixes: headers that start so carry extra attributes; the rest of the name is the key.
        uid_headers: as ``username_headers``; empty unless configured, for API servers before 1.32 let callers
            set it.
        refused: why nobody may after all; empty when that is not so.
    """

    pool: CertificatePool
    allowed_names: tuple[str, ...] = ()
    username_headers: tuple[str, ...] = ()
    group_headers: tuple[str, ...] = ()
    extra_prefixes: tuple[str, ...] = ()
    uid_headers: tuple[str, ...] = ()
    refused: str = ""


class UnlistedName(CertificateRefused):
    """A certificate of the request-header authorities has a name that may not speak for others.

    It is most likely the API server's own, as nobody else should have one.
    """


def proxied_user(proxy: FrontProxy, request: Request, now: float) -> User | None:
    """Return the user whom the front proxy names; None when it names nobody, or shows no certificate.

    Raises:
        UnlistedName: the caller's certificate is of the front proxy's authority, and has another name.
        CertificateRefused: it is not even that.
    """
    if not request.peer_chain:
        return None
    if proxy.refused:
        raise CertificateRefused(proxy.refused)
    name = proxy.pool.verify(request.peer_chain, now).common_name
    if proxy.allowed_names and name not in proxy.allowed_names:
        raise UnlistedName(f"x509: subject with cn={name} is not in the allowed list")
    return _named_user(proxy, request.headers)


def _named_user(proxy: FrontProxy, headers: Headers) -> User | None:
    name = _first(headers, proxy.username_headers)
    if not name:
        return None
    groups = [value for header in proxy.group_headers for value in headers.all(header) if value]
    return User(
        name,
        groups=tuple(map(well_formed, groups)),
        uid=_first(headers, proxy.uid_headers),
        extra=_extra(headers, proxy.extra_prefixes),
    )


def _first(headers: Headers, names: tuple[str, ...]) -> str:
    return next((well_formed(value) for name in names if (value := headers.get(name))), "")


def _extra(headers: Headers, prefixes: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    extra: dict[str, tuple[str, ...]] = {}
    for prefix in map(str.lower, prefixes):
        for name, value in headers:
            if name.startswith(prefix):
                key = _unescaped(name[len(prefix) :])
                extra[key] = (*extra.get(key, ()), well_formed(value))
    return extra


def _unescaped(key: str) -> str:
    """Decode a percent-encoded key; one that is not properly encoded stays as it is."""
    if _BAD_ESCAPE.search(key):
        return well_formed(key)
    return unquote_to_bytes(well_formed(key)).decode("utf-8", "replace")
