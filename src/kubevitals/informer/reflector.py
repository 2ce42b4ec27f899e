"""Keeps a copy of one resource current: list, then watch, and list again when the watch cannot continue."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Generic, Protocol, TypeVar

from kubevitals import logs
from kubevitals.errors import ApiServerError, ApiStatusError, ApiUnreachable
from kubevitals.informer import advice
from kubevitals.informer.backoff import Backoff
from kubevitals.informer.events import (
    Added,
    Bookmark,
    Deleted,
    Event,
    Expired,
    Failed,
    Malformed,
    Modified,
    parse,
)
from kubevitals.informer.objects import Page
from kubevitals.informer.pages import ListReader
from kubevitals.informer.resources import Resource
from kubevitals.informer.sink import Sink, Stage

T = TypeVar("T")
_log = logs.get(__name__)

_LIMIT = "500"
_LIST_SECONDS = 120.0
_MOST_SAID = 8  # different reasons logged in one outage
_NOT_YET = "the first list is not complete yet"

Params = Sequence[tuple[str, str]]


class Source(Protocol):
    """What lists and watches are read from; ``kube.client.ApiClient`` is one."""

    def chunks(
        self, path: str, params: Params, *, accept: str, timeout: float | None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a body that is read piece by piece."""
        ...

    def lines(self, path: str, params: Params, *, accept: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a stream of lines."""
        ...


class Reflector(Generic[T]):
    """Follows one resource for ever.

    ``synced`` is set once the first list is complete. ``healthy`` tells whether the copy is being kept
    current; while it is not, ``problem`` says why in one sentence, and the copy keeps what was known.

    Args:
        source: the API server.
        resource: what to follow.
        sink: where to keep it.
        clock: seconds of a steady clock.
        random: a number from 0 to 1.
        sleep: waits for some seconds.
        settle: seconds that a watch must live to count as healthy; one that ends earlier is a failure.
    """

    def __init__(
        self,
        source: Source,
        resource: Resource[T],
        sink: Sink[T],
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        settle: float = 1.0,
    ) -> None:
        self.synced = asyncio.Event()
        self.problem = _NOT_YET
        self._source = source
        self._resource = resource
        self._sink = sink
        self._clock = clock
        self._random = random
        self._sleep = sleep
        self._settle = settle
        self._backoff = Backoff(clock=clock, random=random)
        self._version = ""
        self._answered = False
        self._expired = False
        self._broken_since: float | None = None
        self._said: set[str] = set()

    @property
    def healthy(self) -> bool:
        """Whether the copy is being kept current."""
        return not self.problem

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            await self._sleep(await self._step())

    async def _step(self) -> float:
        """List or watch once; return the seconds to wait before the next step."""
        self._answered = False
        try:
            if self._version:
                await self._watch()
            else:
                await self._list()
        except ApiServerError as error:
            if advice.needs_list(error):
                self._version = ""
            return self._pause_after(error)
        return 0.0

    # --- list ----------------------------------------------------------------------------------------------

    async def _list(self) -> None:
        stage, version = await self._all_pages()
        if not version:
            raise ApiServerError(f"the list of {self._resource.name} has no resourceVersion to watch from")
        for _ in stage.commit():
            await asyncio.sleep(0)
        self._version = version
        self.synced.set()
        if self._broken_since is None:
            self.problem = ""

    async def _all_pages(self) -> tuple[Stage[T], str]:
        try:
            return await self._pages(limit=(("limit", _LIMIT),))
        except ApiStatusError as error:
            if not advice.is_expired(error):
                raise
        # Listing took longer than old versions are kept; one page without a limit cannot expire on the way.
        return await self._pages(limit=())

    async def _pages(self, limit: Params) -> tuple[Stage[T], str]:
        """Return all items, not yet in place, and their version."""
        stage = self._sink.begin()
        # The first list may come from the API server's cache; later ones must not go back in time.
        start = () if self.synced.is_set() else (("resourceVersion", "0"),)
        page = await self._page((*limit, *start), stage)
        while page.continue_:
            page = await self._page((*limit, ("continue", page.continue_)), stage)
        return stage, page.resource_version

    async def _page(self, params: Params, stage: Stage[T]) -> Page[T]:
        reader = ListReader(self._resource.decode_list)
        async with self._source.chunks(
            self._resource.path,
            (*self._resource.params, *params),
            accept=self._resource.list_accept,
            timeout=_LIST_SECONDS,
        ) as chunks:
            self._answered = True
            async for chunk in chunks:
                for items in reader.feed(chunk):
                    stage.add(items)
                    await asyncio.sleep(0)
        page = reader.finish()
        stage.add(page.items)
        return page

    # --- watch ---------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        opened = settling = None
        try:
            async with self._source.lines(
                self._resource.path, self._watch_params(), accept=self._resource.watch_accept
            ) as lines:
                self._answered = True
                opened = self._clock()
                settling = asyncio.get_running_loop().call_later(self._settle, self._recovered)
                async for line in lines:
                    self._apply(parse(line, self._resource.decode_item))
        except ApiUnreachable as error:
            if opened is None or self._clock() - opened < self._settle:
                raise
            # Load balancers cut long connections; the next watch tells whether there is more to it.
            _log.v(2, "A watch was cut", resource=self._resource.name, reason=str(error))
        finally:
            if settling is not None:
                settling.cancel()
        if self._clock() - opened < self._settle:
            raise ApiUnreachable(f"watches of {self._resource.name} are closed as soon as they are opened")

    def _watch_params(self) -> Params:
        seconds = int(300 + 300 * self._random())
        return (
            *self._resource.params,
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", self._version),
            ("timeoutSeconds", str(seconds)),
        )

    def _apply(self, event: Event[T]) -> None:
        match event:
            case Added(item, version) | Modified(item, version):
                self._sink.upsert(item)
            case Deleted(item, version):
                self._sink.remove(item)
            case Bookmark(version):
                pass
            case Expired(message):
                raise ApiStatusError(410, "Expired", message)
            case Failed(error):
                raise error
            case Malformed(reason):
                raise ApiServerError(f"a watch of {self._resource.name} brought an unreadable line: {reason}")
        self._version = version or self._version

    # --- health --------------------------------------------------------------------------------------------

    def _pause_after(self, error: ApiServerError) -> float:
        if advice.is_expired(error) and not self._expired:
            # A matter of course after a long outage: only one that comes again before a watch lived is a problem.
            self._expired = True
            _log.v(1, "Listing again, a watch has expired", resource=self._resource.name)
            return 0.0
        self._broken(error)
        away = not self._answered and advice.is_away(error)
        if away:
            self._expired = False  # by the time it is back, the version may well be too old again
        return self._backoff.pause(error.retry_after if isinstance(error, ApiStatusError) else None, away=away)

    def _broken(self, error: ApiServerError) -> None:
        if self._broken_since is None:
            self._broken_since = self._clock()
        self.problem = advice.sentence(error, self._resource.name, self._resource.granted_by)
        if self.problem not in self._said and len(self._said) < _MOST_SAID:
            self._said.add(self.problem)
            say = _log.error if advice.is_for_a_person(error) else _log.warning
            say("Cannot follow the API server", resource=self._resource.name, reason=self.problem)

    def _recovered(self) -> None:
        self._expired = False
        self.problem = ""
        self._said.clear()
        if self._broken_since is not None:
            seconds = f"{self._clock() - self._broken_since:.1f}s"
            _log.info("Following the API server again", resource=self._resource.name, after=seconds)
        self._broken_since = None
