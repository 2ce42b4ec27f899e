"""JSON as Go writes it: compact with a final newline, or indented without one."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from kubevitals.api.encoding.body import Body, joined

_PLAIN = re.compile(r"[ !#-%'-;=?-\[\]-~]*\Z")
_SPECIAL = re.compile("[&<>\u2028\u2029\ud800-\udfff]")


def string(text: str) -> str:
    """Return a JSON string; characters special to HTML or JavaScript are escaped, as Go does."""
    if _PLAIN.match(text):
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


def compact_chunks(body: Body) -> list[bytes]:
    """Return a body as compact JSON with a final newline, in pieces."""
    if not body.key:
        return [body.fields, b"\n"]
    head = b'%b,"%b":[' % (body.fields[:-1], body.key.encode())
    return [head, *joined(body.elements, b","), b"]}\n"]


def indented_chunks(body: Body) -> list[bytes]:
    """Return a body as indented JSON without a final newline, in pieces."""
    if not body.elements:
        return [indented(b"".join(compact_chunks(body)))]
    head = b'%b,\n  "%b": [\n    ' % (indented(body.fields)[:-2], body.key.encode())
    elements = [indented(element).replace(b"\n", b"\n    ") for element in body.elements]
    return [head, *joined(elements, b",\n    "), b"\n  ]\n}"]
