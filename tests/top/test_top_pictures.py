"""The pictures and the screen in the documents, held to the code."""

from __future__ import annotations

from pathlib import Path

import pytest
from docs.top_pictures import pictures

from kubevitals.top import columns, export
from kubevitals.top.model import Row

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "top.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(pictures()))
def test_pictures_show_what_is_printed(name: str):
    """``make docs`` draws them anew."""
    assert (DOCS / name).read_text(encoding="utf-8") == pictures()[name]


def test_the_screen_on_the_page_is_one_of_the_golden_ones():
    """It was not written by hand."""
    assert (Path(__file__).with_name("golden") / "nodes-80.txt").read_text(encoding="utf-8") in PAGE


@pytest.mark.parametrize("what", [export.NODES, export.PODS, export.CONTAINERS, export.TOTALS])
def test_the_page_has_every_name(what: str):
    """Every key of the exports is documented."""
    assert [key for key in export.record(Row(""), what) if f"`{key}`" not in PAGE] == []


def test_the_page_has_every_column():
    """Every heading is documented."""
    tables = [
        columns.nodes(),
        columns.pods(namespaced=True, containers=True),
        columns.pods(namespaced=True),
        columns.totals("owner", namespaced=True),
    ]
    headings = {column.heading for table in tables for column in table}
    assert [heading for heading in sorted(headings) if f"`{heading}`" not in PAGE] == []
