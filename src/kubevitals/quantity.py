"""Kubernetes quantities, Go durations and RFC 3339 times: numbers to text and back. Pure.

The canonical forms are those of ``resource.Quantity`` and ``time.Duration``; clients compare them as text.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal, localcontext
from functools import lru_cache

from kubevitals.errors import QuantityError
from kubevitals.quoting import quote

_NANO_SUFFIXES = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_BINARY_SUFFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")

# Possessive, so that a text is taken apart in one way only, and refused in linear time.
_QUANTITY = re.compile(r"([+-]?+)([0-9]++\.?+[0-9]*+|\.[0-9]++)([A-Za-z]*+[-+]?+[0-9]*+)", re.ASCII)
_EXPONENT = re.compile(r"[eE]([-+]?[0-9]{1,18})", re.ASCII)
_DECIMAL_POWERS = {suffix: 3 * i - 9 for i, suffix in enumerate(_NANO_SUFFIXES)}
_BINARY_POWERS = {suffix: i for i, suffix in enumerate(_BINARY_SUFFIXES) if suffix}
_FORM = r"quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

_MAX_INT64 = (1 << 63) - 1

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,  # micro sign
    "\u03bcs": 1_000,  # Greek mu
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_DURATION_TERM = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^.0-9]*)", re.ASCII)


# --- quantities ---------------------------------------------------------------------------------------------


def format_cpu(nanocores: int) -> str:
    """Return nanocores as a canonical decimal quantity: ``250000000`` is ``250m``."""
    if nanocores % 1000:
        return f"{nanocores}n"
    if nanocores == 0:
        return "0"
    step = 0
    while nanocores % 1000 == 0 and step < 9:
        nanocores //= 1000
        step += 1
    return f"{nanocores}{_NANO_SUFFIXES[step]}"


def format_memory(amount: int) -> str:
    """Return bytes as a canonical binary quantity: ``1048576`` is ``1Mi``.

    Below 1024 the form is the decimal one, so that 1000 bytes are ``1k``.
    """
    if -1024 < amount < 1024:
        return f"{amount // 1000}k" if amount in (1000, -1000) else str(amount)
    step = 0
    while not amount & 1023 and step < 6:
        amount >>= 10
        step += 1
    return f"{amount}{_BINARY_SUFFIXES[step]}"


def parse_cpu(text: str) -> int:
    """Return a quantity of cores in nanocores, a remainder rounded away from zero.

    Raises:
        QuantityError: ``text`` is no quantity.
    """
    return _scaled(text, 9)


def parse_memory(text: str) -> int:
    """Return a quantity in bytes, a remainder rounded away from zero.

    Raises:
        QuantityError: ``text`` is no quantity.
    """
    return _scaled(text, 0)


def _scaled(text: str, power: int) -> int:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise QuantityError(f"{quote(text)}: {_FORM}")
    sign, digits, suffix = match.groups()
    factors = _factors(suffix)
    if factors is None:
        raise QuantityError(f"{quote(text)}: unable to parse quantity's suffix")
    tens, kibis = factors
    magnitude = _round_up(Decimal(digits), tens + power, kibis)
    return -magnitude if sign == "-" else magnitude


def _factors(suffix: str) -> tuple[int, int] | None:
    """Return what a suffix multiplies by, as a power of ten and a power of 1024; None when it is unknown."""
    if suffix in _DECIMAL_POWERS:
        return _DECIMAL_POWERS[suffix], 0
    if suffix in _BINARY_POWERS:
        return 0, _BINARY_POWERS[suffix]
    if exponent := _EXPONENT.fullmatch(suffix):
        return int(exponent[1]), 0
    return None


def _round_up(digits: Decimal, tens: int, kibis: int) -> int:
    """Return digits * 10**tens * 1024**kibis as an integer, at most the largest int64 as in Go.

    The size is judged first: an exponent of millions must not cost millions of digits.
    """
    if digits == 0:
        return 0
    size = digits.adjusted() + tens
    if size > 18:
        return _MAX_INT64
    if size < -30:  # even 1024**6 leaves less than one
        return 1
    with localcontext(prec=len(digits.as_tuple().digits) + 60):
        value = digits.scaleb(tens) * 1024**kibis
        return min(int(value.to_integral_value(ROUND_UP)), _MAX_INT64)


# --- durations and times ------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)  # the windows of one cycle are a few hundred
def format_duration(ns: int) -> str:
    """Return nanoseconds as ``time.Duration.String`` does: ``1m30s``, ``14.765432s``, ``1.5ms``, ``0s``."""
    if ns < 0:
        return f"-{format_duration(-ns)}"
    if ns < 1_000_000_000:
        return _subsecond(ns)
    minutes, rest = divmod(ns, 60_000_000_000)
    seconds = _fraction(rest, 1_000_000_000) + "s"
    if not minutes:
        return seconds
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{seconds}" if hours else f"{minutes}m{seconds}"


def _subsecond(ns: int) -> str:
    if ns == 0:
        return "0s"
    if ns < 1_000:
        return f"{ns}ns"
    if ns < 1_000_000:
        return _fraction(ns, 1_000) + "\u00b5s"
    return _fraction(ns, 1_000_000) + "ms"


def _fraction(ns: int, unit: int) -> str:
    """Return ns / unit in decimal without trailing zeros; ``unit`` is a power of ten above one."""
    whole, rest = divmod(ns, unit)
    if not rest:
        return str(whole)
    return f"{whole}.{rest:0{len(str(unit)) - 1}d}".rstrip("0")


def parse_duration(text: str) -> int:
    """Return the nanoseconds of a Go duration such as ``1m30s``, ``0`` or ``-1.5h``.

    Raises:
        QuantityError: with the text of ``time.ParseDuration``, such as ``time: invalid duration "abc"``.
    """
    unsigned = text[1:] if text[:1] in ("-", "+") else text
    if unsigned == "0":
        return 0
    if not unsigned:
        raise _invalid_duration(text)
    total, at = 0, 0
    while at < len(unsigned):
        amount, at = _duration_term(text, unsigned, at)
        total += amount
        if total > _MAX_INT64 + 1:
            raise _invalid_duration(text)
    negative = text[0] == "-"
    if total > _MAX_INT64 + negative:
        raise _invalid_duration(text)
    return -total if negative else total


def _duration_term(text: str, unsigned: str, at: int) -> tuple[int, int]:
    """Return the nanoseconds of the number and unit that start at ``at``, and where the next term starts."""
    match = _DURATION_TERM.match(unsigned, at)
    assert match is not None, "every part of the expression may be empty"
    digits, part, unit = match.groups(default="")
    # Python refuses to read thousands of digits, even if they are zeros.
    whole = digits.lstrip("0")
    if not (digits or part) or _overflows(whole):
        raise _invalid_duration(text)
    if not unit:
        raise QuantityError(f"time: missing unit in duration {_quote(text)}")
    if unit not in _UNITS:
        raise QuantityError(f"time: unknown unit {_quote(unit)} in duration {_quote(text)}")
    amount = int(whole or "0") * _UNITS[unit] + _part(part, _UNITS[unit])
    if amount > _MAX_INT64 + 1:
        raise _invalid_duration(text)
    return amount, match.end()


def _overflows(significant: str) -> bool:
    return len(significant) > 19 or int(significant or "0") > _MAX_INT64 + 1


def _part(digits: str, unit: int) -> int:
    """Return the nanoseconds of a decimal fraction of a unit, by Go's arithmetic and with its limits."""
    numerator, scale = 0, 1.0
    for digit in digits:
        longer = numerator * 10 + int(digit)
        if numerator > _MAX_INT64 // 10 or longer > _MAX_INT64 + 1:
            break
        numerator, scale = longer, scale * 10
    return int(numerator * (unit / scale))


def _invalid_duration(text: str) -> QuantityError:
    return QuantityError(f"time: invalid duration {_quote(text)}")


def _quote(text: str) -> str:
    r"""Quote as Go's package time does: bytes outside printable ASCII as ``\xNN``."""
    data = text.encode("utf-8", "surrogateescape")
    return '"' + "".join(map(_quoted_byte, data)) + '"'


def _quoted_byte(byte: int) -> str:
    if byte < 0x20 or byte >= 0x80:
        return f"\\x{byte:02x}"
    return f"\\{chr(byte)}" if byte in b'"\\' else chr(byte)


def format_time(ms: int) -> str:
    """Return milliseconds since the epoch as RFC 3339 in UTC, cut (not rounded) to whole seconds."""
    return _format_second(ms // 1000)


@lru_cache(maxsize=1024)  # the points of one cycle fall into few distinct seconds
def _format_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
