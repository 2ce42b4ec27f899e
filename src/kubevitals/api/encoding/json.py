"""JSON as Go writes it: compact with a final newline, or indented without one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from kubevitals.api.encoding.body import Body, joined, settled

_PLAIN = re.compile(r"[ !#-%'-;=?-\[\]-~]*\Z")
_SPECIAL = re.compile("[&<>\u2028\u2029\ud800-\udfff]")


def plain(text: str) -> bool:
    """Tell whether a text needs nothing but quotes around it to be a JSON string."""
    return _PLAIN.match(text) is not None


def string(text: str) -> str:
    """Return a JSON string; characters special to HTML or JavaScript are escaped, as Go does."""
    if plain(text):
        return f'"{text}"'
    return _go_escaped(json.dumps(text, ensure_ascii=False))


def dumps(document: dict[str, Any]) -> bytes:
    """Return a document as compact JSON, its fields in their own order, without a newline."""
    return _go_escaped(json.dumps(document, ensure_ascii=False, separators=(",", ":"))).encode()


def _go_escaped(text: str) -> str:
    return _SPECIAL.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return "\\ufffd" if code >= 0xD800 else f"\\u{code:04x}"  # half of a pair is no character


def indented(compact: bytes) -> bytes:
    """Return compact JSON indented by two spaces, its strings and numbers untouched."""
    return msgspec.json.format(compact, indent=2)


def compact_chunks(body: Body) -> Iterator[bytes]:
    """Yield a body as compact JSON with a final newline, in pieces."""
    body = yield from settled(body)
    if not body.key:
        yield body.fields + b"\n"
        return
    yield b'%b,"%b":[' % (body.fields[:-1], body.key.encode())
    yield from joined(body.slices, b",")
    yield b"]}\n"


def indented_chunks(body: Body) -> Iterator[bytes]:
    """Yield a body as indented JSON without a final newline, in pieces."""
    body = yield from settled(body)
    if not body.key:
        yield indented(body.fields)
        return
    yield b'%b,\n  "%b": [\n    ' % (indented(body.fields)[:-2], body.key.encode())
    elements = ([indented(element).replace(b"\n", b"\n    ") for element in some] for some in body.slices)
    yield from joined(elements, b",\n    ")
    yield b"\n  ]\n}"
