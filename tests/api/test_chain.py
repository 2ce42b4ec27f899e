"""The filters in their order, with real parts behind them."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from tests.api.whole_chain import A, World

from kubevitals.api.chain import ChainLimits
from kubevitals.errors import ApiUnreachable
from kubevitals.kube.reviews import Decision
from kubevitals.model import User


def header(answer, name):
    return [value for key, value in answer.headers if key.lower() == name.lower()]


async def test_every_answer_carries_an_audit_id_and_is_not_cached():
    """A caller's Audit-ID is echoed, else one is made, and answers are private."""
    world = World()
    echoed, made = await world.ask(f"{A}/nodes", Audit_ID="abc"), await world.ask("/nowhere")
    assert header(echoed, "Audit-Id") == ["abc"]
    assert len(header(made, "Audit-Id")[0]) == 36
    assert header(made, "Cache-Control") == ["no-cache, private"]


async def test_bad_credentials_come_before_everything_else():
    """A bad token is 401 even on paths that are open to all, and the body is the API server's."""
    answer = await World().ask("/livez", token="bad")
    assert answer.status == 401
    assert json.loads(answer.body) == {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "Unauthorized", "reason": "Unauthorized", "code": 401,
    }  # fmt: skip


async def test_a_token_review_that_fails_is_401_and_never_anonymous():
    """While the API server cannot be asked, nobody is let in by a token."""
    assert (await World().ask("/livez", token="unreachable")).status == 401


async def test_a_caller_without_rights_learns_nothing():
    """403 comes before 404 and 405: an unknown path looks like any other."""
    world = World()
    world.allowed = lambda spec: Decision(False, False, "no RBAC policy matched")
    answers = [await world.ask("/nowhere"), await world.ask(f"{A}/nodes", "POST"), await world.ask(f"{A}/nonsense")]
    assert [answer.status for answer in answers] == [403, 403, 403]
    assert json.loads(answers[0].body)["message"] == (
        'forbidden: User "jane" cannot get path "/nowhere": no RBAC policy matched'
    )


async def test_a_verdict_that_cannot_be_had_is_500():
    """A failing SubjectAccessReview never lets a request through."""
    world = World()

    def fail(spec):
        raise ApiUnreachable("connection refused")

    world.allowed = fail
    answer = await world.ask(f"{A}/nodes?limit=1")
    assert (answer.status, answer.content_type) == (500, "text/plain; charset=utf-8")
    assert answer.body.decode() == f'Internal Server Error: "{A}/nodes?limit=1": connection refused\n'


async def test_verdicts_are_remembered():
    """Two equal requests within ten seconds cost one SubjectAccessReview."""
    world = World()
    await world.ask(f"{A}/nodes")
    world.clock = 9.0
    await world.ask(f"{A}/nodes")
    assert len(world.reviews) == 1
    world.clock = 11.0
    await world.ask(f"{A}/nodes")
    assert len(world.reviews) == 2


async def test_impersonation_is_refused():
    """A caller that asks to be somebody else is not silently served as itself."""
    answer = await World().ask(f"{A}/nodes", Impersonate_User="root")
    assert answer.status == 403
    assert "impersonate" in json.loads(answer.body)["message"]


async def test_an_extra_space_in_the_authorization_header_is_told():
    """The token is ignored, as the API server does, and a Warning says so."""
    answer = await World().ask("/livez", token="", Authorization="Bearer  good")
    assert answer.status == 200
    assert "extra space" in header(answer, "Warning")[0]


@pytest.mark.parametrize(
    ("text", "status"), [("5s", 200), ("0", 200), ("0" * 5000 + "5s", 200), ("abc", 400), ("5", 400)]
)
async def test_the_timeout_parameter_is_checked_before_anything_else(text: str, status: int):
    """A timeout that is no Go duration is 400, even for a caller with a bad token."""
    world = World()
    token = "bad" if status == 400 else "good"
    answer = await world.ask(f"{A}/nodes?timeout={text}", token=token)
    assert answer.status == status
    if status == 400:
        assert json.loads(answer.body)["message"].startswith("invalid timeout specified in the request URL - time: ")


async def test_a_request_that_takes_too_long_is_504():
    """The deadline covers asking the API server about the caller."""
    world = World(limits=ChainLimits(timeout=0.01))

    async def forever():
        await asyncio.Event().wait()

    world.pause = forever
    answer = await world.ask(f"{A}/nodes")
    assert (answer.status, json.loads(answer.body)["reason"]) == (504, "Timeout")


async def test_too_many_requests_at_once_are_429_but_never_for_administrators():
    """Beyond the limit callers are told to come back, except members of system:masters."""
    world = World(limits=ChainLimits(in_flight=1))
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow():
        entered.set()
        await leave.wait()

    await world.ask("/livez")  # so that the token is known and only the access review is slow
    world.pause = slow
    async with asyncio.TaskGroup() as group:
        first = group.create_task(world.ask(f"{A}/nodes"))
        await entered.wait()
        refused = await world.ask(f"{A}/pods")
        leave.set()
    assert (refused.status, header(refused, "Retry-After")) == (429, ["1"])
    assert refused.body == b"Too many requests, please try again later.\n"
    assert first.result().status == 200


async def test_a_draining_server_sends_new_requests_away_but_answers_probes():
    """While it drains, requests get 503 and probes, metrics and the API server itself are still answered."""
    world = World()
    world.draining = True
    refused = await world.ask(f"{A}/nodes")
    assert (refused.status, header(refused, "Retry-After")) == (503, ["1"])
    assert (await world.ask("/livez")).status == 200
    assert (await world.ask(f"{A}/nodes", User_Agent="kube-apiserver/v1.37")).status == 200


async def test_a_defect_is_one_requests_fault(capfd):
    """An unforeseen error is 500 for that request, and the next one is answered."""
    world = World()
    working, world.points.report = world.points.report, None
    answer = await world.ask(f"{A}/nodes")
    assert (answer.status, answer.body) == (
        500,
        b"This request caused apiserver to panic. Look in the logs for details.\n",
    )
    world.points.report = working
    assert (await world.ask(f"{A}/nodes")).status == 200


async def test_a_path_that_cannot_be_understood_is_500():
    """A watch prefix without a resource gets upstream's answer."""
    answer = await World().ask(f"{A}/watch")
    assert answer.status == 500
    assert b"unable to determine kind and namespace from url" in answer.body


async def test_large_answers_are_compressed_when_asked():
    """Gzip applies above 128 KiB and only for the bare token."""
    import gzip

    from kubevitals.model import Node

    world = World()
    world.inventory.replace_nodes([Node(f"n{i:04}") for i in range(2000)])
    from tests.api.whole_chain import T0, batch

    for i in range(2000):
        world.points.absorb(f"n{i:04}", batch(0, 1), T0)
        world.points.absorb(f"n{i:04}", batch(15, 1), T0 + 15_000)
    plain = await world.ask(f"{A}/nodes", Accept_Encoding="gzip;q=1.0")
    packed = await world.ask(f"{A}/nodes", Accept_Encoding="deflate, gzip")
    small = await world.ask(f"{A}/nodes/n0001", Accept_Encoding="gzip")
    assert header(plain, "Content-Encoding") == []
    assert header(packed, "Content-Encoding") == ["gzip"]
    assert gzip.decompress(packed.body) == plain.body
    assert header(small, "Content-Encoding") == []


async def test_requests_are_counted_by_what_they_asked():
    """Our own metrics count the answered request."""
    world = World()
    await world.ask(f"{A}/nodes")
    text = (await world.ask("/metrics")).body.decode()
    counted = [line for line in text.splitlines() if line.startswith("apiserver_request_total{")]
    assert len(counted) == 1
    assert 'verb="LIST"' in counted[0]
    assert counted[0].endswith(" 1")


# --- the order of the filters -------------------------------------------------------------------------------


async def test_a_path_that_is_not_understood_is_before_the_cache_headers():
    """Its answer carries an audit id and nothing of the filters behind."""
    answer = await World(limits=ChainLimits(hsts="max-age=1")).ask(f"{A}/watch")
    assert answer.status == 500
    assert len(header(answer, "Audit-Id")) == 1
    assert header(answer, "Cache-Control") == header(answer, "Strict-Transport-Security") == []


async def test_refusals_behind_the_cache_headers_carry_them():
    """401, 400 for a bad timeout and a panic's 500 are private, and tell browsers to stay with HTTPS."""
    world = World(limits=ChainLimits(hsts="max-age=31536000; preload"))
    answers = [await world.ask("/livez", token="bad"), await world.ask(f"{A}/nodes?timeout=x")]
    world.points.report = None
    answers.append(await world.ask(f"{A}/nodes"))
    assert [answer.status for answer in answers] == [401, 400, 500]
    assert [header(answer, "Cache-Control") for answer in answers] == [["no-cache, private"]] * 3
    assert [header(answer, "Strict-Transport-Security") for answer in answers] == [["max-age=31536000; preload"]] * 3


async def test_what_a_route_says_of_caching_stays():
    """A document that may be kept by everybody does not become private."""
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    assert header(await World().ask("/apis", Accept=accept), "Cache-Control") == ["public"]


async def test_a_panic_ends_the_connection():
    """The text is not sniffed for other types, and the caller is told that the connection ends."""
    world = World()
    world.points.report = None
    answer = await world.ask(f"{A}/nodes")
    assert header(answer, "Connection") == ["close"]
    assert header(answer, "X-Content-Type-Options") == ["nosniff"]


@pytest.mark.parametrize(
    ("given", "echoed"),
    [
        ("0c1e2f53-a", "0c1e2f53-a"),
        ("a b\tc\x7f\udcff", "abc"),
        ("x" * 1000, "x" * 256),
    ],
)
async def test_an_audit_id_is_what_a_header_and_a_log_can_hold(given: str, echoed: str):
    """Only visible characters of ASCII come back, and not more than 256."""
    assert header(await World().ask("/livez", Audit_ID=given), "Audit-Id") == [echoed]


async def test_an_audit_id_of_nothing_is_replaced():
    """An id without a visible character is none."""
    assert len(header(await World().ask("/livez", Audit_ID=" \t"), "Audit-Id")[0]) == 36


# --- requests in flight -------------------------------------------------------------------------------------


async def asked_meanwhile(world: World, first: str, *others: tuple[str, str], method: str = "GET", token: str = "good"):
    """Ask for ``first`` and, while its access review waits, for the others; return their statuses."""
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow():
        if not entered.is_set():
            entered.set()
            await leave.wait()

    await world.ask("/livez", token=token)  # so that the token is known
    world.pause = slow
    async with asyncio.TaskGroup() as group:
        task = group.create_task(world.ask(first, method, token=token))
        await entered.wait()
        answers = [await world.ask(path, verb, token=token) for verb, path in others]
        leave.set()
    return [task.result().status, *(answer.status for answer in answers)]


async def test_reads_and_all_else_have_limits_of_their_own():
    """A read in flight leaves room for what is no read, and HEAD of a path that is no resource is none."""
    world = World(limits=ChainLimits(in_flight=1, mutating_in_flight=1))
    others = [("GET", "/livez"), ("HEAD", "/livez"), ("POST", "/livez"), ("HEAD", f"{A}/pods")]
    assert await asked_meanwhile(world, f"{A}/nodes", *others) == [200, 429, 200, 200, 429]
    others = [("GET", "/livez"), ("HEAD", "/livez"), ("POST", "/livez"), ("DELETE", f"{A}/pods")]
    assert await asked_meanwhile(world, f"{A}/nodes", *others, method="POST") == [405, 200, 429, 429, 429]


async def test_zero_means_no_limit():
    """With 0 nobody is turned away."""
    world = World(limits=ChainLimits(in_flight=0, mutating_in_flight=1))
    assert await asked_meanwhile(world, f"{A}/nodes", ("GET", "/livez"), ("GET", f"{A}/pods")) == [200, 200, 200]


async def test_administrators_and_watches_pass_the_limit():
    """Members of system:masters are never turned away, nor is a watch, which is refused for what it is."""
    world = World(limits=ChainLimits(in_flight=1))
    world.tokens["root"] = User("root", ("system:masters",))
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow():
        if not entered.is_set():
            entered.set()
            await leave.wait()

    await world.ask("/livez")
    await world.ask("/livez", token="root")
    world.pause = slow
    async with asyncio.TaskGroup() as group:
        group.create_task(world.ask(f"{A}/nodes"))
        await entered.wait()
        root, watch = await world.ask("/livez", token="root"), await world.ask(f"{A}/nodes?watch=1")
        leave.set()
    assert [root.status, watch.status] == [200, 405]


async def test_the_most_in_flight_is_what_the_gauge_tells():
    """The gauge has the peak of the last second, for either kind."""
    world = World()
    world.clock = 5.0
    await asked_meanwhile(world, f"{A}/nodes", ("GET", "/livez"))
    world.clock = 6.0
    assert world.chain.in_flight.peaks() == {"readOnly": 2, "mutating": 0}


async def test_what_is_turned_away_counts_as_terminated():
    """429 and 504 are in the counter of what the server ended to protect itself."""
    world = World(limits=ChainLimits(in_flight=1, timeout=0.05))
    await asked_meanwhile(world, f"{A}/nodes", ("GET", f"{A}/pods"))

    async def forever():
        await asyncio.Event().wait()

    world.pause = forever
    await world.ask("/version")
    lines = world.telemetry.render().decode().splitlines()
    counted = [line for line in lines if line.startswith("apiserver_request_terminations_total{")]
    assert len(counted) == 2
    assert 'resource="pods"' in counted[0]
    assert 'code="429"} 1' in counted[0]
    assert 'subresource="/version"' in counted[1]
    assert 'code="504"} 1' in counted[1]


# --- time ---------------------------------------------------------------------------------------------------


async def test_a_watch_has_no_deadline():
    """Its timeout is not even read."""
    assert (await World().ask(f"{A}/nodes?watch=1&timeout=abc")).status == 405


@pytest.mark.parametrize(
    ("query", "limit", "left"),
    [("", 60.0, 58.0), ("?timeout=5s", 60.0, 3.0), ("?timeout=5m", 60.0, 58.0), ("?timeout=0", 0.0, None)],
)
async def test_an_answer_may_be_taken_for_the_rest_of_the_time(query: str, limit: float, left: float | None):
    """What is left of the time since the request came is how long its answer may be sent."""
    world = World(limits=ChainLimits(timeout=limit))

    def review(spec):
        world.clock += 2.0
        return Decision(True, False, "")

    world.allowed = review
    assert (await world.ask(f"{A}/nodes{query}")).within == left


async def test_making_an_answer_is_part_of_the_request():
    """An answer that takes too long to be begun is 504 as well."""
    world = World(limits=ChainLimits(timeout=1e-6))
    world.look = 0.003
    for number in range(5000):
        world.telemetry.observe_kubelet_request(f"node-{number}", seconds=0.1, success=True, at=1.0)
    assert (await world.ask("/metrics", Accept_Encoding="gzip")).status == 504


# --- draining -----------------------------------------------------------------------------------------------


async def test_a_draining_server_says_when_to_come_back():
    """503 is JSON whatever is accepted, as it stands before negotiation."""
    world = World()
    world.draining = True
    refused = await world.ask(f"{A}/nodes", Accept="application/yaml")
    assert (refused.status, refused.content_type) == (503, "application/json")
    assert refused.body.endswith(
        b'"message":"apiserver is shutting down","reason":"ServiceUnavailable","code":503}\n\n'
    )
    assert header(refused, "Retry-After") == ["1"]
    assert header(refused, "X-Content-Type-Options") == ["nosniff"]
    assert header(refused, "Cache-Control") == ["no-cache, private"]


async def test_a_server_that_sends_retry_after_turns_new_requests_away_first_of_all():
    """429 as text comes before every other filter but the audit id's, and ends the connection."""
    world = World(limits=ChainLimits(send_retry_after=True, hsts="max-age=1"))
    world.draining = True
    refused = await world.ask(f"{A}/nodes?timeout=abc", token="bad")
    assert (refused.status, refused.content_type) == (429, "text/plain; charset=utf-8")
    assert refused.body == b"The apiserver is shutting down, please try again later.\n"
    assert header(refused, "Retry-After") == ["5"]
    assert header(refused, "Connection") == ["close"]
    assert header(refused, "Cache-Control") == header(refused, "Strict-Transport-Security") == []


@pytest.mark.parametrize("retry_after", [False, True])
@pytest.mark.parametrize("path", ["/readyz", "/readyz/ping", "/livez?verbose", "/healthz", "/metrics"])
async def test_probes_and_metrics_are_served_to_the_end(path: str, retry_after: bool):
    """What watches the server must see it to its end, in either mode."""
    world = World(limits=ChainLimits(send_retry_after=retry_after))
    world.draining = True
    assert (await world.ask(path)).status == 200


# --- what is counted ----------------------------------------------------------------------------------------


async def test_what_the_filters_find_out_is_counted():
    """Attempts, verdicts and kinds of users show in the metrics."""
    world = World()
    await world.ask(f"{A}/nodes")
    await world.ask(f"{A}/nodes", token="bad")
    world.allowed = lambda spec: Decision(False, True, "")
    await world.ask(f"{A}/pods")
    text = world.telemetry.render().decode()
    for line in (
        'authentication_attempts{result="success"} 2',
        'authentication_attempts{result="error"} 1',
        'authenticated_user_requests{username="other"} 2',
        'authorization_attempts_total{result="allowed"} 1',
        'authorization_attempts_total{result="denied"} 1',
        'apiserver_request_filter_duration_seconds_count{filter="authentication"} 3',
        'apiserver_request_filter_duration_seconds_count{filter="authorization"} 2',
    ):
        assert line in text.splitlines()


async def test_refusals_of_filters_are_no_requests_for_the_resource():
    """Who is refused before a route answers, or asks with another method, does not count there."""
    world = World()
    await world.ask(f"{A}/nodes", token="bad")
    await world.ask(f"{A}/nodes", "POST")
    await world.ask(f"{A}/nodes", "HEAD")
    world.allowed = lambda spec: Decision(False, False, "")
    await world.ask(f"{A}/pods")
    assert "apiserver_request_total{" not in world.telemetry.render().decode()


async def test_the_log_tells_of_each_request(caplog):
    """At verbosity 3 there is one line with the words that upstream has."""
    with caplog.at_level(logging.INFO - 3, logger="kubevitals"):
        await World().ask(f"{A}/nodes?limit=1", Audit_ID="abc", User_Agent="kubectl")
    (record,) = [record for record in caplog.records if record.getMessage() == "HTTP"]
    assert list(record.pairs) == ["verb", "URI", "latency", "userAgent", "audit-ID", "srcIP", "resp"]
    assert record.pairs["URI"] == f"{A}/nodes?limit=1"
    assert record.pairs["audit-ID"] == "abc"
