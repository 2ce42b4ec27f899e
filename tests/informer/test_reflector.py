"""informer.reflector: list, watch, and list again, against a scripted API server on loopback."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from kubevitals.errors import ApiStatusError, ApiUnreachable
from kubevitals.informer.reflector import Reflector
from kubevitals.informer.resources import running_pods
from kubevitals.informer.sink import Sink

FIRST_LIST = "fieldSelector=status.phase=Running&limit=500&resourceVersion=0"
LIST = "fieldSelector=status.phase=Running&limit=500"


def watch_from(version, seconds=300):
    return (
        "fieldSelector=status.phase=Running&watch=true&allowWatchBookmarks=true"
        f"&resourceVersion={version}&timeoutSeconds={seconds}"
    )


class Copy:
    """Where the reflector keeps what it knows, with a record of every call."""

    def __init__(self):
        self.pods = {}
        self.calls = []

    def replace(self, items):
        self.pods = {pod.name: pod for pod in items}
        self.calls.append(("replace", *self.pods))

    def upsert(self, pod):
        self.pods[pod.name] = pod
        self.calls.append(("upsert", pod.name))

    def remove(self, pod):
        self.pods.pop(pod.name, None)
        self.calls.append(("remove", pod.name))


class Followed:
    """A reflector at work: what it asked, kept, and how long it paused."""

    task = None

    def __init__(self, script, copy, reflector, pauses):
        self.script = script
        self.copy = copy
        self.reflector = reflector
        self._pauses = pauses

    @property
    def asked(self):
        return self.script.asked

    @property
    def pauses(self):
        """All waits that were waits."""
        return [pause for pause in self._pauses if pause]


@pytest.fixture
def follow(steps, labels):
    """Follows running pods through a script, and hands over when its last step is done."""

    @asynccontextmanager
    async def following(*script, settle=0.0, chance=0.0, wait=True):
        pauses = []

        async def sleep(seconds):
            pauses.append(seconds)
            await asyncio.sleep(0)

        copy = Copy()
        async with steps.server(*script) as (server, client):
            sink = Sink(copy.replace, copy.upsert, copy.remove)
            reflector = Reflector(client, running_pods(labels), sink, random=lambda: chance, sleep=sleep, settle=settle)
            followed = Followed(server, copy, reflector, pauses)
            async with asyncio.TaskGroup() as tasks, asyncio.timeout(10):
                followed.task = tasks.create_task(reflector.run())
                if wait:
                    await server.over.wait()
                yield followed
                followed.task.cancel()

    return following


@pytest.fixture
def said(caplog):
    """Level, message and reason of everything logged by the reflector."""
    caplog.set_level(logging.INFO, "kubevitals")
    return lambda: [
        (record.levelname, record.getMessage(), record.pairs.get("reason", ""))
        for record in caplog.records
        if record.name == "kubevitals.informer.reflector"
    ]


# --- the normal course --------------------------------------------------------------------------------------


async def test_a_list_and_then_a_watch_keep_the_copy_current(follow, steps):
    """Added, changed and gone objects; the watch starts where the list ended."""
    changes = steps.watching(steps.event("ADDED", "c", "11"), steps.event("DELETED", "a", "12"))
    async with follow(steps.listing("a", "b"), changes) as followed:
        pass

    assert followed.copy.calls == [("replace", "a", "b"), ("upsert", "c"), ("remove", "a")]
    assert sorted(followed.copy.pods) == ["b", "c"]
    assert followed.asked == [FIRST_LIST, watch_from(10), watch_from(12)]
    assert followed.pauses == []


async def test_metadata_is_asked_for_in_its_own_form(follow, steps):
    """A list and an object of a watch have different names."""
    async with follow(steps.listing("a")) as followed:
        pass

    assert [accept.split(";")[1] for accept in followed.script.accepted] == [
        "as=PartialObjectMetadataList",
        "as=PartialObjectMetadata",
    ]


async def test_bookmarks_move_the_watch_forward(follow, steps):
    """So that a quiet resource's version does not grow too old."""
    async with follow(steps.listing(), steps.watching(steps.bookmark("99"))) as followed:
        pass

    assert followed.asked[-1] == watch_from(99)
    assert followed.copy.calls == [("replace",)]


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 300), (0.5, 450), (1.0, 600)])
async def test_watches_end_at_different_times(follow, steps, chance, seconds):
    """Between five and ten minutes, so that an API server is not asked by everybody at once."""
    async with follow(steps.listing(), chance=chance) as followed:
        pass

    assert followed.asked[-1] == watch_from(10, seconds)


async def test_pages_make_one_list(follow, steps):
    """The copy is replaced once, with all of them; later pages are asked for by token alone."""
    first = steps.listing("a", "b", **{"continue": "to=="})
    async with follow(first, steps.listing("c")) as followed:
        pass

    assert followed.copy.calls == [("replace", "a", "b", "c")]
    assert followed.asked[1] == f"{LIST}&continue=to=="


async def test_synced_comes_with_the_last_page(follow, steps):
    """Half a list is not the state of the cluster."""
    asked, release = asyncio.Event(), asyncio.Event()

    async def held(request):
        asked.set()
        await release.wait()
        return await steps.listing("b")(request)

    async with follow(steps.listing("a", **{"continue": "c"}), held, wait=False) as followed:
        await asked.wait()
        before = (followed.reflector.synced.is_set(), followed.reflector.healthy, list(followed.copy.calls))
        problem = followed.reflector.problem
        release.set()
        await followed.reflector.synced.wait()
        await followed.script.over.wait()
        after = (followed.reflector.healthy, followed.reflector.problem, followed.copy.calls)

    assert (before, problem) == ((False, False, []), "the first list is not complete yet")
    assert after == (True, "", [("replace", "a", "b")])


# --- expired ------------------------------------------------------------------------------------------------


async def test_an_expired_token_starts_the_list_anew(follow, steps):
    """Without a limit, so that it cannot expire on the way again."""
    first = steps.listing("gone", **{"continue": "old"})
    async with follow(first, steps.refused(410, "Expired"), steps.listing("a")) as followed:
        pass

    assert followed.asked[:3] == [
        FIRST_LIST,
        f"{LIST}&continue=old",
        "fieldSelector=status.phase=Running&resourceVersion=0",
    ]
    assert (followed.copy.calls, followed.pauses) == ([("replace", "a")], [])


@pytest.mark.parametrize("inside", [False, True])
async def test_deletions_during_an_outage_are_seen(follow, steps, said, inside):
    """A watch that expired, as HTTP status or in the stream, leads to a list that must not be from a cache."""
    expired = steps.watching(steps.error_event(410, "Expired", "too old")) if inside else steps.refused(410, "Gone")
    async with follow(steps.listing("a", "gone"), expired, steps.listing("a", version="90")) as followed:
        pass

    assert followed.asked == [FIRST_LIST, watch_from(10), LIST, watch_from(90)]
    assert followed.copy.calls == [("replace", "a", "gone"), ("replace", "a")]
    assert (followed.pauses, said()) == ([], [])


async def test_a_watch_that_always_expires_is_no_hot_loop(follow, steps, said):
    """It is asked for ever more rarely, and is a problem from the second time on."""
    rounds = [step for _ in range(5) for step in (steps.listing("a"), steps.refused(410, "Expired", "old"))]
    async with follow(*rounds, steps.listing("a"), settle=60.0) as followed:
        healthy = followed.reflector.healthy

    assert followed.pauses == pytest.approx([0.8, 1.6, 3.2, 6.4])
    assert healthy is False
    assert said() == [
        ("WARNING", "Cannot follow the API server", "the API server answered 410 Expired: old"),
    ]


# --- broken -------------------------------------------------------------------------------------------------


async def test_a_cut_watch_continues_where_it_was(follow, steps, said):
    """Load balancers cut long connections; nothing is listed, nothing is logged, nobody waits."""
    dropped = steps.watching(steps.event("ADDED", "b", "11"), then=steps.cut)
    async with follow(steps.listing("a"), dropped) as followed:
        pass

    assert followed.asked == [FIRST_LIST, watch_from(10), watch_from(11)]
    assert (followed.pauses, said()) == ([], [])


async def test_a_watch_cut_at_once_is_a_failure(follow, steps):
    """It continues from the same version, after a pause."""
    async with follow(steps.listing("a"), steps.watching(then=steps.cut), settle=60.0) as followed:
        problem = followed.reflector.problem

    assert followed.asked == [FIRST_LIST, watch_from(10), watch_from(10)]
    assert followed.pauses == [0.8]
    assert "the connection was closed" in problem


async def test_empty_watches_are_no_hot_loop(follow, steps, said):
    """An API server, or a proxy, that closes every watch at once is asked ever more rarely."""
    async with follow(steps.listing("a"), *[steps.watching() for _ in range(7)], settle=60.0) as followed:
        pass

    assert followed.pauses == pytest.approx([0.8, 1.6, 3.2, 6.4, 12.8, 15.0, 15.0])
    assert set(followed.asked[1:]) == {watch_from(10)}
    assert said() == [
        ("WARNING", "Cannot follow the API server", "watches of pods are closed as soon as they are opened")
    ]


@pytest.mark.parametrize("line", [b"{not json}\n", b'{"type":"NEW","object":{}}\n', b'{"type":"ADDED","object":{}}\n'])
async def test_a_malformed_line_leads_to_a_list(follow, steps, said, line):
    """What it would have said is not known; it is logged once, and followed by a pause."""
    garbled = steps.watching(steps.event("ADDED", "b", "11"), line)
    async with follow(
        steps.listing("a"), garbled, steps.listing("a"), garbled, steps.listing("c"), settle=60.0
    ) as followed:
        pass

    assert followed.asked == [FIRST_LIST, watch_from(10), LIST, watch_from(10), LIST, watch_from(10)]
    assert list(followed.copy.pods) == ["c"]
    assert followed.pauses == [0.8, 1.6]
    assert [(level, reason.split(":")[0]) for level, _, reason in said()] == [
        ("WARNING", "a watch of pods brought an unreadable line")
    ]


async def test_retry_after_is_honoured(follow, steps):
    """Of a list and of a watch; neither gives up what is known."""
    slow_down = steps.refused(429, "TooManyRequests", Retry_After="17")
    async with follow(slow_down, steps.listing("a"), slow_down) as followed:
        pass

    assert followed.pauses == [17.0, 17.0]
    assert followed.asked == [FIRST_LIST, FIRST_LIST, watch_from(10), watch_from(10)]


async def test_a_failing_watch_is_not_listed_for(follow, steps):
    """After a 500, as status or in the stream, the same watch continues."""
    inside = steps.watching(steps.event("ADDED", "b", "11"), steps.error_event(500, "InternalError", "etcd"))
    async with follow(steps.listing("a"), steps.refused(500), inside) as followed:
        pass

    assert followed.asked == [FIRST_LIST, watch_from(10), watch_from(10), watch_from(11)]
    assert followed.pauses == [0.8, 1.6]


async def test_a_cluster_restored_from_a_backup_is_listed(follow, steps):
    """It counts from an older version on; waiting for the newer one could take months."""
    restored = steps.refused(504, "Timeout", "Too large resource version: 10, current: 3")
    async with follow(steps.listing("a", "b"), restored, steps.listing("a", version="4")) as followed:
        pass

    assert followed.asked[2:] == [LIST, watch_from(4)]
    assert list(followed.copy.pods) == ["a"]


async def half(request):
    """A step: a list whose connection breaks inside of it."""
    response = web.StreamResponse()
    response.content_length = 1000
    await response.prepare(request)
    await response.write(b'{"metadata":{"resourceVersion":"5"},"items":[')
    request.transport.abort()
    return response


async def hang_up(request):
    """A step: the connection is closed without an answer."""
    request.transport.abort()
    return web.Response()


async def test_half_a_list_is_never_used(follow, steps):
    """The connection broke inside of it; what was known stays."""
    expired = steps.refused(410)
    async with follow(steps.listing("a", "b"), expired, half, steps.listing("a")) as followed:
        pass

    assert followed.copy.calls == [("replace", "a", "b"), ("replace", "a")]


async def test_a_list_without_a_version_is_no_list(follow, steps):
    """There would be nothing to watch from."""
    async with follow(steps.listing("a", version=""), steps.listing("b")) as followed:
        pass

    assert followed.copy.calls == [("replace", "b")]


async def test_an_outage_is_logged_once_and_so_is_its_end(follow, steps, said):
    """However many attempts it takes; the reason names the API server, the end says how long it took."""
    async with follow(*[hang_up] * 5, steps.listing("a")) as followed:
        while not followed.reflector.healthy:  # until the client, too, has seen that the watch is open
            await asyncio.sleep(0)

    assert [(level, message) for level, message, _ in said()] == [
        ("WARNING", "Cannot follow the API server"),
        ("INFO", "Following the API server again"),
    ]
    assert "cannot reach the API server at http://127.0.0.1:" in said()[0][2]


@pytest.mark.parametrize(
    ("step", "pauses"),
    [
        ([hang_up] * 2, [0.8, 1.6, 2.0, 2.0, 2.0, 2.0]),  # the library asks twice
        ([half], [0.8, 1.6, 3.2, 6.4, 12.8, 15.0]),
    ],
)
async def test_who_does_not_answer_is_asked_more_often_than_who_fails(follow, steps, step, pauses):
    """An attempt that reaches nobody is cheap; half of a list costs as much as a whole one."""
    async with follow(*step * 6, steps.listing("a")) as followed:
        pass

    assert followed.pauses == pytest.approx(pauses)


class ApiServerWithOutage:
    """In a time of its own: there, away for some seconds, back but failing, and then well. No socket, no sleep.

    Versions from before the outage are too old afterwards, as in the watch cache of a restarted kube-apiserver.
    """

    def __init__(self, away, failing):
        self.now = 0.0
        self.back = 1000.0 + away
        self.well = self.back + failing
        self.asked = []
        self.followed = asyncio.Event()

    async def sleep(self, seconds):
        self.now += seconds
        await asyncio.sleep(0)

    def _answer(self):
        self.asked.append(self.now)
        if 1000.0 <= self.now < self.back:
            raise ApiUnreachable("cannot reach it") from ConnectionRefusedError()
        if self.back <= self.now < self.well:
            raise ApiStatusError(503, "", "starting")

    @asynccontextmanager
    async def chunks(self, path, params, **_):
        self._answer()
        yield self._body(b'{"metadata":{"resourceVersion":"%d"},"items":[]}' % (self.now + 1))

    async def _body(self, body):
        yield body

    @asynccontextmanager
    async def lines(self, path, params, **_):
        self._answer()
        if self.now >= self.well and int(dict(params)["resourceVersion"]) < 1000:
            raise ApiStatusError(410, "Expired", "too old resource version")
        yield self._watch()

    async def _watch(self):
        if self.now >= self.well:
            self.followed.set()
            await asyncio.Event().wait()
        self.now = 1000.0
        raise ApiUnreachable("cut") from ConnectionResetError()
        yield b""


@pytest.mark.parametrize("chance", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("failing", [0.0, 2.0])
@pytest.mark.parametrize("away", [0.1, 5.0, 30.0, 3600.0])
async def test_the_return_of_the_api_server_is_noticed_soon(labels, away, failing, chance):
    """Within five seconds, however long it was away, with a request every other second at most."""
    server, copy = ApiServerWithOutage(away, failing), Copy()
    sink = Sink(copy.replace, copy.upsert, copy.remove)
    reflector = Reflector(
        server,
        running_pods(labels),
        sink,
        clock=lambda: server.now,
        random=lambda: chance,
        sleep=server.sleep,
    )
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(10):
        task = tasks.create_task(reflector.run())
        await server.followed.wait()
        task.cancel()
    during = [at for at in server.asked if 1000.0 <= at < server.back]

    assert server.now - server.well <= 5.0
    assert len(during) <= 3 + away / 2.0
    assert len(server.asked) - len(during) <= 8
    assert copy.calls == [("replace",), ("replace",)]


async def test_a_list_is_put_in_place_step_by_step(steps, labels):
    """Whoever takes a list piece by piece gets every page as it comes, and the loop turns between any two steps."""
    calls, turns = [], []

    class Stage:
        def add(self, items):
            calls.append([pod.name for pod in items])

        def commit(self):
            for step in ("in place", "told", "told"):
                calls.append((step, len(turns)))
                yield

    async def turn():
        while True:
            turns.append(None)
            await asyncio.sleep(0)

    first = steps.listing("a", "b", **{"continue": "c"})
    async with steps.server(first, steps.listing("c")) as (_, client), asyncio.TaskGroup() as tasks:
        sink = Sink(calls.append, calls.append, calls.append, Stage)
        reflector = Reflector(client, running_pods(labels), sink)
        running = [tasks.create_task(reflector.run()), tasks.create_task(turn())]
        await reflector.synced.wait()
        for task in running:
            task.cancel()
    pages, steps_made = calls[:2], calls[2:]

    assert pages == [["a", "b"], ["c"]]
    assert [step for step, _ in steps_made] == ["in place", "told", "told"]
    assert len({turn for _, turn in steps_made}) == 3


async def test_each_reason_is_logged_once_in_an_outage(follow, steps, said):
    """A change of reason is news, its return is not."""
    flapping = [steps.refused(503, "", "a"), steps.refused(403, "Forbidden", "b")] * 3
    async with follow(*flapping, steps.listing("a"), settle=60.0) as followed:
        synced, healthy = followed.reflector.synced.is_set(), followed.reflector.healthy

    assert (synced, healthy) == (True, False)
    assert [(level, reason[:30]) for level, _, reason in said()] == [
        ("WARNING", "the API server answered 503 er"),
        ("ERROR", "not allowed (403 b); allow lis"),
    ]


async def test_endless_reasons_do_not_fill_the_log(follow, steps, said):
    """Some messages carry a time or a number and are new each time."""
    async with follow(*[steps.refused(503, "", str(turn)) for turn in range(30)]):
        pass

    assert len(said()) == 8


async def test_a_forbidden_watch_falls_back_to_lists(follow, steps, said):
    """Where only list is allowed the copy is kept fresh by listing, and the remedy is logged as an error."""
    forbidden = steps.refused(403, "Forbidden", 'pods is forbidden: User "x" cannot watch')
    lists = [steps.listing("a"), forbidden, steps.listing("a", "b"), forbidden, steps.listing("b")]
    async with follow(*lists, settle=60.0) as followed:
        problem = followed.reflector.problem

    assert followed.copy.calls == [("replace", "a"), ("replace", "a", "b"), ("replace", "b")]
    assert "allow list and watch on pods" in problem
    assert [level for level, _, _ in said()] == ["ERROR"]


async def test_refused_credentials_keep_what_is_known(follow, steps, said):
    """A 401 says nothing about the objects; the watch continues with the next token."""
    async with follow(steps.listing("a"), steps.refused(401, "Unauthorized", "Unauthorized"), settle=60.0) as followed:
        problem = followed.reflector.problem

    assert followed.asked == [FIRST_LIST, watch_from(10), watch_from(10)]
    assert "does not accept these credentials" in problem
    assert [level for level, _, _ in said()] == ["ERROR"]


async def test_cancelling_closes_the_watch(follow, steps):
    """The API server sees the connection end."""
    opened, closed = asyncio.Event(), asyncio.Event()

    async def last(request):
        response = web.StreamResponse()
        await response.prepare(request)
        opened.set()
        with suppress(ConnectionError):
            while True:
                await response.write(b"\n")
                await asyncio.sleep(0.001)
        closed.set()
        return response

    async with follow(steps.listing("a"), last, wait=False) as followed:
        await opened.wait()
        followed.task.cancel()
        await closed.wait()

    assert followed.task.cancelled()
