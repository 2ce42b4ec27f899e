"""Bearer tokens: what the Authorization header holds, and whose token the API server says it is."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from kubevitals import logs
from kubevitals.api.cache import Answer, SharedLookups
from kubevitals.api.message import Headers
from kubevitals.api.text import well_formed
from kubevitals.api.trouble import Trouble
from kubevitals.errors import ApiServerError
from kubevitals.kube.reviews import TokenReviewError
from kubevitals.model import User
from kubevitals.telemetry.callers import TokenCache

_log = logs.get(__name__)
_REMEMBERED = 4096
_EXTRA_SPACE = '299 - "the provided Authorization header contains extra space before the bearer token, and is ignored"'
_REMEDY = (
    "check that the API server is reachable, and that our service account is bound to the ClusterRole"
    " system:auth-delegator"
)


class Bearer(NamedTuple):
    """The token of a request, empty when there is none, and Warning header values for the answer."""

    token: str = ""
    warnings: tuple[str, ...] = ()


def bearer_of(headers: Headers) -> Bearer:
    """Read the first Authorization header; the scheme's case does not matter, another scheme is no token."""
    scheme, *rest = headers.get("Authorization").strip().split(" ", 2)
    if scheme.lower() != "bearer" or not rest:
        return Bearer()
    if rest[0]:
        return Bearer(well_formed(rest[0]))
    return Bearer(warnings=(_EXTRA_SPACE,)) if len(rest) == 2 else Bearer()


class _Verdict(NamedTuple):
    user: User | None


class Tokens:
    """Asks the API server whose a token is, and remembers the answer for a short while.

    Args:
        review: asks, as ``kube.reviews.token_review`` does: None for a token that is nobody's, ApiServerError
            for a verdict that must not be remembered, or none at all.
        ttl: seconds to remember a verdict; 0 never does.
        secret: random bytes; tokens are remembered by their HMAC, so that the memory holds none.
        clock: monotonic seconds.
        observer: told of every look-up; None tells nobody.
    """

    def __init__(
        self,
        review: Callable[[str], Awaitable[User | None]],
        *,
        ttl: float = 10.0,
        secret: bytes,
        clock: Callable[[], float],
        observer: TokenCache | None = None,
    ) -> None:
        self._clock = clock
        self._observer = observer or TokenCache()
        self._review = review
        self._ttl = ttl
        self._secret = secret
        self._lookups: SharedLookups[bytes, _Verdict] = SharedLookups(_REMEMBERED, clock)
        self._trouble = Trouble(_log, "TokenReview", _REMEDY)

    async def user(self, token: str) -> User | None:
        """Return whose token it is; None when it is nobody's.

        Raises:
            ApiServerError: the API server refuses it with an error, or could not be asked.
            TimeoutError: it did not answer in time.
        """
        key, began = hmac.digest(self._secret, token.encode(), hashlib.sha256), self._clock()
        known = self._lookups.known(key)
        if known is not None:
            self._observer.looked_up(hit=True, seconds=self._clock() - began)
            return known.user
        self._observer.waiting(1)
        try:
            return await self._looked_up(key, token)
        finally:
            self._observer.waiting(-1)
            self._observer.looked_up(hit=False, seconds=self._clock() - began)

    async def _looked_up(self, key: bytes, token: str) -> User | None:
        try:
            return (await self._lookups.get(key, lambda: self._ask(token))).user
        except TokenReviewError:
            self._trouble.end()  # the API server answered; what it says is about the token
            raise
        except (ApiServerError, TimeoutError) as error:
            self._trouble.begin(str(error) or "no answer to a TokenReview in time")
            raise

    async def _ask(self, token: str) -> Answer[_Verdict]:
        self._observer.asking()
        answered = False
        try:
            user = await self._review(token)
            answered = True
        finally:
            self._observer.asked(ok=answered)
        self._trouble.end()
        return Answer(_Verdict(user), self._ttl)
