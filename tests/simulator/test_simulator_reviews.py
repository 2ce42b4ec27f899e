"""Reviews: questions to the API server."""

from __future__ import annotations

import pytest

from kubevitals.model import User
from kubevitals.simulator import reviews, roles
from kubevitals.simulator.kinds import TOKEN_REVIEWS
from kubevitals.simulator.registry import Registry
from kubevitals.simulator.status import Refused

BOT = User("bot", ("g",), "7", {"k": ("v",)})


@pytest.fixture
def registry():
    made = Registry(now=lambda: 0.0)
    for kind, item in roles.defaults():
        if not item["metadata"].get("namespace"):
            made.create(kind, item)
    return made


def test_a_known_token_is_reviewed_with_its_user():
    """The answer carries the user as an authenticated one, and the audiences that were asked for."""
    body = {"spec": {"token": "t", "audiences": ["api"]}}
    assert reviews.token_review(body, {"t": BOT}.get) == {
        "authenticated": True,
        "user": {"username": "bot", "uid": "7", "groups": ["g", "system:authenticated"], "extra": {"k": ["v"]}},
        "audiences": ["api"],
    }


@pytest.mark.parametrize("spec", [{}, {"token": "x"}])
def test_an_unknown_token_is_reviewed_with_an_error(spec):
    """The answer is not authenticated, and says so in its error."""
    found = reviews.token_review({"spec": spec}, lambda _: None)
    assert found == {"user": {}, "error": "[invalid bearer token, unknown]"}


def test_access_is_reviewed_for_whom_it_is_asked(registry):
    """Groups of the spec count; nothing is added to them."""
    spec = {"user": "x", "groups": ["system:authenticated"], "nonResourceAttributes": {"path": "/apis", "verb": "get"}}
    assert reviews.subject_access_review(registry, {"spec": spec})["allowed"] is True
    alone = {key: value for key, value in spec.items() if key != "groups"}
    assert reviews.subject_access_review(registry, {"spec": alone}) == {"allowed": False}


def test_access_to_resources_is_reviewed(registry):
    """Resource attributes are taken as they are sent."""
    attributes = {"verb": "list", "group": "metrics.k8s.io", "resource": "pods"}
    masters = User("root", ("system:masters",))
    body = {"spec": {"resourceAttributes": attributes}}
    assert reviews.self_subject_access_review(registry, masters, body) == {"allowed": True}
    assert reviews.self_subject_access_review(registry, BOT, body) == {"allowed": False}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"user": "x"},
        {"user": "x", "resourceAttributes": {}, "nonResourceAttributes": {}},
        {"resourceAttributes": {}},
    ],
)
def test_a_review_must_say_about_whom_and_what(registry, spec):
    """A review without a user, or without exactly one thing that is asked for, is a bad request."""
    with pytest.raises(Refused) as refused:
        reviews.subject_access_review(registry, {"spec": spec})
    assert refused.value.code == 400


def test_an_answer_repeats_the_question():
    """A review comes back with its kind, spec and status."""
    found = reviews.answered(TOKEN_REVIEWS, {"spec": {"token": "t"}}, {"authenticated": True})
    assert (found["kind"], found["spec"], found["status"]) == ("TokenReview", {"token": "t"}, {"authenticated": True})
    assert reviews.self_subject_review(User("x")) == {"userInfo": {"username": "x"}}
