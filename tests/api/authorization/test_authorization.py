"""May they: what is allowed without asking, what is remembered, and what fails closed."""

from __future__ import annotations

import pytest

from kubevitals.api.authorization import AuthorizationFailed, Authorizer, OpenPaths
from kubevitals.api.request import Attributes
from kubevitals.errors import ApiUnreachable, UsageError
from kubevitals.kube.reviews import Decision
from kubevitals.model import User

YES = Decision(allowed=True, denied=False, reason="")
NO = Decision(allowed=False, denied=False, reason="because")
NEVER = Decision(allowed=False, denied=True, reason="")
BOTH = Decision(allowed=True, denied=True, reason="")
JANE = User("jane", ("dev",))
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
LIST = Attributes("list", "/apis/metrics.k8s.io/v1beta1/nodes", True, "metrics.k8s.io", "v1beta1", "nodes")


class Reviews:
    """Answers in turn, the last answer for ever, and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def __call__(self, spec):
        self.asked.append(spec)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def _authorizer(reviews, clock=None, **options):
    return Authorizer(reviews, clock=clock or Clock(), **options)


async def test_administrators_are_not_asked_about():
    """system:masters may do everything, without a review."""
    reviews = Reviews(NO)

    decision = await _authorizer(reviews).authorize(User("root", ("a", "system:masters")), LIST)

    assert (decision.allowed, reviews.asked) == (True, [])


@pytest.mark.parametrize(
    ("path", "entries", "expected"),
    [
        ("/livez", (), True),
        ("/readyz", ("/metrics",), True),
        ("/healthz", ("/metrics",), True),
        ("/metrics", ("/metrics",), True),
        ("/metrics", ("metrics",), True),
        ("/metrics", (), False),
        ("/readyz/ping", ("/readyz",), False),
        ("/readyz/ping", ("/readyz/*",), True),
        ("//livez", (), False),
        ("/livez/", (), False),
        ("/", ("/",), True),
        ("/", (), False),
        ("/anything", ("*",), True),
    ],
)
async def test_open_paths(path, entries, expected):
    """The probe paths are open to all, and whatever the flag adds: exact paths, or starts that end in ``*``."""
    reviews = Reviews(NO)

    decision = await _authorizer(reviews, open_paths=entries).authorize(ANONYMOUS, Attributes("post", path))

    assert (decision.allowed, len(reviews.asked)) == (expected, 0 if expected else 1)


async def test_open_paths_open_no_resources():
    """A pattern over everything does not open the resources."""
    assert (await _authorizer(Reviews(NO), open_paths=["*"]).authorize(ANONYMOUS, LIST)).allowed is False


def test_star_inside_a_path_is_a_usage_error():
    """A ``*`` elsewhere than at the end stops the start, with every such entry named."""
    with pytest.raises(UsageError) as refused:
        OpenPaths(["/a*b", "/ok*", "/*/c"])

    assert refused.value.problems == ('only trailing * allowed in "a*b"', 'only trailing * allowed in "*/c"')


@pytest.mark.parametrize("verdict", [YES, NO, NEVER])
async def test_verdict_is_the_api_servers(verdict):
    """Only a clear yes allows, and the reason comes along."""
    assert await _authorizer(Reviews(verdict)).authorize(JANE, LIST) == verdict


async def test_yes_and_no_at_once_fail():
    """A contradiction is no permission; it is not remembered either."""
    reviews = Reviews(BOTH, YES)
    authorizer = _authorizer(reviews)

    with pytest.raises(AuthorizationFailed, match="both allow and deny"):
        await authorizer.authorize(JANE, LIST)
    assert (await authorizer.authorize(JANE, LIST)).allowed is True


@pytest.mark.parametrize("verdict", [YES, NO])
async def test_two_requests_in_ten_seconds_are_one_review(verdict):
    """An answer is remembered ten seconds."""
    reviews, clock = Reviews(verdict), Clock()
    authorizer = _authorizer(reviews, clock)

    counts = []
    for step in (0.0, 9.9, 0.2):
        clock.now += step
        await authorizer.authorize(JANE, LIST)
        counts.append(len(reviews.asked))

    assert counts == [1, 1, 2]


@pytest.mark.parametrize(("verdict", "expected"), [(YES, 2), (NO, 1)])
async def test_yes_and_no_are_remembered_for_their_own_times(verdict, expected):
    """The two flags for yes and no count apart; 0 remembers nothing."""
    reviews = Reviews(verdict)
    authorizer = _authorizer(reviews, allowed_ttl=0.0, denied_ttl=10.0)
    for _ in range(2):
        await authorizer.authorize(JANE, LIST)

    assert len(reviews.asked) == expected


@pytest.mark.parametrize(
    "other",
    [
        User("john", ("dev",)),
        User("jane", ("ops",)),
        User("jane", ("dev",), "u"),
        User("jane", ("dev",), "", {"k": ()}),
    ],
)
async def test_answers_are_not_shared_between_users(other):
    """Another name, group, uid or extra is another question."""
    reviews = Reviews(YES, NO)
    authorizer = _authorizer(reviews)

    assert [(await authorizer.authorize(user, LIST)).allowed for user in (JANE, other)] == [True, False]


@pytest.mark.parametrize(("size", "expected"), [(9_996, 1), (9_997, 2)])
async def test_long_questions_are_not_remembered(size, expected):
    """Attributes of 10,000 bytes and more are asked about every time."""
    reviews = Reviews(NO)
    authorizer = _authorizer(reviews)
    for _ in range(2):
        await authorizer.authorize(JANE, Attributes("get", "x" * size))

    assert len(reviews.asked) == expected


async def test_failing_review_is_never_a_permission(caplog):
    """When nobody can say, the request fails; it is logged once, and the next request asks again."""
    reviews = Reviews(ApiUnreachable("connection refused"), ApiUnreachable("connection refused"), YES)
    authorizer = _authorizer(reviews)

    for _ in range(2):
        with pytest.raises(AuthorizationFailed, match="connection refused"):
            await authorizer.authorize(JANE, LIST)

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert (await authorizer.authorize(JANE, LIST)).allowed is True
