"""Entity tags: whether a caller already holds a document. Pure."""

from __future__ import annotations

from hashlib import sha512


def etag_of(body: bytes) -> str:
    """Return a document's ETag header: its SHA-512 in upper-case hexadecimal, in quotes."""
    return f'"{sha512(body).hexdigest().upper()}"'


def not_modified(etag: str, if_none_match: str) -> bool:
    """Tell whether an If-None-Match header names the tag, so that 304 without a body answers it (RFC 9110).

    Args:
        etag: the document's, with its quotes.
        if_none_match: the header, empty when absent; a list, weak tags and ``*`` are understood.
    """
    known = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return any(tag in (etag, "*") for tag in known)
