"""Work that goes on beside the body of a context, and ends with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

Start = Callable[[Coroutine[Any, Any, None]], None]


@contextlib.asynccontextmanager
async def background() -> AsyncIterator[Start]:
    """Yield a function that starts a task; all tasks are cancelled at the end.

    A task that fails cancels the others and the body, as in any task group.
    """
    tasks: list[asyncio.Task[None]] = []
    async with asyncio.TaskGroup() as group:

        def start(work: Coroutine[Any, Any, None]) -> None:
            tasks.append(group.create_task(work))

        try:
            yield start
        finally:
            for task in tasks:
                task.cancel()
