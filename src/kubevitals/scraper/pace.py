"""Work that comes in crowds, done in short bursts with the event loop's other work in between."""

from __future__ import annotations

import asyncio


class Pace:
    """Lets pieces of work pass until a burst is over, and the others when the event loop has been round.

    A step of a TLS handshake takes about a millisecond of CPU, reading a body a third of one. Thousands of
    connections are opened when the first cycle starts, and the kubelets that are asked together answer together: a
    request to the API must not wait for all of them.

    Args:
        burst: seconds after which no further piece of work is begun in the same round; 0 lets one pass.
    """

    def __init__(self, burst: float) -> None:
        self._burst = burst
        self._began: float | None = None

    async def turn(self) -> None:
        """Wait for a turn, if the burst is over; what follows without an await is the piece of work."""
        loop = asyncio.get_running_loop()
        while self._began is not None and loop.time() - self._began >= self._burst:  # noqa: ASYNC110 - no event to await
            await asyncio.sleep(0)
        if self._began is None:
            self._began = loop.time()
            loop.call_soon(self._next_round)

    def _next_round(self) -> None:
        self._began = None
