"""Quantities, durations and times, against the canonical forms that Kubernetes and Go print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals import quantity
from kubevitals.errors import QuantityError

CPU = [
    (0, "0"),
    (1, "1n"),
    (10, "10n"),
    (100, "100n"),
    (999, "999n"),
    (1_000, "1u"),
    (1_500, "1500n"),
    (1_000_000, "1m"),
    (12_345_000, "12345u"),
    (123_456_789, "123456789n"),
    (250_000_000, "250m"),
    (500_000_000, "500m"),
    (999_999_999, "999999999n"),
    (1_000_000_000, "1"),
    (1_500_000_000, "1500m"),
    (12_000_000_000, "12"),
    (12_345_678_901, "12345678901n"),
    (1_000_000_000_000, "1k"),
    (2_000_000_000_000, "2k"),
    (1_234_567_000, "1234567u"),
    (-1_500_000_000, "-1500m"),
    (-1_000_000_000, "-1"),
]

MEMORY = [
    (0, "0"),
    (1, "1"),
    (500, "500"),
    (999, "999"),
    (1_000, "1k"),
    (1_023, "1023"),
    (1_024, "1Ki"),
    (1_025, "1025"),
    (1_536, "1536"),
    (2_000, "2000"),
    (4_096, "4Ki"),
    (1_024_000, "1000Ki"),
    (1_048_576, "1Mi"),
    (1_500_000, "1500000"),
    (5_242_880, "5Mi"),
    (12_533_760, "12240Ki"),
    (12_641_280, "12345Ki"),
    (123_456_789, "123456789"),
    (1_000_000_000, "1000000000"),
    (1_073_741_824, "1Gi"),
    (1_099_511_627_776, "1Ti"),
    (1_616_273_408, "1578392Ki"),
    (-1_000, "-1k"),
    (-2_048, "-2Ki"),
]

DURATIONS = [
    (0, "0s"),
    (1, "1ns"),
    (999, "999ns"),
    (1_000, "1µs"),
    (1_500, "1.5µs"),
    (1_500_000, "1.5ms"),
    (999_999_999, "999.999999ms"),
    (1_000_000_000, "1s"),
    (10_005_000_000, "10.005s"),
    (15_000_000_000, "15s"),
    (15_012_000_000, "15.012s"),
    (14_765_432_064, "14.765432064s"),
    (29_990_000_000, "29.99s"),
    (30_000_000_001, "30.000000001s"),
    (60_000_000_000, "1m0s"),
    (60_500_000_000, "1m0.5s"),
    (90_000_000_000, "1m30s"),
    (119_999_000_000, "1m59.999s"),
    (3_600_000_000_000, "1h0m0s"),
    (3_661_000_000_000, "1h1m1s"),
    (86_400_000_000_000, "24h0m0s"),
    (259_380_500_000_000, "72h3m0.5s"),
    (-5_000_000_000, "-5s"),
    (12_345_678_952, "12.345678952s"),
]

INT64 = st.integers(-(1 << 63), (1 << 63) - 1)


@pytest.mark.parametrize(("nanocores", "text"), CPU)
def test_cpu_is_printed_in_canonical_decimal_form(nanocores: int, text: str) -> None:
    """CPU comes out as resource.Quantity prints a DecimalSI value."""
    assert quantity.format_cpu(nanocores) == text


@pytest.mark.parametrize(("amount", "text"), MEMORY)
def test_memory_is_printed_in_canonical_binary_form(amount: int, text: str) -> None:
    """Memory comes out as resource.Quantity prints a BinarySI value."""
    assert quantity.format_memory(amount) == text


@given(st.integers(0, 10**18))
def test_printed_cpu_reads_back(nanocores: int) -> None:
    """Reading a printed CPU quantity gives the same number."""
    assert quantity.parse_cpu(quantity.format_cpu(nanocores)) == nanocores


@given(st.integers(-(10**18), 10**18))
def test_printed_memory_reads_back(amount: int) -> None:
    """Reading a printed memory quantity gives the same number."""
    assert quantity.parse_memory(quantity.format_memory(amount)) == amount


@pytest.mark.parametrize(
    ("text", "nanocores"),
    [
        ("3920m", 3_920_000_000),
        ("0.5", 500_000_000),
        (".5", 500_000_000),
        ("1.", 1_000_000_000),
        ("+2", 2_000_000_000),
        ("-1", -1_000_000_000),
        ("1.0000000001", 1_000_000_001),
        ("-0.0000000001", -1),
        ("1e3", 1_000_000_000_000),
        ("1E-3", 1_000_000),
        ("1Ki", 1_024_000_000_000),
        ("0e999999999", 0),
        ("1e999999999", (1 << 63) - 1),
        ("1e-999999999", 1),
    ],
)
def test_cpu_is_read_in_any_form_and_rounded_up(text: str, nanocores: int) -> None:
    """Every form of quantity is understood, rounded away from zero, capped at int64, and cheap at any exponent."""
    assert quantity.parse_cpu(text) == nanocores


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("32Gi", 34_359_738_368),
        ("1.5Ki", 1_536),
        ("100m", 1),
        ("1M", 1_000_000),
        ("7E", 7 * 10**18),
        ("8Ei", (1 << 63) - 1),
    ],
)
def test_memory_is_read_in_any_form_and_rounded_up(text: str, amount: int) -> None:
    """Decimal, binary and fractional bytes are understood."""
    assert quantity.parse_memory(text) == amount


@pytest.mark.parametrize("text", ["", "abc", "1 Ki", "1.2.3", "--1", "٣", "1Ki\n", "1e99999999999999999999"])
def test_other_text_is_no_quantity(text: str) -> None:
    """What is not a quantity is refused with the text in the message."""
    with pytest.raises(QuantityError):
        quantity.parse_memory(text)


def test_a_wrong_suffix_is_named() -> None:
    """The message of a refused quantity shows the quantity, quoted."""
    with pytest.raises(QuantityError) as refused:
        quantity.parse_memory("1Kib")

    assert str(refused.value) == '"1Kib": unable to parse quantity\'s suffix'


@pytest.mark.parametrize(("ns", "text"), DURATIONS)
def test_durations_are_printed_as_go_prints_them(ns: int, text: str) -> None:
    """A duration comes out as time.Duration.String prints it."""
    assert quantity.format_duration(ns) == text


@given(INT64)
def test_printed_durations_read_back(ns: int) -> None:
    """Reading a printed duration gives the same nanoseconds, to the accuracy of Go's own float arithmetic."""
    assert abs(quantity.parse_duration(quantity.format_duration(ns)) - ns) <= 1


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("0", 0),
        ("+0", 0),
        ("15s", 15_000_000_000),
        ("1m30s", 90_000_000_000),
        ("1h", 3_600_000_000_000),
        ("1.5h", 5_400_000_000_000),
        (".5s", 500_000_000),
        ("1.s", 1_000_000_000),
        ("0.12345678901234567890s", 123_456_789),
        ("100us", 100_000),
        ("100µs", 100_000),
        ("100μs", 100_000),
        ("-1.5s", -1_500_000_000),
        ("00000000000000000000001s", 1_000_000_000),
        ("0" * 5000 + "1s", 1_000_000_000),
        ("9223372036854775807ns", (1 << 63) - 1),
        ("-9223372036854775808ns", -(1 << 63)),
    ],
)
def test_durations_are_read_in_go_syntax(text: str, ns: int) -> None:
    """Go's duration syntax is understood, and a bare 0."""
    assert quantity.parse_duration(text) == ns


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("abc", 'time: invalid duration "abc"'),
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        (".s", 'time: invalid duration ".s"'),
        ("15", 'time: missing unit in duration "15"'),
        ("1.2.3s", 'time: missing unit in duration "1.2.3s"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("1s-", 'time: unknown unit "s-" in duration "1s-"'),
        ('1"é\n', r'time: unknown unit "\"\xc3\xa9\x0a" in duration "1\"\xc3\xa9\x0a"'),
        ("9223372036854775808ns", 'time: invalid duration "9223372036854775808ns"'),
        ("99999999999999999999", 'time: invalid duration "99999999999999999999"'),
        ("9999999h1x", 'time: invalid duration "9999999h1x"'),
        ("2000000h2000000h", 'time: invalid duration "2000000h2000000h"'),
    ],
)
def test_other_durations_are_refused_in_go_words(text: str, problem: str) -> None:
    """A refused duration has the message of time.ParseDuration."""
    with pytest.raises(QuantityError) as refused:
        quantity.parse_duration(text)

    assert str(refused.value) == problem


@given(st.text(alphabet="0123456789.+-smhnuµ x\x00", max_size=30))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    """Reading a duration gives nanoseconds within int64 or a QuantityError, nothing else."""
    try:
        ns = quantity.parse_duration(text)
    except QuantityError:
        return
    assert -(1 << 63) <= ns < 1 << 63


@pytest.mark.parametrize("text", ["1" * 50_000 + "!", "1" * 50_000 + "e+1!", "." + "1" * 50_000 + "!"])
def test_a_long_text_is_refused_at_once(text: str) -> None:
    """Digits can be split in many ways, and none of them is tried twice."""
    with pytest.raises(QuantityError):
        quantity.parse_memory(text)


@given(st.text(max_size=30))
def test_any_text_is_a_quantity_or_refused(text: str) -> None:
    """Reading a quantity gives a number within int64 or a QuantityError, nothing else."""
    try:
        amount = quantity.parse_cpu(text)
    except QuantityError:
        return
    assert abs(amount) < 1 << 63


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_763_831_640_000, "2025-11-22T17:14:00Z"),
        (1_763_831_640_999, "2025-11-22T17:14:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
    ],
)
def test_times_are_cut_to_whole_seconds(ms: int, text: str) -> None:
    """A time is RFC 3339 in UTC, cut and not rounded."""
    assert quantity.format_time(ms) == text
