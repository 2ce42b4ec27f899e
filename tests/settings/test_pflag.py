"""Command lines as pflag reads them: spellings, values and the texts of errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.settings import pflag
from kubevitals.settings.pflag import Flag, SniCertKey, read

FLAGS = [
    Flag("bool", pflag.BOOL, "false", ""),
    Flag("two-words", pflag.BOOL, "true", ""),
    Flag("all", pflag.BOOL, "false", "", shorthand="a"),
    Flag("int", pflag.INT, "3", ""),
    Flag("ints", pflag.INT32S, "", ""),
    Flag("float", pflag.FLOAT, "0", ""),
    Flag("string", pflag.STRING, "d", ""),
    Flag("strings", pflag.STRINGS, "x,y", ""),
    Flag("duration", pflag.DURATION, "1s", ""),
    Flag("ip", pflag.IP, "0.0.0.0", ""),
    Flag("pairs", pflag.CERT_KEYS, "", ""),
    Flag("quantity", pflag.QUANTITY, "0", ""),
    Flag("vmodule", pflag.VMODULE, "", ""),
    Flag("level", pflag.LEVEL, "0", "", shorthand="v"),
    Flag("selector", pflag.STRING, "", "", shorthand="l"),
]


@pytest.mark.parametrize(
    ("argv", "values"),
    [
        ([], {}),
        (["--bool"], {"bool": True}),
        (["--bool=false"], {"bool": False}),
        (["--bool", "false"], {"bool": True}),
        (["--two-words=f"], {"two-words": False}),
        (["--two_words=0"], {"two-words": False}),
        (["--string=a=b"], {"string": "a=b"}),
        (["--string", "--bool"], {"string": "--bool"}),
        (["--string="], {"string": ""}),
        (["--string", ""], {"string": ""}),
        (["--int", "-5"], {"int": -5}),
        (["--int=1", "--int=2"], {"int": 2}),
        (["--strings=a,b", "--strings", "c"], {"strings": ("a", "b", "c")}),
        (["--strings="], {"strings": ()}),
        (["--strings=a,"], {"strings": ("a", "")}),
        (['--strings="a,b",c'], {"strings": ("a,b", "c")}),
        (['--strings="a""b"'], {"strings": ('a"b',)}),
        (["--ints=1,0x2", "--ints=3"], {"ints": (1, 2, 3)}),
        (["--duration=1m30s"], {"duration": 90_000_000_000}),
        (["--duration=0"], {"duration": 0}),
        (["--float=1e-3"], {"float": 0.001}),
        (["--ip= ::1 "], {"ip": "::1"}),
        (["--ip="], {}),
        (["--quantity=1Ki"], {"quantity": 1024}),
        (["--vmodule=a=1,,b*=2"], {"vmodule": ("a=1", "b*=2")}),
        (["--level=2"], {"level": 2}),
        (["-v=2"], {"level": 2}),
        (["-v2"], {"level": 2}),
        (["-v", "2"], {"level": 2}),
        (["-av2"], {"all": True, "level": 2}),
        (["-a=false"], {"all": False}),
        (["-l", "a=b"], {"selector": "a=b"}),
        (["-la=b"], {"selector": "a=b"}),
        (["-l=a=b"], {"selector": "a=b"}),
        (["one", "--bool", "two", "-"], {"bool": True}),
        (["--", "--bool"], {}),
        (["--string", "--", "--bool"], {"string": "--", "bool": True}),
        (["--pairs=c,k"], {"pairs": (SniCertKey("c", "k"),)}),
        (
            ["--pairs", " c , k : a, *.b ", "--pairs=d,l"],
            {"pairs": (SniCertKey("c", "k", ("a", "*.b")), SniCertKey("d", "l"))},
        ),
    ],
)
def test_every_spelling_is_understood(argv: list[str], values: dict[str, object]) -> None:
    """Values come out as pflag sets them, and only for flags that were given."""
    found = read(argv, FLAGS)

    assert found.problems == []
    assert found.values == values


@pytest.mark.parametrize("text", ["1", "t", "T", "true", "TRUE", "True"])
def test_truth_has_six_spellings(text: str) -> None:
    """What Go's ParseBool takes for true is true."""
    assert read([f"--bool={text}"], FLAGS).values == {"bool": True}


@pytest.mark.parametrize("text", ["0", "f", "F", "false", "FALSE", "False"])
def test_falsehood_has_six_spellings(text: str) -> None:
    """What Go's ParseBool takes for false is false."""
    assert read([f"--bool={text}"], FLAGS).values == {"bool": False}


@pytest.mark.parametrize(
    ("text", "number"), [("0x10", 16), ("0b11", 3), ("0o17", 15), ("017", 15), ("0_7", 7), ("1_000", 1000), ("+7", 7)]
)
def test_integers_have_gos_prefixes(text: str, number: int) -> None:
    """Hexadecimal, binary and octal numbers are understood, also with a bare zero."""
    assert read([f"--int={text}"], FLAGS).values == {"int": number}


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["--nope"], "unknown flag: --nope"),
        (["--no_pe=1"], "unknown flag: --no_pe"),
        (["--boo"], "unknown flag: --boo"),
        (["--help"], "unknown flag: --help"),
        (["--string"], "flag needs an argument: --string"),
        (["-v"], "flag needs an argument: 'v' in -v"),
        (["-x1"], "unknown shorthand flag: 'x' in -x1"),
        (["-ax"], "unknown shorthand flag: 'x' in -x"),
        (["-'"], "unknown shorthand flag: '\\'' in -'"),
        (["---bool"], "bad flag syntax: ---bool"),
        (["--=1"], "bad flag syntax: --=1"),
        (
            ["--bool=maybe"],
            'invalid argument "maybe" for "--bool" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
        (["--bool="], 'invalid argument "" for "--bool" flag: strconv.ParseBool: parsing "": invalid syntax'),
        (["--int=x"], 'invalid argument "x" for "--int" flag: strconv.ParseInt: parsing "x": invalid syntax'),
        (["--int= 1"], 'invalid argument " 1" for "--int" flag: strconv.ParseInt: parsing " 1": invalid syntax'),
        (["--int=08"], 'invalid argument "08" for "--int" flag: strconv.ParseInt: parsing "08": invalid syntax'),
        (
            ["--int=9223372036854775808"],
            'invalid argument "9223372036854775808" for "--int" flag: '
            'strconv.ParseInt: parsing "9223372036854775808": value out of range',
        ),
        (
            ["--ints=1,2147483648"],
            'invalid argument "1,2147483648" for "--ints" flag: '
            'strconv.ParseInt: parsing "2147483648": value out of range',
        ),
        (
            ["--float=1,5"],
            'invalid argument "1,5" for "--float" flag: strconv.ParseFloat: parsing "1,5": invalid syntax',
        ),
        (["--duration=15"], 'invalid argument "15" for "--duration" flag: time: missing unit in duration "15"'),
        (["--duration", "x"], 'invalid argument "x" for "--duration" flag: time: invalid duration "x"'),
        (["--ip=10.0.0.256"], 'invalid argument "10.0.0.256" for "--ip" flag: failed to parse IP: "10.0.0.256"'),
        (["--ip=fe80::1%e"], 'invalid argument "fe80::1%e" for "--ip" flag: failed to parse IP: "fe80::1%e"'),
        (
            ["-v=-1"],
            'invalid argument "-1" for "-v, --level" flag: strconv.ParseUint: parsing "-1": invalid syntax',
        ),
        (
            ["--level=2147483648"],
            'invalid argument "2147483648" for "-v, --level" flag: '
            'strconv.ParseUint: parsing "2147483648": value out of range',
        ),
        (
            ['--strings=a"b'],
            'invalid argument "a\\"b" for "--strings" flag: '
            'parse error on line 1, column 2: bare " in non-quoted-field',
        ),
        (
            ['--strings="a'],
            'invalid argument "\\"a" for "--strings" flag: '
            'parse error on line 1, column 3: extraneous or missing " in quoted-field',
        ),
        (
            ['--strings="a"b'],
            'invalid argument "\\"a\\"b" for "--strings" flag: '
            'parse error on line 1, column 3: extraneous or missing " in quoted-field',
        ),
        (
            ["--pairs=c"],
            'invalid argument "c" for "--pairs" flag: expected comma separated certificate and key file paths',
        ),
        (["--pairs=c,k:"], 'invalid argument "c,k:" for "--pairs" flag: empty names list is not allowed'),
        (["--vmodule=a"], 'invalid argument "a" for "--vmodule" flag: "a" does not have the pattern=N format'),
        (
            ["--vmodule=a=x"],
            'invalid argument "a=x" for "--vmodule" flag: '
            'parsing verbosity in "a=x": strconv.ParseUint: parsing "x": invalid syntax',
        ),
    ],
)
def test_other_arguments_are_refused_in_pflags_words(argv: list[str], problem: str) -> None:
    """A problem has the message that pflag prints."""
    assert read(argv, FLAGS).problems == [problem]


def test_all_problems_are_found_at_once() -> None:
    """Reading goes on after a problem, and what is right is kept."""
    found = read(["--nope", "1", "--int=x", "--bool", "-v", "y", "---z", "--string"], FLAGS)

    assert len(found.problems) == 5
    assert found.values == {"bool": True}


def test_an_unusable_quantity_is_refused() -> None:
    """A quantity that does not parse names the flag."""
    assert read(["--quantity=1x"], FLAGS).problems[0].startswith('invalid argument "1x" for "--quantity" flag: ')


def test_defaults_are_read_like_values() -> None:
    """A default is the value that its text stands for; an empty list is empty."""
    defaults = {flag.name: flag.default_value for flag in FLAGS}

    assert defaults["strings"] == ("x", "y")
    assert defaults["ints"] == ()
    assert defaults["duration"] == 1_000_000_000
    assert defaults["two-words"] is True


@given(st.lists(st.text(alphabet="-=avl,\"'é \x00bool1intsx:", max_size=12), max_size=5))
def test_any_arguments_are_read(argv: list[str]) -> None:
    """Any argument list gives values of known flags and one-line problems, and no exception."""
    found = read(argv, FLAGS)

    assert set(found.values) <= {flag.name for flag in FLAGS}
    assert all(found.problems)
