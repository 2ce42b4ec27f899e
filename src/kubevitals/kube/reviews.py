"""Questions to the API server about callers: TokenReview and SubjectAccessReview."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from kubevitals.errors import ApiServerError, ApiStatusError, ApiUnreachable
from kubevitals.model import User

TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105 - a path
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

_SECONDS = 10.0  # for all attempts of a TokenReview, and for each of a SubjectAccessReview
_WAITS = (0.5, 0.75, 1.125, 1.6875)  # between five attempts; k8s.io/apiserver, DefaultRetryBackoff
_JITTER = 0.2
_PASSING = (429, 500, 504)

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
Random = Callable[[], float]


class Poster(Protocol):
    """What can ask the API server; ``kube.client.ApiClient`` does."""

    async def post(self, path: str, body: bytes, *, timeout: float | None = None) -> bytes:
        """Send JSON and return the answer's body."""
        ...


class TokenReviewError(ApiServerError):
    """The API server could not tell whom a token belongs to, and said why; later it may be able to."""


class Decision(NamedTuple):
    """The API server's verdict; ``denied`` is a no that nobody may overrule, usually a no is both false."""

    allowed: bool
    denied: bool
    reason: str


class _UserInfo(msgspec.Struct):
    username: str = ""
    uid: str = ""
    groups: list[str] | None = None
    extra: dict[str, list[str] | None] | None = None


class _TokenStatus(msgspec.Struct):
    authenticated: bool = False
    user: _UserInfo | None = None
    error: str = ""


class _TokenReview(msgspec.Struct):
    status: _TokenStatus


class _AccessStatus(msgspec.Struct, rename="camel"):
    allowed: bool
    denied: bool = False
    reason: str = ""
    evaluation_error: str = ""


class _AccessReview(msgspec.Struct):
    status: _AccessStatus


_TOKEN_DECODER = msgspec.json.Decoder(_TokenReview)
_ACCESS_DECODER = msgspec.json.Decoder(_AccessReview)


async def token_review(
    client: Poster,
    token: str,
    *,
    timeout: float = _SECONDS,
    sleep: Sleep = asyncio.sleep,
    random: Random = random.random,
) -> User | None:
    """Return whom a bearer token belongs to.

    Args:
        client: the API server.
        token: what the caller sent.
        timeout: seconds for all attempts together.
        sleep: waits between attempts.
        random: a number from 0 to 1.

    Returns:
        The user, or None when the API server does not know the token (an answer that may be cached).

    Raises:
        TokenReviewError: it answered no and gave an error, as it does for expired tokens; not to be cached.
        ApiServerError: it gave no usable answer; not to be cached.
    """
    review = {
        "kind": "TokenReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {},
        "spec": {"token": token},
        "status": {"user": {}},
    }
    body = msgspec.json.encode(review)
    try:
        async with asyncio.timeout(timeout):
            answer = await _ask(client, TOKEN_REVIEWS, body, sleep, random)
    except TimeoutError:
        raise ApiUnreachable(f"no answer to a TokenReview within {timeout:g} s") from None
    return _user(_status(_TOKEN_DECODER, answer, "TokenReview").status)


async def subject_access_review(
    client: Poster, spec_json: bytes, *, sleep: Sleep = asyncio.sleep, random: Random = random.random
) -> Decision:
    """Return the verdict on a SubjectAccessReview's ``spec``, given as JSON.

    Raises:
        ApiServerError: the API server gave no usable answer.
    """
    body = (
        b'{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","metadata":{},"spec":%b,'
        b'"status":{"allowed":false}}' % spec_json
    )
    answer = await _ask(client, ACCESS_REVIEWS, body, sleep, random)
    status = _status(_ACCESS_DECODER, answer, "SubjectAccessReview").status
    return Decision(status.allowed, status.denied, status.reason or status.evaluation_error)


async def _ask(client: Poster, path: str, body: bytes, sleep: Sleep, random: Random) -> bytes:
    """Post, and post again after passing failures."""
    for wait in pauses(random):
        try:
            return await client.post(path, body, timeout=_SECONDS)
        except ApiServerError as error:
            if not is_passing(error):
                raise
            await sleep(max(wait, getattr(error, "retry_after", None) or 0.0))
    return await client.post(path, body, timeout=_SECONDS)


def pauses(random: Random) -> Sequence[float]:
    """Return the seconds between attempts, each up to a fifth longer by chance."""
    return [wait * (1 + _JITTER * random()) for wait in _WAITS]


def is_passing(error: ApiServerError) -> bool:
    """Tell whether asking again may help: a reset connection, 429, 500, 504, or anything with Retry-After."""
    if isinstance(error, ApiStatusError):
        return error.code in _PASSING or error.retry_after is not None
    return isinstance(error.__cause__, ConnectionResetError)


def _status(decoder: msgspec.json.Decoder[T], answer: bytes, kind: str) -> T:
    try:
        return decoder.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiServerError(f"the API server's answer to a {kind} cannot be read: {error}") from error


def _user(status: _TokenStatus) -> User | None:
    if not status.authenticated:
        if status.error:
            raise TokenReviewError(status.error)
        return None
    found = status.user or _UserInfo()
    extra = {key: tuple(values or ()) for key, values in (found.extra or {}).items()}
    return User(found.username, tuple(found.groups or ()), found.uid, extra)
