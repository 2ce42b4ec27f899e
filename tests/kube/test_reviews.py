"""kube.reviews: TokenReview and SubjectAccessReview."""

from __future__ import annotations

import asyncio
import json

import pytest

from kubevitals.errors import ApiServerError, ApiStatusError, ApiUnreachable
from kubevitals.kube.client import ApiClient
from kubevitals.kube.config import ClusterConfig
from kubevitals.kube.reviews import (
    ACCESS_REVIEWS,
    TOKEN_REVIEWS,
    Decision,
    TokenReviewError,
    is_passing,
    pauses,
    subject_access_review,
    token_review,
)
from kubevitals.model import User


class ScriptedPoster:
    """Answers each post with the next of its answers, and remembers what was posted."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.posted = []

    async def post(self, path, body, *, timeout=None):
        self.posted.append((path, json.loads(body)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()


@pytest.fixture
def slept():
    return []


@pytest.fixture
def patient(slept):
    """Waits that take no time, and no jitter."""

    async def sleep(seconds):
        slept.append(seconds)

    return {"sleep": sleep, "random": lambda: 0.0}


def reset():
    error = ApiUnreachable("cannot reach")
    error.__cause__ = ConnectionResetError()
    return error


async def test_a_known_token_gives_its_user():
    """With name, UID, groups and extra, as the API server tells them."""
    info = {"username": "jane", "uid": "7", "groups": ["dev"], "extra": {"k": ["a", "b"], "none": None}}
    poster = ScriptedPoster({"status": {"authenticated": True, "user": info, "audiences": ["x"]}})

    assert await token_review(poster, "abc") == User("jane", ("dev",), "7", {"k": ("a", "b"), "none": ()})
    assert poster.posted == [
        (
            TOKEN_REVIEWS,
            {
                "kind": "TokenReview",
                "apiVersion": "authentication.k8s.io/v1",
                "metadata": {},
                "spec": {"token": "abc"},
                "status": {"user": {}},
            },
        )
    ]


async def test_an_unknown_token_gives_nobody():
    """No error in the status: an answer that may be cached."""
    assert await token_review(ScriptedPoster({"status": {"user": {}}}), "abc") is None


async def test_a_refused_token_is_an_error():
    """With an error in the status the answer must not be cached."""
    poster = ScriptedPoster({"status": {"authenticated": False, "error": "token has expired"}})
    with pytest.raises(TokenReviewError, match="token has expired"):
        await token_review(poster, "abc")


@pytest.mark.parametrize("answer", [{}, {"status": {"authenticated": "yes"}}, [], None])
async def test_an_unreadable_review_is_an_error(answer):
    """Nobody is let in by a garbled answer."""
    with pytest.raises(ApiServerError, match="the API server's answer to a TokenReview cannot be read"):
        await token_review(ScriptedPoster(answer), "abc")
    with pytest.raises(ApiServerError, match="the API server's answer to a SubjectAccessReview cannot be read"):
        await subject_access_review(ScriptedPoster(answer), b"{}")


@pytest.mark.parametrize(
    ("status", "decision"),
    [
        ({"allowed": True, "reason": "RBAC: …"}, Decision(True, False, "RBAC: …")),
        ({"allowed": False}, Decision(False, False, "")),
        ({"allowed": False, "denied": True, "reason": "no"}, Decision(False, True, "no")),
        ({"allowed": False, "evaluationError": "role gone"}, Decision(False, False, "role gone")),
    ],
)
async def test_a_verdict_is_what_the_api_server_says(status, decision):
    """Allowed, denied, or neither, with the reason."""
    poster = ScriptedPoster({"status": status})

    assert await subject_access_review(poster, b'{"user":"jane"}') == decision
    assert poster.posted == [
        (
            ACCESS_REVIEWS,
            {
                "kind": "SubjectAccessReview",
                "apiVersion": "authorization.k8s.io/v1",
                "metadata": {},
                "spec": {"user": "jane"},
                "status": {"allowed": False},
            },
        )
    ]


async def test_passing_failures_are_asked_again(patient, slept):
    """Up to five attempts with growing waits; Retry-After makes a wait longer."""
    poster = ScriptedPoster(
        ApiStatusError(500, "InternalError", "x"),
        reset(),
        ApiStatusError(429, "TooManyRequests", "x", retry_after=2.0),
        ApiStatusError(504, "Timeout", "x"),
        {"status": {"allowed": True}},
    )

    assert (await subject_access_review(poster, b"{}", **patient)).allowed is True
    assert slept == [0.5, 0.75, 2.0, 1.6875]


async def test_the_fifth_failure_is_final(patient, slept):
    """The last error is the one that is told."""
    poster = ScriptedPoster(*[ApiStatusError(500, "InternalError", str(turn)) for turn in range(6)])
    with pytest.raises(ApiStatusError, match="500 InternalError: 4"):
        await token_review(poster, "abc", **patient)

    assert (len(poster.posted), len(slept)) == (5, 4)


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (ApiStatusError(429, "", ""), True),
        (ApiStatusError(500, "", ""), True),
        (ApiStatusError(504, "", ""), True),
        (ApiStatusError(503, "", "", retry_after=1.0), True),
        (ApiStatusError(503, "", ""), False),
        (ApiStatusError(403, "Forbidden", ""), False),
        (reset(), True),
        (ApiUnreachable("refused"), False),
        (ApiServerError("odd"), False),
    ],
)
def test_what_passes_by_itself(error, passing):
    """The list of k8s.io/apiserver: resets, 429, 500, 504, and whatever carries Retry-After."""
    assert is_passing(error) is passing


def test_waits_vary_by_a_fifth():
    """So that many servers do not ask in step."""
    assert pauses(lambda: 1.0) == pytest.approx([0.6, 0.9, 1.35, 2.025])


async def test_other_failures_are_told_at_once(slept, patient):
    """A 403 will not go away by asking again."""
    with pytest.raises(ApiStatusError, match="403"):
        await token_review(ScriptedPoster(ApiStatusError(403, "Forbidden", "x")), "abc", **patient)

    assert slept == []


async def test_all_attempts_of_a_token_review_share_a_time_limit():
    """A caller is not kept waiting by an API server that hangs."""

    class Hanging:
        async def post(self, path, body, *, timeout=None):
            await asyncio.Event().wait()

    with pytest.raises(ApiUnreachable, match=r"no answer to a TokenReview within 0\.02 s"):
        await token_review(Hanging(), "abc", timeout=0.02)


async def test_reviews_go_over_the_wire(serve, answer):
    """The client is what reviews are posted through."""
    body = json.dumps({"status": {"authenticated": True, "user": {"username": "jane"}}})
    async with serve(answer(body, 201)) as server, ApiClient(ClusterConfig(server.url)) as api:
        user = await token_review(api, "abc")

    assert (user, server.requests[0].path) == (User("jane"), TOKEN_REVIEWS)
