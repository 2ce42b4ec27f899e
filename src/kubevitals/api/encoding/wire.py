"""The wire format of protocol buffers, as far as Kubernetes objects need it."""

from __future__ import annotations

from datetime import datetime

_VARINT, _LENGTH = 0, 2
_UINT64 = (1 << 64) - 1

MAGIC = b"k8s\0"


def _groups(number: int) -> bytes:
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


_SMALL = tuple(map(_groups, range(2048)))  # the sizes of nearly all messages


def varint(number: int) -> bytes:
    """Return an integer in base 128, least significant group first; a negative one as 64 bits."""
    if 0 <= number < 2048:
        return _SMALL[number]
    return _groups(number & _UINT64)


def tag(number: int) -> bytes:
    """Return what stands before a string or message in field ``number``."""
    return varint(number << 3 | _LENGTH)


def blob(number: int, content: bytes) -> bytes:
    """Return a field that holds bytes or a message."""
    size = len(content)
    if size < 128 and number < 16:  # both are one byte, as nearly always
        return b"%c%c%b" % (number << 3 | _LENGTH, size, content)
    return b"%b%b%b" % (tag(number), varint(size), content)


def text(number: int, content: str) -> bytes:
    """Return a field that holds a string; nothing when it is empty, as decoders supply that themselves."""
    return blob(number, content.encode("utf-8", "replace")) if content else b""


def integer(number: int, content: int) -> bytes:
    """Return a field that holds an integer or boolean; nothing when it is zero."""
    return varint(number << 3 | _VARINT) + varint(content) if content else b""


def epoch_seconds(rfc3339: str) -> int | None:
    """Return a time in seconds since the epoch; None when it cannot be read."""
    try:
        moment = datetime.fromisoformat(rfc3339)
    except ValueError:
        return None
    return int(moment.timestamp()) if moment.tzinfo else None


def envelope(api_version: str, kind: str, size: int) -> bytes:
    """Return what precedes an object of ``size`` bytes: the magic and the head of a ``runtime.Unknown``."""
    type_meta = text(1, api_version) + text(2, kind)
    return MAGIC + blob(1, type_meta) + tag(2) + varint(size)
