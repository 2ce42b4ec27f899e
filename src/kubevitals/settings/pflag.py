"""Command lines as Go's pflag reads them: which spellings mean what, and what is said about the rest. Pure.

The manifests and Helm values of a cluster are written for pflag, so its habits are kept, odd ones included: a
string list replaces its default on first use and grows afterwards; ``--flag value`` works save for booleans.
Unlike pflag, reading goes on after a problem, so that all are found at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import NamedTuple

from kubevitals.errors import QuantityError
from kubevitals.quantity import parse_duration, parse_memory
from kubevitals.quoting import quote


class SniCertKey(NamedTuple):
    """A serving certificate and key, and the host names they are for (none: those in the certificate)."""

    cert_file: str
    key_file: str
    names: tuple[str, ...] = ()


class Kind(NamedTuple):
    """A type of value.

    ``name`` is what the help shows. ``read`` turns text into a value, or raises ValueError or QuantityError
    with pflag's words. A value that ``grows`` is a tuple to which each further use of the flag adds.
    """

    name: str
    read: Callable[[str], object]
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """One command line flag.

    ``default`` is text, as it could be typed. ``mark`` is ``implemented``, ``accepted`` (understood, without
    effect) or ``refused`` (an error unless empty). ``warning`` is why an accepted flag that is set matters.
    """

    name: str
    kind: Kind
    default: str
    help: str
    group: str = ""
    mark: str = "implemented"
    shorthand: str = ""
    warning: str = ""

    @property
    def attribute(self) -> str:
        """The name as a Python attribute."""
        return self.name.replace("-", "_")

    @property
    def default_value(self) -> object:
        """The default, read."""
        return () if self.kind.grows and not self.default else self.kind.read(self.default)


@dataclass(slots=True)
class Arguments:
    """What an argument list says: the values of the flags that were given, and every problem found."""

    values: dict[str, object] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read(argv: Sequence[str], flags: Iterable[Flag]) -> Arguments:
    """Read an argument list; positional arguments and all that follows ``--`` are passed over."""
    return _Reader(argv, flags).read()


class _Reader:
    def __init__(self, argv: Sequence[str], flags: Iterable[Flag]) -> None:
        self._rest = list(reversed(argv))
        self._flags = {flag.name: flag for flag in flags}
        self._short = {flag.shorthand: flag for flag in self._flags.values() if flag.shorthand}
        self._found = Arguments()

    def read(self) -> Arguments:
        while self._rest:
            argument = self._rest.pop()
            if argument == "--":
                break
            if argument.startswith("--"):
                self._long(argument)
            elif len(argument) > 1 and argument.startswith("-"):
                self._letters(argument[1:])
        return self._found

    def _long(self, argument: str) -> None:
        name, equals, value = argument[2:].partition("=")
        if not name or name.startswith("-"):
            self._problem(f"bad flag syntax: {argument}")
            return
        flag = self._flags.get(name.replace("_", "-"))
        if flag is None:
            self._problem(f"unknown flag: --{name}")
        elif equals:
            self._set(flag, value)
        elif flag.kind is BOOL:
            self._set(flag, "true")
        elif self._rest:
            self._set(flag, self._rest.pop())
        else:
            self._problem(f"flag needs an argument: --{name}")

    def _letters(self, letters: str) -> None:
        """Read ``-v2``, ``-v=2``, ``-v 2`` or several booleans in one."""
        while letters:
            letter, rest = letters[0], letters[1:]
            flag = self._short.get(letter)
            if flag is None:
                self._problem(f"unknown shorthand flag: {_rune(letter)} in -{letters}")
                return
            if len(rest) > 1 and rest.startswith("="):
                self._set(flag, rest[1:])
                return
            if flag.kind is BOOL:
                self._set(flag, "true")
                letters = rest
                continue
            if rest or self._rest:
                self._set(flag, rest or self._rest.pop())
            else:
                self._problem(f"flag needs an argument: {_rune(letter)} in -{letters}")
            return

    def _set(self, flag: Flag, text: str) -> None:
        try:
            value = flag.kind.read(text)
        except (ValueError, QuantityError) as problem:
            shown = f"-{flag.shorthand}, --{flag.name}" if flag.shorthand else f"--{flag.name}"
            self._problem(f"invalid argument {quote(text)} for {quote(shown)} flag: {problem}")
            return
        if value is None:
            return
        held = self._found.values.get(flag.name)
        if flag.kind.grows and isinstance(held, tuple) and isinstance(value, tuple):
            value = held + value
        self._found.values[flag.name] = value

    def _problem(self, text: str) -> None:
        self._found.problems.append(text)


def _rune(letter: str) -> str:
    """Quote as Go prints a byte taken for a rune."""
    byte = chr(letter.encode("utf-8", "surrogateescape")[0])
    return {"'": r"'\''", '"': "'\"'"}.get(byte, f"'{quote(byte)[1:-1]}'")


# --- values -------------------------------------------------------------------------------------------------

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_OCTAL = re.compile(r"[+-]?0_?[0-7]+(_[0-7]+)*", re.ASCII)
_DIGITS = "[0-9](_?[0-9])*"
_FLOAT = re.compile(
    rf"[+-]?(({_DIGITS}\.?({_DIGITS})?|\.{_DIGITS})([eE][+-]?{_DIGITS})?|(?i:inf(inity)?|nan))", re.ASCII
)
_VMODULE = re.compile(r"[^=]+=[^=]+")


def _bool(text: str) -> bool:
    if text not in _TRUE | _FALSE:
        raise ValueError(f"strconv.ParseBool: parsing {quote(text)}: invalid syntax")
    return text in _TRUE


def _int(text: str, bits: int = 64) -> int:
    """Read an integer with Go's base prefixes; a leading zero means octal."""
    try:
        if not text.isascii() or text != text.strip():
            raise ValueError
        value = int(text.replace("_", ""), 8) if _OCTAL.fullmatch(text) else int(text, 0)
    except ValueError:
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax") from None
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    return value


def _int32s(text: str) -> tuple[int, ...]:
    return tuple(_int(part, 32) for part in text.split(","))


def _level(text: str) -> int:
    if not re.fullmatch(r"[0-9]+", text):
        raise ValueError(f"strconv.ParseUint: parsing {quote(text)}: invalid syntax")
    if len(text.lstrip("0")) > 10 or int(text) >= 1 << 31:
        raise ValueError(f"strconv.ParseUint: parsing {quote(text)}: value out of range")
    return int(text)


def _float(text: str) -> float:
    if not _FLOAT.fullmatch(text):
        raise ValueError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax")
    return float(text)


def _ip(text: str) -> str | None:
    """Read an address; None for empty text, which leaves things as they are."""
    if not text:
        return None
    try:
        if "%" in text:
            raise ValueError
        return str(ip_address(text.strip()))
    except ValueError:
        raise ValueError(f"failed to parse IP: {quote(text)}") from None


def _strings(text: str) -> tuple[str, ...]:
    """Read one line of comma-separated values, where quotes may enclose a comma."""
    if '"' not in text:
        return tuple(text.split(",")) if text else ()
    return tuple(_quoted_fields(text))


def _quoted_fields(text: str) -> list[str]:
    fields, at = [], 0
    while at <= len(text):
        value, at = _quoted_field(text, at) if text.startswith('"', at) else _bare_field(text, at)
        fields.append(value)
        at += 1  # the comma
    return fields


def _bare_field(text: str, start: int) -> tuple[str, int]:
    """Return the field and where it ends."""
    end = text.find(",", start)
    end = len(text) if end < 0 else end
    mark = text.find('"', start, end)
    if mark >= 0:
        raise ValueError(f'parse error on line 1, column {_column(text, mark)}: bare " in non-quoted-field')
    return text[start:end], end


def _quoted_field(text: str, start: int) -> tuple[str, int]:
    """Return the field that opens with a quote and where it ends; two quotes stand for one."""
    at = start + 1
    while True:
        mark = text.find('"', at)
        if mark < 0:
            raise ValueError(_stray_quote(text, len(text)))
        following = text[mark + 1 : mark + 2]
        if following in ("", ","):
            return text[start + 1 : mark].replace('""', '"'), mark + 1
        if following != '"':
            raise ValueError(_stray_quote(text, mark))
        at = mark + 2


def _stray_quote(text: str, at: int) -> str:
    return f'parse error on line 1, column {_column(text, at)}: extraneous or missing " in quoted-field'


def _column(text: str, at: int) -> int:
    """Return the column, counted in bytes from one."""
    return len(text[:at].encode("utf-8", "surrogateescape")) + 1


def _cert_keys(text: str) -> tuple[SniCertKey, ...]:
    """Read ``certificate,key`` or ``certificate,key:name,name``."""
    files, colon, names = (part.strip() for part in text.partition(":"))
    if colon and not names:
        raise ValueError("empty names list is not allowed")
    pair = [part.strip() for part in files.split(",")]
    if len(pair) != 2:
        raise ValueError("expected comma separated certificate and key file paths")
    hosts = tuple(name.strip() for name in names.split(",")) if names else ()
    return (SniCertKey(pair[0], pair[1], hosts),)


def _vmodule(text: str) -> tuple[str, ...]:
    patterns = tuple(pattern for pattern in text.split(",") if pattern)
    for pattern in patterns:
        if not _VMODULE.fullmatch(pattern):
            raise ValueError(f"{quote(pattern)} does not have the pattern=N format")
        try:
            _level(pattern.partition("=")[2])
        except ValueError as problem:
            raise ValueError(f"parsing verbosity in {quote(pattern)}: {problem}") from None
    return patterns


BOOL = Kind("", _bool)
INT = Kind("int", _int)
INT32S = Kind("int32Slice", _int32s, grows=True)
LEVEL = Kind("Level", _level)
FLOAT = Kind("float", _float)
STRING = Kind("string", str)
STRINGS = Kind("strings", _strings, grows=True)
DURATION = Kind("duration", parse_duration)
IP = Kind("ip", _ip)
CERT_KEYS = Kind("namedCertKey", _cert_keys, grows=True)
QUANTITY = Kind("quantity", parse_memory)
VMODULE = Kind("pattern=N,...", _vmodule, grows=True)
