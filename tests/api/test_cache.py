"""The cache is bounded and forgets in time; a lookup is asked once for everybody."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.api.cache import Answer, SharedLookups, TtlCache
from kubevitals.errors import ApiUnreachable


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Question:
    """A lookup that is answered when the test says so, and counts how often it was asked."""

    def __init__(self):
        self.asked = 0
        self.started = asyncio.Event()
        self.release = asyncio.Event()
        self.results: list[object] = []

    async def __call__(self):
        self.asked += 1
        self.started.set()
        await self.release.wait()
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


def test_entry_is_gone_when_it_expires():
    """A value is there before its time is over, and not from then on."""
    cache: TtlCache[str, int] = TtlCache(2)
    cache.put("a", 1, expires=10.0, now=0.0)

    assert [cache.get("a", 9.9), cache.get("a", 10.0), cache.get("a", 9.9)] == [1, None, None]


def test_what_expired_goes_when_something_new_comes():
    """Values that nobody asks for again do not stay until the cache is full."""
    cache: TtlCache[int, int] = TtlCache(4096)
    for number in range(1000):
        cache.put(number, number, expires=number + 10.0, now=float(number))
    assert len(cache) == 10


def test_entry_used_longest_ago_makes_room():
    """A full cache drops what nobody asked for in the longest time."""
    cache: TtlCache[str, int] = TtlCache(2)
    cache.put("a", 1, expires=10.0, now=0.0)
    cache.put("b", 2, expires=10.0, now=0.0)
    cache.get("a", 0.0)
    cache.put("c", 3, expires=10.0, now=0.0)

    assert [cache.get(key, 0.0) for key in "abc"] == [1, None, 3]


def test_replacing_an_entry_drops_no_other():
    """Putting a key that is there already needs no room."""
    cache: TtlCache[str, int] = TtlCache(2)
    for key, value in (("a", 1), ("b", 2), ("b", 3)):
        cache.put(key, value, expires=10.0, now=0.0)

    assert [cache.get(key, 0.0) for key in "ab"] == [1, 3]


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 9)), max_size=40), st.integers(1, 5))
def test_cache_never_outgrows_its_size(puts, size):
    """Whatever is put, the cache holds at most its size, and the last entry is there."""
    cache: TtlCache[int, float] = TtlCache(size)
    for key, value in puts:
        cache.put(key, value, expires=10.0, now=0.0)
        assert cache.get(key, 0.0) == value

    assert len(cache) <= size


async def test_answer_is_remembered_for_its_time():
    """A lookup is repeated only when its answer's time is over."""
    clock, question = Clock(), Question()
    question.release.set()
    question.results = [Answer("one", 10.0), Answer("two", 10.0)]
    lookups: SharedLookups[str, str] = SharedLookups(8, clock)

    first = [await lookups.get("key", question), await lookups.get("key", question)]
    clock.now += 10.0
    second = await lookups.get("key", question)

    assert (first, second, question.asked) == (["one", "one"], "two", 2)


async def test_answer_without_time_is_not_remembered():
    """A time of 0 means that the next caller asks again."""
    question = Question()
    question.release.set()
    question.results = [Answer("one", 0.0), Answer("two", 0.0)]
    lookups: SharedLookups[str, str] = SharedLookups(8, Clock())

    assert [await lookups.get("key", question), await lookups.get("key", question)] == ["one", "two"]


async def test_many_callers_ask_once():
    """Callers that want the same answer at the same time share one lookup, also when it may not be remembered."""
    question = Question()
    question.results = [Answer("one", 0.0)]
    lookups: SharedLookups[str, str] = SharedLookups(8, Clock())

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(lookups.get("key", question)) for _ in range(5)]
        await question.started.wait()
        question.release.set()

    assert ([task.result() for task in tasks], question.asked) == (["one"] * 5, 1)


async def test_failure_is_shared_and_forgotten():
    """All who wait for a failing lookup see the failure; the next caller asks again."""
    question = Question()
    question.results = [ApiUnreachable("down"), Answer("one", 10.0)]
    lookups: SharedLookups[str, str] = SharedLookups(8, Clock())

    async def attempt():
        try:
            return await lookups.get("key", question)
        except ApiUnreachable as error:
            return str(error)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(attempt()) for _ in range(3)]
        await question.started.wait()
        question.release.set()

    assert [task.result() for task in tasks] == ["down"] * 3
    assert (await attempt(), question.asked) == ("one", 2)


async def test_caller_who_leaves_takes_nothing_from_the_others():
    """When the caller who asked is cancelled, another one asks in its place."""
    question = Question()
    question.results = [Answer("one", 10.0)]
    lookups: SharedLookups[str, str] = SharedLookups(8, Clock())

    async with asyncio.TaskGroup() as group:
        leader = group.create_task(lookups.get("key", question))
        await question.started.wait()
        waiters = [group.create_task(lookups.get("key", question)) for _ in range(3)]
        await asyncio.sleep(0)
        waiters[0].cancel()
        leader.cancel()
        question.release.set()

    assert [waiters[0].cancelled(), leader.cancelled()] == [True, True]
    assert ([waiter.result() for waiter in waiters[1:]], question.asked) == (["one", "one"], 2)


async def test_lookup_ends_in_time():
    """A lookup that never ends times out, and leaves nothing behind."""
    question = Question()
    lookups: SharedLookups[str, str] = SharedLookups(8, Clock(), limit=0.01)

    with pytest.raises(TimeoutError):
        await lookups.get("key", question)
    question.release.set()
    question.results = [Answer("one", 0.0)]

    assert await lookups.get("key", question) == "one"
