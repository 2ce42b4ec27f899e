"""The bearer token in a header, and whose it is."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from kubevitals.api.authentication.tokens import Bearer, Tokens, bearer_of
from kubevitals.api.message import Headers
from kubevitals.errors import ApiUnreachable
from kubevitals.kube.reviews import TokenReviewError
from kubevitals.model import User
from kubevitals.telemetry.callers import TokenCache

JANE = User("jane", ("dev",))
EXTRA_SPACE = '299 - "the provided Authorization header contains extra space before the bearer token, and is ignored"'


class Reviews:
    """Answers in turn, and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def __call__(self, token):
        self.asked.append(token)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def _tokens(reviews, clock=None, **options):
    return Tokens(reviews, secret=b"s" * 32, clock=clock or Clock(), **options)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Bearer abc", Bearer("abc")),
        ("bEaReR abc", Bearer("abc")),
        ("  Bearer abc  ", Bearer("abc")),
        ("Bearer abc def ghi", Bearer("abc")),
        ("Bearer  abc", Bearer(warnings=(EXTRA_SPACE,))),
        ("Bearer", Bearer()),
        ("Bearer ", Bearer()),
        ("Basic YTpi", Bearer()),
        ("abc", Bearer()),
        ("", Bearer()),
    ],
)
def test_token_is_the_second_word(value, expected):
    """The token is what follows ``Bearer`` and one space."""
    assert bearer_of(Headers([("Authorization", value)])) == expected


def test_only_the_first_header_counts():
    """A second Authorization line is never read."""
    headers = Headers([("Authorization", "Basic YTpi"), ("Authorization", "Bearer abc")])

    assert bearer_of(headers) == Bearer()


@given(st.text(st.characters(), max_size=30))
def test_any_header_gives_a_token_that_can_be_sent(value):
    """Whatever the header holds, the token can be written as JSON and never contains a space."""
    token = bearer_of(Headers([("Authorization", f"Bearer {value}")])).token

    assert token.encode().decode() == token
    assert " " not in token


@pytest.mark.parametrize("verdict", [JANE, None])
async def test_verdict_is_remembered_ten_seconds(verdict):
    """A token's owner, or that it has none, is asked once in ten seconds."""
    reviews, clock = Reviews(verdict, verdict), Clock()
    tokens = _tokens(reviews, clock)

    seen = [await tokens.user("abc"), await tokens.user("abc")]
    clock.now += 9.9
    seen.append(await tokens.user("abc"))
    asked_before = len(reviews.asked)
    clock.now += 0.2
    seen.append(await tokens.user("abc"))

    assert (seen, asked_before, len(reviews.asked)) == ([verdict] * 4, 1, 2)


async def test_ttl_of_zero_remembers_nothing():
    """With a cache time of 0 every request asks."""
    reviews = Reviews(JANE, None)
    tokens = _tokens(reviews, ttl=0.0)

    assert [await tokens.user("abc"), await tokens.user("abc")] == [JANE, None]


@pytest.mark.parametrize("failure", [ApiUnreachable("down"), TokenReviewError("token expired")])
async def test_failure_is_not_remembered(failure):
    """When there was no verdict to remember, the next request asks again."""
    tokens = _tokens(Reviews(failure, JANE))

    with pytest.raises(type(failure)):
        await tokens.user("abc")

    assert await tokens.user("abc") == JANE


async def test_tokens_are_not_mixed_up():
    """Each token has its own verdict."""
    reviews = Reviews(JANE, None)
    tokens = _tokens(reviews)

    assert [await tokens.user(each) for each in ("a", "b", "a", "b")] == [JANE, None, JANE, None]
    assert reviews.asked == ["a", "b"]


async def test_outage_is_logged_once_and_never_the_token(caplog):
    """An API server that cannot be asked is logged once; a caller's bad token is nobody's problem but the caller's."""
    tokens = _tokens(Reviews(TokenReviewError("bad"), ApiUnreachable("down"), ApiUnreachable("down")))

    for _ in range(3):
        with pytest.raises((ApiUnreachable, TokenReviewError)):
            await tokens.user("secret-token")

    assert [record.pairs["cause"] for record in caplog.records] == ["down"]
    assert "secret-token" not in caplog.text
    assert "system:auth-delegator" in caplog.records[0].pairs["remedy"]


async def test_the_memory_tells_what_it_does():
    """Look-ups count by whether they were remembered, questions by whether there was a verdict."""
    registry = CollectorRegistry()
    tokens = _tokens(Reviews(JANE, TokenReviewError("expired")), observer=TokenCache(registry))
    await tokens.user("good")
    await tokens.user("good")
    with pytest.raises(TokenReviewError):
        await tokens.user("old")

    name = "authentication_token_cache"
    samples = {
        (sample.name.removeprefix(f"{name}_"), sample.labels["status"]): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if "duration" not in sample.name
    }
    assert samples == {
        ("request_total", "hit"): 1,
        ("request_total", "miss"): 2,
        ("fetch_total", "ok"): 1,
        ("fetch_total", "error"): 1,
        ("active_fetch_count", "in_flight"): 0,
        ("active_fetch_count", "blocked"): 0,
    }


async def test_one_question_for_many_callers_counts_once():
    """Those who wait for the same answer are blocked; one question is under way."""
    registry, answer = CollectorRegistry(), asyncio.Event()

    async def review(token):
        await answer.wait()
        return JANE

    tokens = _tokens(review, observer=TokenCache(registry))

    def active():
        return [
            (sample.labels["status"], sample.value)
            for metric in registry.collect()
            for sample in metric.samples
            if sample.name.endswith("active_fetch_count")
        ]

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(tokens.user("abc"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        during = active()
        answer.set()

    assert sorted(during) == [("blocked", 3), ("in_flight", 1)]
    assert sorted(active()) == [("blocked", 0), ("in_flight", 0)]
