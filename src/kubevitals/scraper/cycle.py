"""One round of scrapes after another: when, in which order, how many at once, and what becomes of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from kubevitals.errors import ScrapeError
from kubevitals.model import Batch, Node
from kubevitals.scraper import report
from kubevitals.scraper.causes import failure
from kubevitals.scraper.client import Reply
from kubevitals.scraper.exposition import Decoder
from kubevitals.scraper.pace import Pace
from kubevitals.scraper.stagger import length, stagger
from kubevitals.scraper.status import NodeStatus, failed, succeeded, summary
from kubevitals.scraper.target import Target

# A healthy kubelet answers within some hundred milliseconds, so 256 at a time ask 5,000 in a few seconds,
# while the memory of bodies being read stays bounded. TLS handshakes have a pace of their own.
CONCURRENCY: Final = 256
_BURST: Final = 0.002  # seconds of reading bodies, until other work of the loop has its turn
_LEAST: Final = 0.1  # seconds; a scrape that gets its turn with less time left is not worth starting

# Causes that say nothing about the kubelet, only about the way there: another address may do better.
UNREACHABLE: Final = frozenset({"dns", "refused", "no_route", "forbidden_route", "timeout_connect", "network"})

# Causes that may be over in a moment: a kubelet that restarts, a packet that was lost, a connection that was cut.
PASSING: Final = frozenset({"refused", "no_route", "network", "closed", "truncated"})


class Fetcher(Protocol):
    """Asks kubelets; ``client.KubeletClient`` is one."""

    async def fetch(
        self,
        target: Target,
        address: str,
        *,
        timeout: float | None = None,
        connect_timeout: float | None = None,
    ) -> Reply:
        """Return what the kubelet served; raises ScrapeError."""
        ...

    def forget(self, node: str) -> None:
        """Close what is kept for a node that is gone."""
        ...

    @property
    def connections(self) -> int:
        """How many nodes a connection is kept to."""
        ...


class Sink(Protocol):
    """Takes batches; ``store.points.Points`` is one."""

    def absorb(self, node: str, batch: Batch, now_ms: int) -> None:
        """Take one node's batch; ``now_ms`` is monotonic."""
        ...

    def forget_node(self, node: str) -> None:
        """Drop everything of a node that is gone."""
        ...

    def expire(self, now_ms: int) -> None:
        """Drop what is too old; called at the end of each cycle with monotonic milliseconds."""
        ...


class Observer(Protocol):
    """Counts and times; ``telemetry.Telemetry`` is one."""

    def observe_kubelet_request(self, node: str, *, seconds: float, success: bool, at: float) -> None:
        """Record one scrape of a node, and when it began, in seconds since the epoch."""
        ...

    def count_unsent_kubelet_request(self) -> None:
        """Count a scrape that failed before a request could be sent."""
        ...

    def observe_cycle(self, seconds: float) -> None:
        """Record how long a whole cycle took."""
        ...

    def forget_node(self, node: str) -> None:
        """Drop the series of a node that is gone."""
        ...


@dataclass(slots=True)
class _Known:
    """What is remembered about a node from scrape to scrape."""

    node: Node
    target: Target | None = None  # of this node, as it was when it was resolved
    decoder: Decoder = field(default_factory=Decoder)
    works: str = ""  # the address that worked last
    dialled: str = ""  # the address tried last


class Cycle:
    """Scrapes every node once per resolution.

    Args:
        nodes: the nodes to scrape now; called at the start of each cycle.
        resolve: where to scrape a node; raises ScrapeError.
        client: asks the kubelets.
        sink: takes the batches.
        observer: takes the measurements about scraping.
        resolution: seconds from the start of one cycle to the next, as a rule; see ``stagger.length``.
        timeout: seconds for one node, both addresses included; a node that takes longer than a cycle is left out of
            those that start meanwhile, so that it is never asked twice at once.
        retry_after: seconds after which a node that worked is asked once more in the same cycle, when its scrape
            failed for one of the PASSING causes.
        now: the time, in seconds since the epoch.
        picture: is shown the state of all nodes after each cycle.
        concurrency: scrapes at once among the nodes that work, and again as many among those that do not:
            nodes that time out never keep the others waiting.

    Attributes:
        status: by node name; a node that was not scraped yet has none.
        last_start: the loop's time when the last cycle started, None before the first.
        length: how many seconds the last cycle may take, or took.
        completed: set once a cycle has ended.
    """

    def __init__(
        self,
        *,
        nodes: Callable[[], Sequence[Node]],
        resolve: Callable[[Node], Target],
        client: Fetcher,
        sink: Sink,
        observer: Observer,
        resolution: float,
        timeout: float,
        now: Callable[[], float],
        retry_after: float = 1.0,
        picture: report.Picture | None = None,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self.status: dict[str, NodeStatus] = {}
        self.last_start: float | None = None
        self.length = resolution
        self.completed = asyncio.Event()
        self._nodes = nodes
        self._resolve = resolve
        self._client = client
        self._sink = sink
        self._observer = observer
        self._resolution = resolution
        self._timeout = timeout
        self._retry_after = retry_after
        self._now = now
        self._known: dict[str, _Known] = {}
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._healthy = asyncio.Semaphore(concurrency)
        self._suspect = asyncio.Semaphore(concurrency)
        self._picture = picture or report.Picture()
        self._pace = Pace(_BURST)

    async def run(self, synced: asyncio.Event) -> None:
        """Run cycles for ever, the first one as soon as ``synced`` is set: then the nodes are known."""
        await synced.wait()
        loop = asyncio.get_running_loop()
        due = loop.time()
        async with asyncio.TaskGroup() as group:
            while True:
                await self._cycle(group)
                due = next_tick(due, loop.time(), self._resolution)
                await asyncio.sleep(due - loop.time())

    async def once(self) -> None:
        """Run one cycle, and wait for every scrape that it began."""
        async with asyncio.TaskGroup() as group:
            await self._cycle(group)

    async def _cycle(self, group: asyncio.TaskGroup) -> None:
        """Begin a scrape of every node that is not being scraped still, and wait for them until the cycle is over."""
        loop = asyncio.get_running_loop()
        start = self.last_start = loop.time()
        nodes = self._nodes()
        self._forget_gone({node.name for node in nodes})
        strangers = max(0, len(nodes) - self._client.connections)
        self.length = length(self._resolution, strangers)
        ends = start + self.length
        for offset, batch in stagger(nodes, self.length, strangers):
            await asyncio.sleep(start + offset - loop.time())
            for node in batch:
                if node.name not in self._busy:
                    self._busy[node.name] = group.create_task(self._visit(node, ends))
        if self._busy:
            await asyncio.wait(self._busy.values(), timeout=ends - loop.time())
        self._sink.expire(_moment_ms())
        self._observer.observe_cycle(loop.time() - start)
        self._picture.update(self.status.values(), self.summary(), loop.time())
        self.completed.set()

    def summary(self) -> str:
        """Return one line such as ``3 of 12 nodes scraped: 9 × connection refused``."""
        if self.last_start is None:
            return "no cycle has started yet"
        present = [node.name for node in self._nodes()]
        return summary([self.status[name] for name in present if name in self.status], len(present))

    def _forget_gone(self, present: set[str]) -> None:
        for name in self._known.keys() - present:
            del self._known[name]
            self.status.pop(name, None)
            if busy := self._busy.pop(name, None):
                busy.cancel()
            self._client.forget(name)
            self._sink.forget_node(name)  # again: a scrape may have ended after the node had gone
            self._observer.forget_node(name)

    async def _visit(self, node: Node, ends: float) -> None:
        try:
            error = await self._attempt(node, ends)
            if error is not None and error.cause in PASSING and self._works(node) and self._time_left(ends):
                await asyncio.sleep(self._retry_after)
                error = await self._attempt(node, ends)
            if error is not None:
                self._failed(node, error)
        finally:
            if self._busy.get(node.name) is asyncio.current_task():
                del self._busy[node.name]

    def _time_left(self, ends: float) -> bool:
        """Return whether a second attempt would begin within the cycle."""
        return asyncio.get_running_loop().time() + self._retry_after < ends - _LEAST

    async def _attempt(self, node: Node, ends: float) -> ScrapeError | None:
        """Scrape a node when there is a place for it; return why that failed."""
        lane = self._lane(node)
        if not await _admitted(lane, ends - _LEAST):
            return failure("queued", "the cycle ended before this node had its turn")
        try:
            return await self._scrape(node)
        finally:
            lane.release()

    def _lane(self, node: Node) -> asyncio.Semaphore:
        return self._healthy if self._works(node) else self._suspect

    def _works(self, node: Node) -> bool:
        """Return whether a node should answer: it is ready, and nothing is known against it."""
        status = self.status.get(node.name)
        return node.ready and (status is None or status.ok)

    async def _scrape(self, node: Node) -> ScrapeError | None:
        try:
            target = self._target(node)
        except ScrapeError as error:
            self._observer.count_unsent_kubelet_request()
            return error
        loop = asyncio.get_running_loop()
        at, began = self._now(), loop.time()
        try:
            batch = await self._batch(target, began + self._timeout)
        except ScrapeError as error:
            self._observer.observe_kubelet_request(node.name, seconds=loop.time() - began, success=False, at=at)
            return error
        self._observer.observe_kubelet_request(node.name, seconds=loop.time() - began, success=True, at=at)
        self._succeeded(node, batch)
        return None

    def _about(self, node: Node) -> _Known:
        known = self._known.get(node.name)
        if known is None:
            known = self._known[node.name] = _Known(node)
        return known

    def _target(self, node: Node) -> Target:
        known = self._about(node)
        if known.target is None or known.node is not node:
            known.target, known.node = self._resolve(node), node
        return known.target

    async def _batch(self, target: Target, ends: float) -> Batch:
        known = self._known[target.node]
        reply = await self._fetch(target, known, ends)
        await self._pace.turn()
        return known.decoder.decode(reply.body, requested_ms=reply.requested_ms, content_type=reply.content_type)

    def _succeeded(self, node: Node, batch: Batch) -> None:
        self._sink.absorb(node.name, batch, _moment_ms())
        before = self.status.get(node.name)
        address = self._known[node.name].works
        self._changed(before, succeeded(before, node.name, address, batch, self._now()))

    def _failed(self, node: Node, error: ScrapeError) -> None:
        known = self._about(node)
        before = self.status.get(node.name)
        expected = node.terminating or not node.ready
        after = failed(before, node.name, known.dialled, error, self._now(), expected=expected)
        self._changed(before, after)

    def _changed(self, before: NodeStatus | None, after: NodeStatus) -> None:
        self.status[after.node] = after
        report.node_changed(before, after)

    async def _fetch(self, target: Target, known: _Known, ends: float) -> Reply:
        """Ask at the address that worked last, or the best one; if it cannot be reached, at the next."""
        first, *others = in_order(target.addresses, known.works)
        half = (ends - asyncio.get_running_loop().time()) / 2 if others else None
        try:
            return await self._dial(target, first, known, ends, half)
        except ScrapeError as error:
            if not others or error.cause not in UNREACHABLE:
                raise
            unreachable = error
        try:
            return await self._dial(target, others[0], known, ends, None)
        except ScrapeError as error:
            if error.cause not in UNREACHABLE:
                raise
            known.dialled = first
            detail = f"{unreachable.detail}; and at {others[0]}: {error.detail}"
            raise failure(unreachable.cause, detail, unreachable.remedy) from error

    async def _dial(
        self, target: Target, address: str, known: _Known, ends: float, connect_timeout: float | None
    ) -> Reply:
        known.dialled = address
        seconds = max(0.0, ends - asyncio.get_running_loop().time())
        reply = await self._client.fetch(target, address, timeout=seconds, connect_timeout=connect_timeout)
        known.works = address
        return reply


def _moment_ms() -> int:
    """Return the loop's time in milliseconds: points age by what passes, whatever becomes of the host's clock."""
    return int(asyncio.get_running_loop().time() * 1000)


async def _admitted(lane: asyncio.Semaphore, until: float) -> bool:
    """Wait for a place in a lane; return whether there was one in time."""
    if not lane.locked():  # no deadline where there is no queue: most scrapes would pay for it without need
        return await lane.acquire()
    try:
        async with asyncio.timeout_at(until):
            return await lane.acquire()
    except TimeoutError:
        return False


def next_tick(due: float, now: float, resolution: float) -> float:
    """Return when the cycle after the one that was due at ``due`` starts; missed ticks are dropped.

    A tick that has just passed still counts, so that a cycle as long as its resolution is followed at once.
    """
    return due + resolution * max(1, int((now - due) // resolution))


def in_order(addresses: Sequence[str], works: str) -> list[str]:
    """Return the addresses to try, the one that worked last first if the node still has it."""
    if works not in addresses:
        return list(addresses)
    return [works, *(address for address in addresses if address != works)]
