"""Tables as a person sees them, at 80 columns and on a wide screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.top.screens import NODE_USES, NODES, NOW, POD_USES, PODS, use

from kubevitals.top import columns, text
from kubevitals.top.layout import Table, lines, ordered, plain
from kubevitals.top.model import Row
from kubevitals.top.rows import container_rows, node_rows, pod_rows
from kubevitals.top.totals import grouped, total

GOLDEN = Path(__file__).with_name("golden")
POD_ROWS = pod_rows(PODS, POD_USES)
NODE_ROWS = node_rows(NODES, NODE_USES, PODS)


def usual(found):
    return tuple(column for column in found if not column.wide)


TABLES = {
    "nodes": Table(columns.nodes(), NODE_ROWS, total(NODE_ROWS, "TOTAL")),
    "pods": Table(usual(columns.pods(namespaced=True)), POD_ROWS),
    "pods-wide": Table(columns.pods(namespaced=True), POD_ROWS),
    "containers": Table(usual(columns.pods(namespaced=True, containers=True)), container_rows(PODS, POD_USES)),
    "owners": Table(usual(columns.totals("owner", namespaced=True)), grouped(POD_ROWS, "owner")),
}


@pytest.mark.parametrize("width", [80, 160, None])
@pytest.mark.parametrize("name", TABLES)
def test_screens(name, width):
    """The table is exactly this, and no line is wider than the terminal."""
    drawn = plain(lines(TABLES[name], NOW, width))
    assert max(map(len, drawn.splitlines())) <= (width or 1000)
    assert drawn == (GOLDEN / f"{name}-{width or 'pipe'}.txt").read_text(encoding="utf-8")


@given(st.integers(20, 300), st.sampled_from(sorted(TABLES)))
def test_any_width_has_all_rows_and_what_always_stays(width, name):
    """However narrow it is, every row is there, and columns only go as it narrows."""
    found = lines(TABLES[name], NOW, width)
    wider = lines(TABLES[name], NOW, width + 1)
    headings = [cell.text.strip() for cell in found[0]]
    assert len(found) == len(wider)
    assert {"CPU", "MEMORY"} <= set(headings)
    assert len(headings) <= len(wider[0])


def test_names_are_cut_only_at_last():
    """At 40 columns the names give way, and say so."""
    drawn = plain(lines(TABLES["containers"], NOW, 50)).splitlines()
    assert max(map(len, drawn)) <= 50
    assert "…" in drawn[1]


def test_a_silent_column_goes_before_one_that_speaks():
    """Limits that nobody sets make room for requests."""
    rows = [Row("p", use=use(1, 1), bounds=PODS[0].bounds._replace(limits=columns.Row("").bounds.limits))]
    table = Table(usual(columns.pods(namespaced=False)), rows)
    headings = plain(lines(table, NOW, 45)).split("\n")[0].split()
    assert "MEM%REQ" in headings
    assert "MEM%LIM" not in headings


@given(st.text(max_size=20))
def test_a_name_cannot_reach_the_terminal(name):
    """Whatever a cluster calls its pods, only printable ASCII is shown, one cell for each character."""
    table = Table(columns.pods(namespaced=False)[:1], [Row(name, use=use(1, 1))], headings=False)
    drawn = plain(lines(table, NOW)).removesuffix("\n")
    assert drawn.isascii()
    assert drawn.isprintable()


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("cpu", ["b", "a", "c"]),
        ("memory", ["a", "b", "c"]),
        ("name", ["a", "b", "c"]),
        ("sample", ["a", "b", "c"]),
    ],
)
def test_order(key, names):
    """Numbers come greatest first, names from A to Z, the oldest sample first, and what is unknown last."""
    rows = [Row("c"), Row("b", use=use(9, 1, 3)), Row("a", use=use(1, 9, 30))]
    column = next(column for column in columns.pods(namespaced=False) if column.key == key)
    assert [row.name for row in ordered(rows, column)] == names


def test_colours_are_for_what_is_nearly_used_up():
    """Shares of nodes and of limits are warm from 60 % and hot from 85 %; shares of requests are no alarm."""
    styles = {
        (line[0].text.strip(), heading.text.strip()): cell.style
        for table in (TABLES["nodes"], TABLES["pods-wide"])
        for found in [lines(table, NOW)]
        for line in found[1:]
        for heading, cell in zip(found[0], line, strict=True)
    }
    assert styles["worker-1", "CPU%"] == "hot"
    assert styles["worker-2", "CPU%"] == "warm"
    assert styles["control-plane", "CPU%"] == ""
    assert styles["data", "CPU%REQ"] == ""
    assert styles["data", "MEM%LIM"] == "warm"
    assert styles["worker-3", "CPU"] == "unknown"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-3, "0s"), (0.9, "0s"), (119, "119s"), (120, "2m"), (7200, "2h"), (172_800, "2d")]
)
def test_ages(seconds, shown):
    """A unit is used from twice its length."""
    assert text.age(seconds) == shown


def test_numbers_are_rounded_as_kubectl_does():
    """CPU up, memory and percent down."""
    assert (text.millicores(1), text.millicores(250_000_000), text.millicores(0)) == ("1m", "250m", "0m")
    assert (text.mebibytes((1 << 20) - 1), text.mebibytes(64 << 20)) == ("0Mi", "64Mi")
    assert (text.percent(999, 1000), text.percent(3, 2)) == ("99%", "150%")
    assert (text.window(2_000_000_000), text.window(14_765_432_100)) == ("2.0s", "15s")


def test_curves():
    """From nothing to the greatest of its own values."""
    assert text.curve([0, 50, 100]) == "▁▅█"
    assert (text.curve([]), text.curve([0, 0])) == ("", "▁▁")
