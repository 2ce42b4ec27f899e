"""The whole server, asked what nobody means.

Every finding names its seed: KUBEVITALS_ODD_SEED and KUBEVITALS_ODD_REQUESTS set to it and to one more than the number
send the same again.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest
from tests.odd import levels
from tests.odd.grammar import Odd, odd_request
from tests.odd.verdict import Exchange, problems
from tests.odd.wire import Callers
from tests.whole.callers import NODES, Caller
from tests.whole.waiting import eventually
from tests.whole.world import NODE_NAMES, World, running

from kubevitals.simulator import roles

REQUESTS = int(os.environ.get("KUBEVITALS_ODD_REQUESTS") or 500)
SEED = int(os.environ.get("KUBEVITALS_ODD_SEED") or 20261122)  # any other makes other requests
TOGETHER = 16  # connections at once
KEPT = 24  # descriptors at both ends of the connections that the administrator and the simulated API server keep
SPARE = 150  # objects of each class, which connections to the API server may add
MIB = 1 << 20


class Findings:
    """What is wrong, with what was sent and what came, and how often each code was answered."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.codes: Counter[bytes] = Counter()

    def note(self, odd: Odd, exchange: Exchange) -> None:
        self.codes[exchange.received[9:12]] += 1
        for problem in problems(odd, exchange):
            sent, received = odd.sent[:3000], exchange.received[:1000]
            self.wrong.append(f"{odd.label} ({odd.caller}): {problem}\n  sent {sent!r}\n  received {received!r}")

    @property
    def report(self) -> str:
        """The first few."""
        return "\n".join([f"{len(self.wrong)} findings", *self.wrong[:20]])


async def ask(callers: Callers, numbers: Iterable[int], findings: Findings) -> None:
    """Send odd requests, so many at once."""

    async def work(mine: Iterator[int]) -> None:
        for number in mine:
            odd = odd_request(SEED, number)
            findings.note(odd, await callers.send(odd))

    shared = iter(numbers)
    async with asyncio.TaskGroup() as group:
        for _ in range(TOGETHER):
            group.create_task(work(shared))


async def callers_of(world: World) -> Callers:
    robot = {"kind": "ServiceAccount", "name": "robot", "namespace": "default"}
    world.grant(roles.binding("robot-reads", "system:aggregated-metrics-reader", [robot]))
    return Callers(world, world.cluster.tokens.issue("default", "robot"))


async def at_rest(master: Caller) -> bool:
    """Whether nothing was in flight in the second before the question, by the server's own metrics."""
    text = (await master.ask("/metrics")).body
    lines = [line for line in text.splitlines() if line.startswith("apiserver_current_inflight_requests{")]
    assert len(lines) == 2, lines
    return all(line.endswith(" 0") for line in lines)


def held(world: World) -> levels.Level | None:
    """What the server holds once every connection of the odd callers is gone; None before."""
    return None if levels.connections(world.port) > KEPT else levels.level()


@pytest.mark.timeout(600)
async def test_odd_requests_are_answered_or_hung_up_on_and_leave_nothing_behind():
    """Whatever is sent, there is no defect, no wait, no leak, and the next one is answered as ever."""
    findings, half = Findings(), REQUESTS // 2
    async with running(resolution=2.0) as world:
        master, callers = await world.measured(), await callers_of(world)
        await ask(callers, range(half), findings)
        before = await eventually(lambda: held(world))
        await ask(callers, range(half, REQUESTS), findings)
        after = await eventually(lambda: held(world))
        assert not findings.wrong, findings.report
        assert levels.grown(before, after, by=SPARE + half // 100) == {}, f"seed {SEED}"
        assert after.blocks - before.blocks < 50_000 + 5 * half, f"seed {SEED}"
        assert after.resident - before.resident < 64 * MIB, f"seed {SEED}"
        assert world.log.troubles() == [], f"seed {SEED}"
        assert await master.names(NODES) == NODE_NAMES
        world.cluster.unregister()  # the API server asks whether the group is available
        await eventually(lambda: at_rest(master), every=2.1)
