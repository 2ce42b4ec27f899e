"""Who is asking: the API server's front proxy, a client certificate, a bearer token, or nobody in particular.

The first that succeeds names the user, even when an earlier one failed. When none succeeds, credentials that
failed are refused: only a request without any is anonymous.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from kubevitals.api.authentication.certificates import CertificateRefused, Subject
from kubevitals.api.authentication.requestheader import UnlistedName, proxied_user
from kubevitals.api.authentication.tokens import Tokens, bearer_of
from kubevitals.api.authentication.trust import ClientTrust, Trust
from kubevitals.api.message import Headers, Request
from kubevitals.errors import ApiServerError, KubevitalsError
from kubevitals.model import User

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = User("system:anonymous", (UNAUTHENTICATED,))
_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


class Unauthorized(KubevitalsError):
    """Credentials that are not accepted: a 401.

    Args:
        reasons: why each of them was not; for the log, never for the caller.
        warnings: Warning header values for the answer.
    """

    def __init__(self, reasons: Sequence[str], warnings: tuple[str, ...] = ()) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)
        self.warnings = warnings


class ImpersonationRefused(KubevitalsError):
    """A caller that asks to act as somebody else: a 403. ``user`` is who it is."""

    def __init__(self, user: User) -> None:
        super().__init__("impersonation is not offered here; send the request through kube-apiserver")
        self.user = user


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Who is asking, and Warning header values for the answer."""

    user: User
    warnings: tuple[str, ...] = ()


class Authenticator:
    """Tells who sent a request.

    Args:
        trust: the certificates and headers that identify callers, read anew for every request.
        tokens: whose bearer token is whose.
        now: seconds since the epoch.
        certificate_seen: told how many seconds a certificate that its holder stands for itself with is still valid.
        name_refused: told why, of each request with a certificate of the front proxy's authority and a wrong name.
    """

    def __init__(
        self,
        trust: ClientTrust,
        tokens: Tokens,
        *,
        now: Callable[[], float],
        certificate_seen: Callable[[float], None] = lambda seconds: None,
        name_refused: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._trust = trust
        self._tokens = tokens
        self._now = now
        self._certificate_seen = certificate_seen
        self._name_refused = name_refused

    async def authenticate(self, request: Request) -> Authenticated:
        """Return who is asking.

        Raises:
            Unauthorized: there were credentials, and none of them was accepted.
            ImpersonationRefused: whoever it is wants to act as somebody else.
        """
        known = await self._identify(request)
        if any(name.startswith("impersonate-") for name, _ in request.headers):
            raise ImpersonationRefused(known.user)
        return known

    async def _identify(self, request: Request) -> Authenticated:
        user, reasons = by_certificate(self._trust.current, request, self._now(), self._certificate_seen)
        for unlisted in reasons:
            if isinstance(unlisted, UnlistedName):
                self._name_refused(str(unlisted))
        known = Authenticated(user) if user else await self._by_token(request.headers, [*map(str, reasons)])
        return Authenticated(_with_group(known.user), known.warnings)

    async def _by_token(self, headers: Headers, reasons: Sequence[str]) -> Authenticated:
        """Return whose token it is, or anonymous when there is no token and nothing failed so far."""
        token, warnings = bearer_of(headers)
        if token:
            return Authenticated(await self._owner(token, reasons))
        if reasons:
            raise Unauthorized(reasons, warnings)
        return Authenticated(ANONYMOUS, warnings)

    async def _owner(self, token: str, reasons: Sequence[str]) -> User:
        try:
            user = await self._tokens.user(token)
        except ApiServerError as error:
            raise Unauthorized([*reasons, f"TokenReview: {error}"]) from error
        except TimeoutError as error:
            raise Unauthorized([*reasons, "TokenReview: no answer in time"]) from error
        if user is None:
            raise Unauthorized([*reasons, "invalid bearer token"])
        return user


def by_certificate(
    trust: Trust, request: Request, now: float, seen: Callable[[float], None]
) -> tuple[User | None, list[CertificateRefused]]:
    """Return the user a certificate vouches for, if any, and else what failed.

    Each is judged against its own authorities only: a client certificate never speaks for others, and the
    front proxy's never stands for itself.
    """
    reasons: list[CertificateRefused] = []
    for judge in (_proxied, partial(_certified, seen=seen)):
        try:
            user = judge(trust, request, now)
        except CertificateRefused as error:
            reasons.append(error)
            continue
        if user is not None:
            return user, []
    return None, reasons


def _proxied(trust: Trust, request: Request, now: float) -> User | None:
    return proxied_user(trust.front_proxy, request, now) if trust.front_proxy else None


def _certified(trust: Trust, request: Request, now: float, *, seen: Callable[[float], None]) -> User | None:
    if trust.client is None or not request.peer_chain:
        return None
    subject = trust.client.verify(request.peer_chain, now)
    seen(subject.expires - now)
    return user_of(subject)


def user_of(subject: Subject) -> User | None:
    """Return the user a certificate stands for: CN is the name, O are the groups; None without a name.

    Raises:
        CertificateRefused: it has several uids, or an empty one.
    """
    if not subject.common_name:
        return None
    if len(subject.uids) > 1 or "" in subject.uids:
        raise CertificateRefused("the certificate's subject must not have several uids, nor an empty one")
    return User(
        subject.common_name,
        groups=subject.organizations,
        uid="".join(subject.uids),
        extra={_CREDENTIAL_ID: (f"X509SHA256={subject.fingerprint}",)},
    )


def _with_group(user: User) -> User:
    """Add ``system:authenticated``, unless the user's groups say already whether it is authenticated."""
    if user.name == ANONYMOUS.name or {AUTHENTICATED, UNAUTHENTICATED} & set(user.groups):
        return user
    return replace(user, groups=(*user.groups, AUTHENTICATED))
