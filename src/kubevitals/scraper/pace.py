"""Work that comes in crowds, done in short bursts with the event loop's other work in between."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

_AT_ONCE: Final = 6  # that are woken for a burst; those that it has no room for are the first of the next one


class Pace:
    """Lets pieces of work pass until a burst is over, and the others when the event loop has been round.

    A step of a TLS handshake takes about a millisecond of CPU, reading a body a third of one. Thousands of
    connections are opened when the first cycle starts, and the kubelets that are asked together answer together: a
    request to the API must not wait for all of them. Who waits sleeps until a burst has room: to look in each round
    whether it has would cost more than the work, where hundreds wait.

    Args:
        burst: seconds after which no further piece of work is begun in the same round; 0 lets one pass.
        clock: monotonic seconds. Not the loop's own, which may stand still within a round, as uvloop's does.
    """

    def __init__(self, burst: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self._burst = burst
        self._clock = clock
        self._began: float | None = None  # when the burst of this round began
        self._waiting: deque[asyncio.Future[bool]] = deque()

    async def turn(self) -> None:
        """Wait for a turn, if the burst is over; what follows without an await is the piece of work."""
        loop = asyncio.get_running_loop()
        if self._began is None:
            self._began = self._clock()
            loop.call_soon(self._next_round)
            return
        if not self._waiting and self._has_room():
            return
        woken: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(woken)
        while not await woken and not self._has_room():
            woken = loop.create_future()
            self._waiting.appendleft(woken)

    def _has_room(self) -> bool:
        return self._began is not None and self._clock() - self._began < self._burst

    def _next_round(self) -> None:
        """Begin the next burst if there is work for it: wake its first piece for good, and some to look for room."""
        self._began = None
        if not self._waiting:
            return
        self._began = self._clock()
        first = True
        room = _AT_ONCE if self._burst else 1
        while self._waiting and room:
            woken = self._waiting.popleft()
            if not woken.done():  # its task may have been cancelled
                woken.set_result(first)
                first = False
                room -= 1
        asyncio.get_running_loop().call_soon(self._next_round)
