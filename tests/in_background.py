"""An asynchronous context that lives in a thread of its own, so that tests without an event loop can use it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import NamedTuple, TypeVar

T = TypeVar("T")
PATIENCE = 60  # seconds for entering and leaving


class _Running(NamedTuple):
    loop: asyncio.AbstractEventLoop
    over: asyncio.Event


@contextmanager
def in_background(make: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[tuple[T, asyncio.AbstractEventLoop]]:
    """Enter ``make()`` in a new thread; yields its value and the loop that runs there."""
    entered: Future[tuple[T, _Running]] = Future()

    async def live() -> None:
        over = asyncio.Event()
        try:
            async with make() as value:
                entered.set_result((value, _Running(asyncio.get_running_loop(), over)))
                await over.wait()
        except BaseException as error:
            if entered.done():
                raise
            entered.set_exception(error)

    thread = threading.Thread(target=lambda: asyncio.run(live()), name="background", daemon=True)
    thread.start()
    value, running = entered.result(PATIENCE)
    try:
        yield value, running.loop
    finally:
        running.loop.call_soon_threadsafe(running.over.set)
        thread.join(PATIENCE)
