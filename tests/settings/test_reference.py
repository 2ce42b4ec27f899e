"""The page of all flags, and the table that it is made from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubevitals import settings
from kubevitals.errors import UsageError
from kubevitals.settings import reference
from kubevitals.settings.flags import ACCEPTED, FLAGS, IMPLEMENTED, REFUSED

PAGE = Path(__file__).parents[2] / "docs/flags.md"


def rows(text: str) -> dict[str, list[str]]:
    """The cells of each row, by the flag's name."""
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if "`--" in line]
    return {re.findall("`--([a-z0-9-]+)`", row[0])[0]: row for row in cells if row[0].startswith("`")}


def test_the_page_is_that_of_the_table() -> None:
    """What is committed is what ``make docs`` writes."""
    assert PAGE.read_text() == reference.page(), "run: make docs"


def test_every_flag_has_one_row() -> None:
    """No flag is missing, and none is there twice."""
    text = reference.page()

    assert rows(text).keys() == {flag.name for flag in FLAGS}
    assert len(re.findall(r"^\| (?:`-\w`, )?`--", text, re.MULTILINE)) == len(FLAGS)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("node-selector", ["`-l`, `--node-selector`", "string", ""]),
        ("metric-resolution", ["`--metric-resolution`", "duration", "`1m`"]),
        ("permit-port-sharing", ["`--permit-port-sharing`", "bool", "`false`"]),
        ("vmodule", ["`--vmodule`", "pattern=N,...", ""]),
        ("feature-gates", ["`--feature-gates`", "string", "`component not registered: kube`"]),
    ],
)
def test_a_row_has_name_type_and_default(name: str, cells: list[str]) -> None:
    """Short names stand beside long ones; a flag that is refused shows what is said instead."""
    assert rows(reference.page())[name][:3] == cells


def test_the_sections_are_those_of_the_marks() -> None:
    """A flag with an effect is in its group, one without in the table that says why."""
    parts = re.split(r"^## (.*)$", reference.page(), flags=re.MULTILINE)[1:]
    section_of = {name: title for title, text in zip(parts[::2], parts[1::2], strict=True) for name in rows(text)}

    titles = {ACCEPTED: "Accepted, without effect", REFUSED: "Refused"}
    assert section_of == {flag.name: titles.get(flag.mark, flag.group) for flag in FLAGS}


@pytest.mark.parametrize("name", [flag.name for flag in FLAGS if flag.mark == REFUSED])
def test_what_is_said_of_a_refused_flag_is_said(name: str) -> None:
    """The text in the table is the error."""
    with pytest.raises(UsageError) as refused:
        settings.parse([f"--{name}=1.30"])

    assert f"`{refused.value.problems[0]}`" == rows(reference.page())[name][2]


def test_every_implemented_flag_is_a_setting() -> None:
    """What the page promises reaches the program; only help and version are told elsewhere."""
    promised = {flag.attribute for flag in FLAGS if flag.mark == IMPLEMENTED} - {"help", "version"}

    assert promised == set(settings.Settings.__dataclass_fields__) - {"warnings", "alarms"}
