"""One line of a watch becomes one event. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import msgspec

from kubevitals.errors import ApiServerError, ApiStatusError
from kubevitals.informer.objects import Versioned
from kubevitals.kube.status import refusal

T = TypeVar("T")


class Added(NamedTuple, Generic[T]):
    """An object exists now that did not match before."""

    item: T
    resource_version: str


class Modified(NamedTuple, Generic[T]):
    """An object is different now."""

    item: T
    resource_version: str


class Deleted(NamedTuple, Generic[T]):
    """An object is gone, or does not match the selector any more."""

    item: T
    resource_version: str


class Bookmark(NamedTuple):
    """Nothing happened up to this version."""

    resource_version: str


class Expired(NamedTuple):
    """The version asked for is too old: what happened since is not known any more, and only a list helps."""

    message: str


class Failed(NamedTuple):
    """The API server ends the watch for another reason."""

    error: ApiStatusError


class Malformed(NamedTuple):
    """The line is no event."""

    reason: str


Change = Added[T] | Modified[T] | Deleted[T]
Event = Change[T] | Bookmark | Expired | Failed | Malformed


class _Line(msgspec.Struct, gc=False):
    type: str
    object: msgspec.Raw


class _BookmarkMeta(msgspec.Struct, rename="camel", gc=False):
    resource_version: str


class _Bookmark(msgspec.Struct, gc=False):
    metadata: _BookmarkMeta


_LINE = msgspec.json.Decoder(_Line)
_BOOKMARK = msgspec.json.Decoder(_Bookmark)


def parse(line: bytes, decode: Callable[[msgspec.Raw], Versioned[T]]) -> Event[T]:
    """Return the event in a line; any bytes give an event or Malformed, never an exception.

    Args:
        line: without its newline.
        decode: reads the object of an ADDED, MODIFIED or DELETED event; raises ApiServerError.
    """
    try:
        return _event(_LINE.decode(line), decode)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ApiServerError) as error:
        return Malformed(str(error))


def _event(line: _Line, decode: Callable[[msgspec.Raw], Versioned[T]]) -> Event[T]:
    match line.type:
        case "ADDED":
            return Added(*decode(line.object))
        case "MODIFIED":
            return Modified(*decode(line.object))
        case "DELETED":
            return Deleted(*decode(line.object))
        case "BOOKMARK":
            return Bookmark(_BOOKMARK.decode(line.object).metadata.resource_version)
        case "ERROR":
            return _error(refusal(0, bytes(line.object)))
        case _:
            return Malformed("an event of unknown type")


def _error(error: ApiStatusError) -> Expired | Failed:
    if error.code == 410 or error.reason in ("Expired", "Gone"):
        return Expired(error.message)
    return Failed(error)
