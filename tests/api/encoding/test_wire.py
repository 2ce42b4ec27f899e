from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.api.encoding.wire import blob, envelope, epoch_seconds, integer, text, varint


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (2047, "ff0f"),
        (2048, "8010"),
        (1767225600, "80f2d6ca06"),
        (30_000_000_000, "80d88ee16f"),
        (-1, "ffffffffffffffffff01"),
    ],
)
def test_varint(number: int, expected: str) -> None:
    """Integers are written seven bits at a time, negative ones as 64 bits."""
    assert varint(number).hex() == expected


@given(st.integers(0, (1 << 64) - 1))
def test_varint_round_trip(number: int) -> None:
    """Any unsigned 64-bit integer can be read back, and takes no more groups than it needs."""
    data = varint(number)
    assert sum((byte & 0x7F) << 7 * place for place, byte in enumerate(data)) == number
    assert len(data) == max(1, -(-number.bit_length() // 7))


def test_empty_fields_are_left_out() -> None:
    """Decoders supply empty strings and zeros themselves; an empty message still says that it is there."""
    assert (text(1, ""), integer(1, 0), blob(1, b"")) == (b"", b"", b"\x0a\x00")


def test_text_is_utf8() -> None:
    """Lengths count bytes, and what is no character becomes a question mark."""
    assert text(1, "é") == b"\x0a\x02\xc3\xa9"
    assert text(1, "\udc80") == b"\x0a\x01?"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-01-01T00:00:00Z", 1767225600),
        ("1970-01-01T00:00:01Z", 1),
        ("2026-01-01T01:00:00+01:00", 1767225600),
        ("2026-01-01T00:00:00", None),
        ("", None),
        ("yesterday", None),
    ],
)
def test_epoch_seconds(written: str, seconds: int | None) -> None:
    """A time is read with its zone; one without a zone, or no time at all, is unknown."""
    assert epoch_seconds(written) == seconds


def test_envelope(unwrap: Callable[[bytes], tuple[str, str, bytes]]) -> None:
    """An object follows its envelope directly."""
    assert unwrap(envelope("v1", "Status", 3) + b"abc") == ("v1", "Status", b"abc")
