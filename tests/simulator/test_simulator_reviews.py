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


# --- what a diagnosis asks about ------------------------------------------------------------------------------

ACCOUNT = "system:serviceaccount:kube-system:metrics-server"
GROUPS = ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"]
METRICS = {"verb": "get", "resource": "nodes", "subresource": "metrics"}
PROXY = {"verb": "get", "resource": "nodes", "subresource": "proxy", "name": "worker-1"}
CONFIG = {
    "verb": "get",
    "resource": "configmaps",
    "namespace": "kube-system",
    "name": "extension-apiserver-authentication",
}


async def ask(caller, kind: str, **spec) -> dict:
    """Return the status of a review over the wire."""
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    code, found = await caller.ask(f"/apis/authorization.k8s.io/v1/{kind.lower()}s", "POST", json=body)
    assert code == 201, found
    return found["status"]


@pytest.mark.parametrize(
    ("attributes", "allowed"),
    [
        (METRICS, True),
        (PROXY, False),
        (CONFIG, True),
        (CONFIG | {"name": "other"}, False),
        (CONFIG | {"namespace": "default"}, False),
        ({"verb": "create", "group": "authorization.k8s.io", "resource": "subjectaccessreviews"}, True),
        ({"verb": "create", "group": "authentication.k8s.io", "resource": "tokenreviews"}, True),
    ],
)
async def test_what_a_service_account_may(admin, attributes, allowed):
    """The metrics server's account may do what its roles say, object by object and subresource by subresource."""
    asked = {"user": ACCOUNT, "groups": GROUPS, "resourceAttributes": attributes}
    found = await ask(admin, "SubjectAccessReview", **asked)
    assert (found["allowed"], "reason" in found) == (allowed, allowed)


async def test_what_a_group_of_service_accounts_may(cluster, admin):
    """A right of the group holds only for a review that names the group, as an API server looks nobody's groups up."""
    cluster.registry.create(*roles.role("proxy", [roles.rule([""], ["nodes/proxy"], ["get"])]))
    cluster.registry.create(*roles.binding("proxy", "proxy", [roles.group(GROUPS[1])]))
    found = [
        await ask(admin, "SubjectAccessReview", user=ACCOUNT, groups=groups, resourceAttributes=PROXY)
        for groups in (GROUPS, [])
    ]
    assert [verdict["allowed"] for verdict in found] == [True, False]


async def test_what_the_caller_may(cluster, call, admin):
    """The question about oneself is answered by certificate and by token alike."""
    account = call(token=cluster.files.token.read_text())
    assert (await ask(account, "SelfSubjectAccessReview", resourceAttributes=METRICS))["allowed"] is True
    assert (await ask(account, "SelfSubjectAccessReview", resourceAttributes=PROXY))["allowed"] is False
    assert (await ask(admin, "SelfSubjectAccessReview", resourceAttributes=PROXY))["allowed"] is True
    assert (await ask(call("jane"), "SelfSubjectAccessReview", resourceAttributes=CONFIG))["allowed"] is False
