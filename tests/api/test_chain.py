"""The filters in their order, with real parts behind them."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.api.whole_chain import A, World

from kubevitals.api.chain import ChainLimits
from kubevitals.errors import ApiUnreachable
from kubevitals.kube.reviews import Decision


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


@pytest.mark.parametrize(("text", "status"), [("5s", 200), ("0", 200), ("abc", 400), ("5", 400)])
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
    broken, world.points.node_usage = world.points.node_usage, None
    answer = await world.ask(f"{A}/nodes")
    assert (answer.status, answer.body) == (
        500,
        b"This request caused apiserver to panic. Look in the logs for details.\n",
    )
    world.points.node_usage = broken
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
