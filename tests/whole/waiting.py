"""Waiting for what is to come, and looking closely while it does."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp

T = TypeVar("T")
_EVERY = 0.02  # seconds between two questions


async def eventually(probe: Callable[[], T | Awaitable[T]], *, within: float = 20.0, every: float = _EVERY) -> T:
    """Ask until the answer is true, and return it.

    An AssertionError of the probe means "not yet", and is raised when time is up.

    Args:
        probe: what to ask; it may be a coroutine function.
        within: seconds until giving up.
        every: seconds between two questions.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while True:
        try:
            found = probe()
            found = await found if inspect.isawaitable(found) else found
            assert found, f"still {found!r} after {within:g} s"
            return found
        except AssertionError:
            if loop.time() > end:
                raise
        await asyncio.sleep(every)


class Watched:
    """Every answer to one question that was asked again and again."""

    def __init__(self) -> None:
        self.answers: list[object] = []

    async def more(self, count: int = 3, *, within: float = 20.0) -> None:
        """Wait until so many more answers have come."""
        wanted = len(self.answers) + count
        await eventually(lambda: len(self.answers) >= wanted, within=within)


@asynccontextmanager
async def watching(ask: Callable[[], Awaitable[object]]) -> AsyncIterator[Watched]:
    """Ask again and again beside the body; no answer, or a wrong one, is an answer too."""
    watched = Watched()

    async def go_on() -> None:
        while True:
            try:
                watched.answers.append(await ask())
            except (aiohttp.ClientError, OSError, AssertionError) as error:
                watched.answers.append(error)
            await asyncio.sleep(_EVERY)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(go_on())
        try:
            yield watched
            await watched.more()
        finally:
            task.cancel()
