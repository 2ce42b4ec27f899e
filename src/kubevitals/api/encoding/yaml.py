"""YAML of JSON-shaped values: block style, keys sorted, as the API server writes it.

A general YAML library takes far longer, and a list of every pod would hold up all other requests meanwhile.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from kubevitals.api.encoding.body import Body, joined, settled

# What may stand without quotes: no indicator first, no blank last, neither ": " nor " #" within.
_UNQUOTED = re.compile(r"[A-Za-z0-9_./](?:[!\"$-9;-~]|:(?! |\Z)|#| (?![ #]|\Z))*\Z")
# What would be read back as something else than text: booleans, null, merge keys, dates, and numbers in any
# base. Wider than any one reader's rules: quotes too many do no harm.
_AMBIGUOUS = re.compile(
    r"(?:y|n|yes|no|on|off|true|false|null|~|=|<<)\Z"
    r"|[-+]?(?:0x[0-9a-f_]*|0b[01_]*|0o?[0-7_]*)\Z"
    r"|[-+]?(?:[0-9][0-9_]*)?(?:\.[0-9_]*)?(?:e[-+]?[0-9_]*)?\Z"
    r"|[-+]?[0-9][0-9_]*(?::[0-9]{1,2})+(?:\.[0-9_]*)?\Z"
    r"|[-+]?\.(?:inf|nan)\Z"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[tT \t:0-9.+Z-]*)?\Z",
    re.IGNORECASE,
)


def yaml_chunks(body: Body) -> Iterator[bytes]:
    """Yield a body as YAML, in pieces."""
    body = yield from settled(body)
    fields: dict[str, Any] = msgspec.json.decode(body.fields)
    for key in sorted({*fields, body.key} - {""}):
        if key == body.key:
            yield from _array(key, body.slices)
        else:
            yield _entry(key, fields[key], "").encode() + b"\n"


def dumps(document: dict[str, Any]) -> bytes:
    """Return a document as YAML."""
    return (_block(document, "") + "\n").encode()


def _array(key: str, slices: Iterable[Sequence[bytes]]) -> Iterator[bytes]:
    yield f"{_scalar(key)}:\n".encode()
    yield from joined(([_array_element(element) for element in elements] for elements in slices), b"")


def _array_element(element: bytes) -> bytes:
    return f"{_element(msgspec.json.decode(element), '')}\n".encode()


def _block(value: dict[str, Any], indent: str) -> str:
    return "\n".join([_entry(key, value[key], indent) for key in sorted(value)])


def _entry(key: str, value: Any, indent: str) -> str:
    if isinstance(value, str):
        return f"{indent}{_scalar(key)}: {_scalar(value)}"
    if value and isinstance(value, dict):
        return f"{indent}{_scalar(key)}:\n{_block(value, indent + '  ')}"
    if value and isinstance(value, list):
        return "\n".join([f"{indent}{_scalar(key)}:", *[_element(element, indent) for element in value]])
    return f"{indent}{_scalar(key)}: {_leaf(value)}"


def _element(value: Any, indent: str) -> str:
    """Return one entry of a sequence, its dash standing where the first line's indent would."""
    inner = indent + "  "
    if value and isinstance(value, dict):
        return f"{indent}- {_block(value, inner)[len(inner) :]}"
    if value and isinstance(value, list):
        return f"{indent}- " + "\n".join([_element(element, inner) for element in value])[len(inner) :]
    return f"{indent}- {_leaf(value)}"


def _leaf(value: Any) -> str:
    """Return text, null, true, false, a number, an empty sequence or an empty mapping."""
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


@lru_cache(maxsize=4096)  # keys, label values and container names recur from object to object
def _scalar(text: str) -> str:
    if _AMBIGUOUS.match(text):
        return f'"{text}"'
    if _UNQUOTED.match(text):
        return text
    if text.isascii() and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, json.dumps(text, ensure_ascii=False)[1:-1])) + '"'


def _escaped(char: str) -> str:
    if char.isprintable() and char != "\ufeff":
        return char
    return "\\ufffd" if 0xD800 <= ord(char) < 0xE000 else f"\\U{ord(char):08x}"
