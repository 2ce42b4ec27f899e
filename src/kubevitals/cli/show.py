"""Shows a cluster's use: once, or again and again until the caller has seen enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from rich.console import Console
from rich.live import Live

from kubevitals.cli import screens, usage
from kubevitals.cli.screens import Hints, History, Scene, Sheet
from kubevitals.cli.usage import Snapshot
from kubevitals.errors import ApiServerError
from kubevitals.kube.client import ApiClient

_POLL, _REDRAW, _REPRINT = 0.25, 0.5, 10.0  # seconds
_SHARE = 3  # a reading that takes long is followed by a pause this many times as long


class Show(NamedTuple):
    """What to show, and where.

    Args:
        client: of the cluster's API server.
        console: the terminal or file.
        title: the first line.
        host: the node that is this machine.
        hints: what a person can try.
        now: the wall clock.
    """

    client: ApiClient
    console: Console
    title: str
    host: str
    hints: Hints
    now: Callable[[], float]

    async def once(self, patience: float) -> Snapshot:
        """Print the tables as soon as they are complete; return what was read last, complete or not.

        Args:
            patience: seconds to wait.
        """
        snapshot = Snapshot()
        try:
            async with asyncio.timeout(patience):
                while True:
                    snapshot, seconds = await self._read(snapshot)
                    if snapshot.complete:
                        break
                    await asyncio.sleep(max(_POLL, _SHARE * seconds))
        except TimeoutError:
            return snapshot
        self.console.print(screens.printed(snapshot, self._scene(), self._sheet()))
        return snapshot

    async def forever(self) -> None:
        """Keep the screen up to date until cancelled; where it is no terminal, print the tables now and then."""
        await (self._redraw() if self.console.is_terminal else self._reprint())

    async def _redraw(self) -> None:
        history, snapshot = History(), Snapshot()
        with Live(console=self.console, screen=True, auto_refresh=False) as screen:
            while True:
                snapshot, seconds = await self._read(snapshot)
                history.add(snapshot)
                screen.update(screens.live(snapshot, history, self._scene(), self._sheet()), refresh=True)
                await asyncio.sleep(max(_REDRAW, _SHARE * seconds))

    async def _reprint(self) -> None:
        self.console.print(screens.footer(self.hints, "Try in another terminal:"))
        while True:
            self.console.print()
            await self.once(_REPRINT)
            await asyncio.sleep(_REPRINT)

    async def _read(self, before: Snapshot) -> tuple[Snapshot, float]:
        """Return what there is, and how long it took; without an answer, what was there before stays."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            snapshot = await usage.read(self.client)
        except ApiServerError as error:
            snapshot = before._replace(problem=str(error))
        return snapshot, loop.time() - started

    def _scene(self) -> Scene:
        return Scene(self.title, self.host, self.hints, self.now())

    def _sheet(self) -> Sheet:
        console = self.console
        if not console.is_terminal:
            return Sheet(console.width, pictures=False)
        return Sheet(console.width, console.height, ascii_only=console.options.ascii_only)
