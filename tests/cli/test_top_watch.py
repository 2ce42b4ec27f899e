"""``kubevitals top --watch``: the screen that goes on, without waiting for it."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import sys

import pytest
from rich.console import Console
from tests.cli.test_demo import PATIENCE
from tests.top.screens import amounts, use
from tests.whole import world as worlds
from tests.whole.world import World

from kubevitals.cli.cluster_options import ClusterOptions, cluster_config
from kubevitals.cli.top_show import STYLES, History, Output, Show, painted
from kubevitals.kube.client import ApiClient
from kubevitals.simulator import templates
from kubevitals.simulator.kinds import PODS
from kubevitals.top.columns import nodes, trend
from kubevitals.top.layout import STYLES as MEANINGS
from kubevitals.top.layout import Table, lines
from kubevitals.top.model import Row
from kubevitals.top.wish import Wish

_LEAST = 3.5  # contrast; WCAG 2 asks for 3 of large text and signs


@pytest.fixture
async def world():
    async with worlds.still() as world:
        yield world


@pytest.fixture
async def client(world: World):
    options = ClusterOptions(str(world.cluster.files.admin))
    async with ApiClient(cluster_config(options, now=lambda: 0.0, environ={})) as client:
        yield client


class Turns:
    """Sleeps no time, does something after each turn, and ends the watch after the last."""

    def __init__(self, *after) -> None:
        self.after = list(after)
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if not self.after:
            raise asyncio.CancelledError
        result = self.after.pop(0)()
        if asyncio.iscoroutine(result):
            await result


def nothing() -> None:
    """Let a turn pass."""


def screen(width: int = 100, height: int = 20) -> Console:
    return Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)


def shown(console: Console) -> list[str]:
    """The screens that were drawn, one after the other."""
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-GI-Za-z]", "", console.file.getvalue())
    return [each for each in re.split(r"\x1b\[H", drawn) if each.strip()]


async def watched(client: ApiClient, wish: Wish, turns: Turns, *, interval: float = 3.0, **options) -> Console:
    console = screen(**options)
    show = Show(client, wish, Output(), console, terminal=True, now=lambda: 0.0, sleep=turns)
    with pytest.raises(asyncio.CancelledError):
        await show.forever(interval)
    return console


async def test_it_reads_once_per_interval_and_draws_each_second(world: World, client: ApiClient):
    """Between two readings the screen is drawn anew, so that ages stay right."""
    lost = templates.pod("data", "lost", "node-1", ["c"], labels={}, started=1.0)
    turns = Turns(lambda: world.cluster.registry.create(PODS, lost), nothing, nothing, nothing)
    drawn = shown(await watched(client, Wish("pods"), turns))
    assert turns.slept == [1.0] * 5
    assert ["lost" in each for each in drawn] == [False, False, False, True, True]
    assert all("till-0" in each and "CPU-TREND" in each for each in drawn)


async def test_an_api_server_that_goes_away_is_told_and_the_table_stays(world: World, client: ApiClient):
    """What was there before is shown below the reason."""
    turns = Turns(world.cluster.api.pause, nothing)
    last = shown(await watched(client, Wish("pods"), turns, interval=1.0))[-1]
    assert "cannot reach the API server" in last
    assert "till-0" in last


async def test_a_low_terminal_says_what_it_does_not_show(client: ApiClient):
    """No more lines than there is room for."""
    last = shown(await watched(client, Wish("pods"), Turns(nothing), height=5))[-1]
    assert "more lines do not fit" in last
    assert len(last.rstrip().splitlines()) <= 5


async def test_into_a_pipe_tables_follow_each_other(client: ApiClient, capsys):
    """Plain, whole, and with what went wrong on standard error."""
    turns = Turns(nothing)
    show = Show(client, Wish("pods"), Output(), terminal=False, now=lambda: 0.0, sleep=turns)
    with pytest.raises(asyncio.CancelledError):
        await show.forever(7.0)
    out = capsys.readouterr().out
    assert turns.slept == [7.0, 7.0]
    assert out.count("NAMESPACE") == 2
    assert "\x1b" not in out


def test_a_curve_has_one_value_for_each_sample():
    """Reading the same sample again adds nothing; twenty are kept, and what is gone is forgotten."""
    history = History()
    for age in [90, 90, 75, 60]:
        history.add([Row("n", use=use(age, 1, age))])
    assert history.curve(Row("n")).strip() == "█▇▆"
    for age in range(50):
        history.add([Row("n", use=use(100, 1, age))])
    assert history.curve(Row("n")) == "█" * 20
    history.add([Row("n")])
    assert history.curve(Row("n")) == "█" * 20
    history.add([])
    assert history.curve(Row("n")) == ""


def _light(number: int) -> float:
    """The relative luminance of a colour of the fixed palette (WCAG 2)."""
    assert 16 <= number < 232
    parts = [(number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6]
    values = [(0, 95, 135, 175, 215, 255)[part] / 255 for part in parts]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("style", sorted(STYLES))
def test_colours_can_be_read_on_white_and_on_black(style: str):
    """A colour is of the fixed palette and has enough contrast to both, or the terminal's own is used."""
    assert style in MEANINGS
    for number in map(int, re.findall(r"color\((\d+)\)", STYLES[style])):
        light = _light(number)
        assert min(1.05 / (light + 0.05), (light + 0.05) / 0.05) >= _LEAST


@pytest.mark.parametrize(("colors", "escapes"), [("truecolor", True), (None, False)])
def test_colours_only_where_there_are_some(colors, escapes):
    """A terminal without colours gets none."""
    console = Console(file=io.StringIO(), width=80, color_system=colors, force_terminal=True)
    hot = Row("n", use=use(99, 1), allocatable=amounts(100, 100))
    console.print(painted(lines(Table((*nodes(), trend(lambda row: "▁")), [hot]), 0.0, 80)))
    assert ("\x1b" in console.file.getvalue()) == escapes
    assert "99%" in console.file.getvalue()


@pytest.mark.timeout(PATIENCE)
async def test_ctrl_c_ends_it_cleanly(world: World):
    """Exit code 0 and no traceback."""
    argv = ["-m", "kubevitals", "top", "nodes", "--watch", f"--kubeconfig={world.cluster.files.admin}"]
    process = await asyncio.create_subprocess_exec(sys.executable, *argv, stdout=-1, stderr=-1, env=os.environ)
    first = await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = await process.communicate()
    assert (process.returncode, first.split()[:2]) == (0, [b"NAME", b"CPU"])
    assert b"Traceback" not in said
