"""Logs: one safe line per event, as klog text or as JSON."""

from __future__ import annotations

import io
import json
import logging
import os
import re
from collections.abc import Iterator
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals import logs

HERE = os.path.basename(__file__)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Give a stream to log to, and remove the handlers afterwards."""
    yield io.StringIO()
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, logs._Handler)]:
        root.removeHandler(handler)
    logging.getLogger("kubevitals").setLevel(logging.NOTSET)


def start(stream: io.StringIO, form: Literal["text", "json"] = "text", verbosity: int = 0) -> logs.Logger:
    logs.setup(format=form, verbosity=verbosity, stream=stream)
    return logs.get("kubevitals.test")


def test_a_text_line_is_klogs(stream: io.StringIO) -> None:
    """A line has severity, local time in microseconds, process, file and line, quoted message and pairs."""
    start(stream).info("Scrape finished", nodes=3, node="a")

    head = rf"I\d{{4}} \d\d:\d\d:\d\d\.\d{{6}} +{os.getpid()} {re.escape(HERE)}:\d+\] "
    assert re.fullmatch(head + r'"Scrape finished" nodes=3 node="a"\n', stream.getvalue())


def test_the_callers_line_is_named(stream: io.StringIO) -> None:
    """The file and line are those of the call, not of the logger."""
    log = start(stream)
    line = start.__code__.co_firstlineno

    log.warning("x")

    found = re.search(rf"{re.escape(HERE)}:(\d+)\]", stream.getvalue())
    assert found is not None
    assert int(found[1]) > line + 4


@pytest.mark.parametrize(("level", "letter"), [("info", "I"), ("warning", "W"), ("error", "E")])
def test_severity_is_the_first_letter(stream: io.StringIO, level: str, letter: str) -> None:
    """Each level has klog's letter."""
    getattr(start(stream), level)("x")

    assert stream.getvalue()[0] == letter


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb\x1b[1m", r'"a\nb\x1b[1m"'),
        (b"\xff\n", r'"\\xff\n"'),
        (3, "3"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        (ValueError("bad"), '"bad"'),
        (TimeoutError(), '"TimeoutError"'),
        (["a", 1], '["a",1]'),
        ({"k": "\x9b"}, r'{"k":"\u009b"}'),
        (("x" * 20_000), '"' + "x" * 16384 + '… (20000 characters)"'),
    ],
)
def test_values_are_quoted(stream: io.StringIO, value: object, text: str) -> None:
    """Text is quoted and cut, numbers are plain, collections are JSON, an exception is its message or its name."""
    start(stream).info("m", k=value)

    assert stream.getvalue().partition('"m" k=')[2] == f"{text}\n"


def test_a_json_line_is_that_of_kubernetes_components(stream: io.StringIO) -> None:
    """A line is one object with milliseconds, level, caller, message, verbosity and the pairs."""
    start(stream, "json", verbosity=2).v(2, "Scrape finished", nodes=3, names=["a"], err=ValueError("bad"))

    line = json.loads(stream.getvalue())
    assert line.pop("ts") > 1.7e12
    assert re.fullmatch(rf"{re.escape(HERE)}:\d+", line.pop("caller"))
    assert line == {"level": "info", "msg": "Scrape finished", "v": 2, "nodes": 3, "names": ["a"], "err": "bad"}


@pytest.mark.parametrize("level", ["warning", "error"])
def test_json_names_the_level_and_no_verbosity_above_info(stream: io.StringIO, level: str) -> None:
    """Warnings and errors carry their level, and no v."""
    getattr(start(stream, "json"), level)("x")

    line = json.loads(stream.getvalue())
    assert line["level"] == level
    assert "v" not in line


def test_pairs_cannot_replace_the_fields_of_a_json_line(stream: io.StringIO) -> None:
    """A pair named like a field of the line loses."""
    start(stream, "json").info("m", msg="other", level="other")

    line = json.loads(stream.getvalue())
    assert (line["msg"], line["level"]) == ("m", "info")


@pytest.mark.parametrize(("verbosity", "shown"), [(0, False), (2, False), (3, True), (10, True)])
def test_details_show_from_their_verbosity_on(stream: io.StringIO, verbosity: int, shown: bool) -> None:
    """A detail of level 3 is logged, and said to be enabled, at --v=3 and above."""
    log = start(stream, verbosity=verbosity)

    log.v(3, "detail")

    assert log.enabled(3) is shown
    assert bool(stream.getvalue()) is shown


def test_a_second_setup_replaces_the_first(stream: io.StringIO) -> None:
    """No line is written twice."""
    start(io.StringIO())

    start(stream).info("x")

    assert stream.getvalue().count("\n") == 1
    assert sum(isinstance(handler, logs._Handler) for handler in logging.getLogger().handlers) == 1


def test_libraries_are_shown_from_warnings_on(stream: io.StringIO) -> None:
    """A library's warning and traceback come out in the same form and on one line, its chatter does not."""
    start(stream)
    library = logging.getLogger("some.dependency")

    library.info("hidden")
    try:
        raise ZeroDivisionError("oh\nno")
    except ZeroDivisionError:
        library.exception("failed: %s", "x")

    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert '"failed: x" trace="Traceback (most recent call last):' in lines[0]


def test_a_traceback_can_be_logged(stream: io.StringIO) -> None:
    """The trace of an exception names where it was raised, and is logged on one line."""
    try:
        raise KeyError("k")
    except KeyError as error:
        start(stream).error("x", trace=logs.trace(error))

    assert HERE in stream.getvalue().partition("trace=")[2]
    assert stream.getvalue().count("\n") == 1


def test_quoted_escapes_control_characters() -> None:
    """Text for lines that are not log lines can be quoted alike."""
    assert logs.quoted("/a\r\n") == r'"/a\r\n"'


@pytest.mark.parametrize(
    ("name", "full"), [("api", "kubevitals.api"), ("kubevitals.kube", "kubevitals.kube"), ("kubevitals", "kubevitals")]
)
def test_loggers_are_named_under_the_package(name: str, full: str) -> None:
    """A logger belongs to the package whether or not the name says so."""
    assert repr(logs.get(name)) == f"Logger({full!r})"


@given(st.text(), st.text(), st.sampled_from([logs.TextFormatter, logs.JsonFormatter]))
def test_every_line_is_printable(message: str, value: str, formatter: type[logging.Formatter]) -> None:
    """Whatever is logged comes out as one line without control characters."""
    record = logging.makeLogRecord({"msg": message, "pairs": {"k": value, "l": [value]}, "levelno": logging.INFO})

    assert formatter().format(record).isprintable()
