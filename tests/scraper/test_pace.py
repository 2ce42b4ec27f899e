"""Crowds of work leave room for other work."""

from __future__ import annotations

import asyncio
import time

import pytest

from kubevitals.scraper.pace import Pace


async def rounds_of(pace: Pace, pieces: int, seconds: float = 0.0) -> list[int]:
    """Do so many pieces of work, all ready at once, and return in which round of the loop each was done."""
    loop = asyncio.get_running_loop()
    done: list[int] = []
    rounds = 0

    def turn() -> None:
        nonlocal rounds, handle
        rounds += 1
        handle = loop.call_soon(turn)

    async def work() -> None:
        await pace.turn()
        done.append(rounds)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    handle = loop.call_soon(turn)
    async with asyncio.TaskGroup() as group:
        for _ in range(pieces):
            group.create_task(work())
    handle.cancel()
    return done


async def test_without_a_burst_every_piece_has_a_round_of_its_own():
    """However many pieces are ready at once, other work of the loop gets its turn after each."""
    rounds = await rounds_of(Pace(0.0), 20)
    assert len(set(rounds)) == len(rounds) == 20


async def test_a_burst_is_done_in_one_round():
    """Pieces that are done soon do not wait for each other."""
    assert len(set(await rounds_of(Pace(60.0), 20))) == 1


async def test_a_burst_ends():
    """Pieces of 2 ms in bursts of 5 ms go three to a round, at most."""
    rounds = await rounds_of(Pace(0.005), 12, seconds=0.002)
    assert max(rounds.count(number) for number in rounds) <= 3
    assert len(rounds) == 12


async def test_a_piece_that_fails_keeps_nobody_waiting():
    """Nothing has to be given back."""
    pace = Pace(0.0)
    await pace.turn()
    async with asyncio.timeout(5):
        await pace.turn()
        await pace.turn()


async def test_who_waits_sleeps_until_its_turn():
    """However many wait, each is woken a few times at most: a crowd does not make every round a walk through it."""
    steps = 0

    class Counted:
        def __init__(self, coroutine):
            self.coroutine = coroutine

        def __await__(self):
            nonlocal steps
            generator = self.coroutine.__await__()
            value = None
            while True:
                steps += 1
                try:
                    value = yield generator.send(value)
                except StopIteration:
                    return

    pace = Pace(0.0)

    async def work():
        await Counted(pace.turn())

    async with asyncio.TaskGroup() as group:
        for _ in range(300):
            group.create_task(work())
    assert steps <= 3 * 300


@pytest.mark.parametrize("burst", [0.0, 0.001])
async def test_who_gives_up_waiting_holds_up_nobody(burst):
    """A scrape that times out while it waits for its turn is passed over, whether it was woken already or not."""
    pace, done = Pace(burst), []

    async def work(number):
        await pace.turn()
        done.append(number)
        end = time.perf_counter() + burst
        while time.perf_counter() < end:
            pass

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(number)) for number in range(60)]
        for number, task in enumerate(tasks):
            if number % 3:
                await asyncio.sleep(0)
                task.cancel()
    assert set(done) >= set(range(0, 60, 3))
