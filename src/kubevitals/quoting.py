"""Text in double quotes, as Go's ``%q`` prints it. Pure.

Messages that clients compare, and everything logged, quote foreign text this way: no control character or
escape sequence chosen by somebody else may reach a terminal.
"""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[ !#-\[\]-~]*\Z")
_SHORT = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    '"': r"\"",
    "\\": r"\\",
}


def quote(text: str) -> str:
    r"""Return ``text`` as a Go string literal (``strconv.Quote``); undecodable bytes become ``\xNN``."""
    if _PLAIN.match(text):
        return f'"{text}"'
    return '"' + "".join(map(_escape, text)) + '"'


def shown(text: str) -> str:
    r"""Return foreign text for a terminal or a table: one cell for each character, all else as ``quote`` escapes it."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isascii() and char.isprintable() else _escape_foreign(char) for char in text)


def _escape_foreign(char: str) -> str:
    escaped = _escape(char)
    if escaped.isascii():
        return escaped
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def printable(text: str) -> str:
    """Return a text that may be shown on a terminal: what does not print is escaped as in ``quote``."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(char: str) -> str:
    if short := _SHORT.get(char):
        return short
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8, as Python's surrogateescape keeps it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
