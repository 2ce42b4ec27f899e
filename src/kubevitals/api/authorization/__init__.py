"""May they: decided by the API server, but for administrators and the paths that are open to all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from kubevitals import logs
from kubevitals.api.authorization.accessreview import spec_of
from kubevitals.api.cache import Answer, SharedLookups
from kubevitals.api.request import Attributes
from kubevitals.api.trouble import Trouble
from kubevitals.errors import ApiServerError, KubevitalsError, UsageError
from kubevitals.kube.reviews import Decision
from kubevitals.model import User
from kubevitals.quoting import quote

_log = logs.get(__name__)
_ADMINISTRATORS = "system:masters"
_PROBES = ("/healthz", "/livez", "/readyz")
_ALLOWED = Decision(allowed=True, denied=False, reason="")
_REMEMBERED = 8192
_LONGEST = 10_000  # bytes of attributes; longer questions are not remembered, as their number has no bound
_REMEDY = (
    "check that the API server is reachable, and that our service account is bound to the ClusterRole"
    " system:auth-delegator"
)


class AuthorizationFailed(KubevitalsError):
    """There is no verdict: a 500, never a permission."""


class OpenPaths:
    """Paths that everybody may ask for.

    Args:
        entries: ``--authorization-always-allow-paths``: a path, or the start of paths with a ``*`` at its
            end. The leading slash may be left out.

    Raises:
        UsageError: a ``*`` elsewhere; worded as the API server library words it.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        plain = [entry.removeprefix("/") for entry in entries]
        problems = [f"only trailing * allowed in {quote(entry)}" for entry in plain if "*" in entry[:-1]]
        if problems:
            raise UsageError(problems)
        self._exact = frozenset(entry for entry in plain if not entry.endswith("*"))
        self._starts = tuple(entry[:-1] for entry in plain if entry.endswith("*"))

    def __contains__(self, path: str) -> bool:
        plain = path.removeprefix("/")
        return plain in self._exact or plain.startswith(self._starts)


class Authorizer:
    """Tells whether a user may do what a request asks for.

    Args:
        review: asks the API server, given the JSON of a SubjectAccessReview's spec, as
            ``kube.reviews.subject_access_review`` does.
        open_paths: ``--authorization-always-allow-paths``; the three probe paths are open in any case, for a
            kubelet that cannot probe kills the pod.
        allowed_ttl: seconds to remember a yes; 0 never does.
        denied_ttl: seconds to remember a no; 0 never does.
        clock: monotonic seconds.

    Raises:
        UsageError: an open path that is no pattern.
    """

    def __init__(
        self,
        review: Callable[[bytes], Awaitable[Decision]],
        *,
        open_paths: Iterable[str] = (),
        allowed_ttl: float = 10.0,
        denied_ttl: float = 10.0,
        clock: Callable[[], float],
    ) -> None:
        self._review = review
        self._open = OpenPaths([*_PROBES, *open_paths])
        self._ttls = {True: allowed_ttl, False: denied_ttl}
        self._lookups: SharedLookups[bytes, Decision] = SharedLookups(_REMEMBERED, clock)
        self._trouble = Trouble(_log, "SubjectAccessReview", _REMEDY)

    async def authorize(self, user: User, asked: Attributes) -> Decision:
        """Return whether ``user`` may, and the API server's reason.

        Raises:
            AuthorizationFailed: nobody can say.
        """
        if _ADMINISTRATORS in user.groups or (not asked.resource_request and asked.path in self._open):
            return _ALLOWED
        spec = spec_of(user, asked)
        try:
            return await self._lookups.get(spec, lambda: self._ask(spec, asked))
        except (ApiServerError, TimeoutError) as error:
            problem = str(error) or "no answer to a SubjectAccessReview in time"
            self._trouble.begin(problem)
            raise AuthorizationFailed(problem) from error

    async def _ask(self, spec: bytes, asked: Attributes) -> Answer[Decision]:
        decision = await self._review(spec)
        self._trouble.end()
        if decision.allowed and decision.denied:
            raise AuthorizationFailed("webhook subject access review returned both allow and deny response")
        return Answer(decision, self._ttls[decision.allowed] if _length(asked) < _LONGEST else 0.0)


def _length(asked: Attributes) -> int:
    parts = (
        asked.namespace, asked.verb, asked.group, asked.version,
        asked.resource, asked.subresource, asked.name, asked.path,
    )  # fmt: skip
    return sum(len(part.encode("utf-8", "surrogatepass")) for part in parts)
