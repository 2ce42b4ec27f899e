"""A bounded cache whose entries expire, and lookups shared by all who wait for the same answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from kubevitals.errors import KubevitalsError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """At most ``size`` entries; the one used longest ago makes room. Times are the caller's.

    What expired goes when something new comes: an entry of a few hundred bytes that nobody asks for any more would keep
    the memory around it from being given back.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: dict[K, tuple[V, float]] = {}  # in order of last use

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K, now: float) -> V | None:
        """Return the value unless it expired; it then counts as just used."""
        entry = self._entries.pop(key, None)
        if entry is None or entry[1] <= now:
            return None
        self._entries[key] = entry
        return entry[0]

    def put(self, key: K, value: V, expires: float, now: float) -> None:
        """Keep ``value`` until ``expires``."""
        self._entries.pop(key, None)
        while self._entries:
            oldest = next(iter(self._entries))
            if len(self._entries) < self._size and self._entries[oldest][1] > now:
                break
            del self._entries[oldest]
        self._entries[key] = (value, expires)


class Answer(NamedTuple, Generic[V]):
    """What a lookup brought, and for how many seconds it may be remembered; 0 is not at all."""

    value: V
    ttl: float


class _Outcome(NamedTuple, Generic[V]):
    """How a lookup ended: a value, a failure, or neither when whoever asked was cancelled."""

    value: V | None = None
    failure: KubevitalsError | TimeoutError | None = None


class SharedLookups(Generic[K, V]):
    """Remembers answers, and asks once however many callers want the same one at the same time.

    The first caller asks, the others wait for its answer or share its failure. When the first caller goes
    away, one of the others asks again. Failures are never remembered. Values must not be None.

    Args:
        size: answers to remember.
        clock: monotonic seconds.
        limit: the longest a lookup may take, in seconds.
    """

    def __init__(self, size: int, clock: Callable[[], float], *, limit: float = 30.0) -> None:
        self._cache: TtlCache[K, V] = TtlCache(size)
        self._clock = clock
        self._limit = limit
        self._flights: dict[K, asyncio.Future[_Outcome[V]]] = {}

    def known(self, key: K) -> V | None:
        """Return what is remembered, None when nothing is."""
        return self._cache.get(key, self._clock())

    async def get(self, key: K, ask: Callable[[], Awaitable[Answer[V]]]) -> V:
        """Return what is remembered, or what ``ask`` brings.

        Raises:
            KubevitalsError: whatever ``ask`` raised.
            TimeoutError: ``ask`` took too long.
        """
        while True:
            known = self._cache.get(key, self._clock())
            if known is not None:
                return known
            flight = self._flights.get(key)
            if flight is None:
                return await self._lead(key, ask)
            # Shielded: a waiter that is cancelled must not take the answer from the others.
            async with asyncio.timeout(self._limit):
                value, failure = await asyncio.shield(flight)
            if failure is not None:
                raise failure
            if value is not None:
                return value

    async def _lead(self, key: K, ask: Callable[[], Awaitable[Answer[V]]]) -> V:
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        outcome: _Outcome[V] = _Outcome()
        try:
            async with asyncio.timeout(self._limit):
                value, ttl = await ask()
            outcome = _Outcome(value)
        except (KubevitalsError, TimeoutError) as error:
            outcome = _Outcome(failure=error)
            raise
        finally:
            del self._flights[key]
            flight.set_result(outcome)
        if ttl > 0:
            now = self._clock()
            self._cache.put(key, value, now + ttl, now)
        return value
