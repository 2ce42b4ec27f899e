"""The text format line by line."""

from __future__ import annotations

import pytest

from kubevitals.errors import ExpositionError
from kubevitals.scraper.lines import CONTAINER_CPU, CONTAINER_START, NODE, NODE_CPU, read

LABELS = '{container="c",namespace="ns",pod="p"}'


def cpu(text, **how):
    return read(text, **how).families[CONTAINER_CPU]


def broken(text, **how):
    with pytest.raises(ExpositionError) as raised:
        read(text, **how)
    return raised.value


@pytest.mark.parametrize(
    "line",
    [
        f"{CONTAINER_CPU}{LABELS} 1.5 1789999998000",
        f"  {CONTAINER_CPU}{LABELS} 1.5 1789999998000",
        f"{CONTAINER_CPU} {LABELS}\t1.5\t1789999998000 ",
        f"{CONTAINER_CPU}{LABELS}1.5 1789999998000\r",
        CONTAINER_CPU + '{ pod = "p" ,namespace="ns",container="c", } 1.5 1789999998000',
    ],
)
def test_blanks_between_tokens_change_nothing(line):
    """Blanks, tabs, a trailing comma and one carriage return are the format's to allow."""
    assert cpu(line + "\n") == {("ns", "p", "c"): ("1.5", "1789999998000")}


@pytest.mark.parametrize(
    "value",
    ["0", "1", "5.", ".5", "+5", "-5", "1e6", "1E+06", "1.5e-05", "NaN", "nan", "Inf", "+Inf", "-infinity"],
)
def test_every_number_of_the_format_is_read(value):
    """Values are what Go's ParseFloat takes."""
    assert cpu(f"{CONTAINER_CPU}{LABELS} {value}\n") == {("ns", "p", "c"): (value, None)}


@pytest.mark.parametrize(
    "value",
    [
        "1_000",
        "１２",
        "1,5",
        "0x1p3",
        "1e",
        "e5",
        ".",
        "1.5.5",
        "+NaN",
        "Infinit",
        "abc",
        "1.5\v",
        "1\xa0",
        "--5",
    ],
)
def test_numbers_that_only_python_reads_are_errors(value):
    """A value that the format does not know fails the body, in a usual line and in an odd one."""
    assert broken(f"{CONTAINER_CPU}{LABELS} {value} 1789999998000\n").cause == "parse"
    assert broken(f"{CONTAINER_CPU} {LABELS} {value} 1789999998000\n").cause == "parse"


@pytest.mark.parametrize("time", ["1789999998.0", "1e12", "+5", "-5", "1_0", "x", "5 x", "５"])
def test_broken_timestamps_are_errors(time):
    """A timestamp is a number of milliseconds, and negative ones do not exist."""
    assert broken(f"{CONTAINER_CPU}{LABELS} 1 {time}\n").cause == "parse"


@pytest.mark.parametrize("time", ["1789999998.5", "1.7899999985e+09", "1789999998"])
def test_openmetrics_timestamps_are_seconds(time):
    """In OpenMetrics a timestamp is a float."""
    assert cpu(f"{CONTAINER_CPU}{LABELS} 1 {time}\n", openmetrics=True) == {("ns", "p", "c"): ("1", time)}


def test_a_negative_timestamp_spoils_only_a_start_time():
    """Kubelets 1.22 to 1.24 print Go's zero time; all other points of such a body stay."""
    readings = read(
        f"{CONTAINER_START}{LABELS} -6.795e+09 -62135596800000\n{CONTAINER_CPU}{LABELS} 1.5 1789999998000\n"
    )

    assert readings.negative_start
    assert readings.families[CONTAINER_START] == {}
    assert len(readings.families[CONTAINER_CPU]) == 1


@pytest.mark.parametrize(
    ("labels", "key"),
    [
        (r'{container="c\"x",namespace="n\\s",pod="a\nb"}', ("n\\s", "a\nb", 'c"x')),
        (r'{container="c",namespace="ns",pod="p\x"}', ("ns", r"p\x", "c")),
        ('{container="c",namespace="ns",pod="} 5 {"}', ("ns", "} 5 {", "c")),
        ('{container="c",exported_pod="no",namespace="ns",pod="yes"}', ("ns", "yes", "c")),
    ],
)
def test_labels_are_read_by_name_and_unescaped(labels, key):
    """Order, further labels, escapes, and braces in a value change nothing."""
    assert cpu(f"{CONTAINER_CPU}{labels} 1\n") == {key: ("1", None)}


@pytest.mark.parametrize(
    "labels", ["", "{}", '{container="c",namespace="ns"}', '{container="",namespace="ns",pod="p"}']
)
def test_a_series_about_nobody_is_ignored(labels):
    """A container series needs all three names; without them it is skipped, and that is told."""
    readings = read(f"{CONTAINER_CPU}{labels} 1\n")

    assert readings.families[CONTAINER_CPU] == {}
    assert readings.unnamed


@pytest.mark.parametrize(
    "labels",
    [
        '{container="c" namespace="ns",pod="p"}',
        '{container="c",,pod="p"}',
        "{container=c}",
        '{pod="a",pod="b"}',
        '{pod="a"',
        '{pod="a}',
        '{1pod="a"}',
        '{pod="a\\"}',
    ],
)
def test_broken_labels_are_errors(labels):
    """Labels that could be read in two ways fail the body."""
    assert broken(f"{CONTAINER_CPU}{labels} 1\n").cause == "parse"


def test_the_last_of_repeated_series_counts():
    """A later sample of the same series replaces the earlier one, as in metrics-server."""
    readings = read(f"{CONTAINER_CPU}{LABELS} 1 5\n{CONTAINER_CPU}{LABELS} 2 6\n")

    assert readings.repeated
    assert readings.families[CONTAINER_CPU] == {("ns", "p", "c"): ("2", "6")}


def test_labels_of_the_node_are_ignored():
    """A node's series may carry labels; they say nothing about the node that was asked."""
    assert read(f'{NODE_CPU}{{node="x"}} 5\n').families[NODE_CPU] == {NODE: ("5", None)}


def test_other_families_are_skipped_unread():
    """A family that is not used may hold what it likes, as long as its line begins with a name."""
    readings = read('h_bucket{le="+Inf"} what? ever\nx 1\nx 2\n')

    assert readings.skipped == {"h_bucket": 'h_bucket{le="+Inf"} what? ever', "x": "x 2"}


@pytest.mark.parametrize("line", ["<html>", "{", "\ufeffx 1", "1x 2", "\x0bx 1", "\xa0# comment"])
def test_a_line_that_is_nothing_is_an_error(line):
    """What begins with neither a name nor a hash is no metrics, and the error shows where it is."""
    error = broken(f"# HELP x y\n{line}\n")

    assert error.cause == "parse"
    assert error.detail.startswith("line 2 is neither a sample nor a comment: ")


def test_an_error_shows_only_the_start_of_a_line_and_no_control_characters():
    """A broken line is quoted and cut, since somebody else chose it."""
    error = broken(f"{CONTAINER_CPU}\x1b[31m{'x' * 500}\n")

    assert "\x1b" not in error.detail
    assert len(error.detail) < 200


@pytest.mark.parametrize("text", ["x", f"{CONTAINER_CPU}{LABELS} 1.5 17", "# EOF"])
def test_a_body_without_a_last_line_feed_is_cut(text):
    """A number may have lost digits where a body ends early, so nothing of it is believed."""
    assert broken(text).cause == "truncated"


def test_comments_and_empty_lines_hold_anything():
    """Comments are skipped unread, also where blanks precede the hash."""
    assert read('\n \t\n# x {"\n#y\n  # z\r\n\r\n').skipped == {}


@pytest.mark.parametrize(
    "hostile",
    [
        CONTAINER_CPU + "{" * 200_000,
        CONTAINER_CPU + '{"' + "\\\\" * 100_000,
        CONTAINER_CPU + '{a="' + "}" * 200_000,
        CONTAINER_CPU + LABELS + " " + "9" * 200_000 + "x",
        CONTAINER_CPU + LABELS + " 1 " + "9" * 200_000 + "x",
        CONTAINER_CPU + " " * 200_000,
        CONTAINER_CPU + "{" + 'a="",' * 40_000,
    ],
)
@pytest.mark.timeout(5)
def test_no_line_makes_a_pattern_backtrack(hostile):
    """Reading takes linear time, whatever a line holds."""
    assert broken(hostile + "\n").cause == "parse"
