"""Who asked and what was decided about them: authentication, authorization, and the reviews they cost. Pure.

Durations are in seconds.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from kubevitals.telemetry.counts import Counts
from kubevitals.telemetry.histograms import DEFAULT_BUCKETS, Histogram, Timed

_VERDICT_BUCKETS = tuple(0.001 * 2**power for power in range(15))
_FILTER_BUCKETS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 5.0, 10.0, 15.0, 30.0)
_REVIEW_BUCKETS = (0.25, 0.5, 0.7, 1.0, 1.5, 3.0, 5.0, 10.0)
_EXPIRY_BUCKETS = (
    0.0, 1800.0, 3600.0, 7200.0, 21600.0, 43200.0, 86400.0, 172800.0, 345600.0,
    604800.0, 2592000.0, 7776000.0, 15552000.0, 31104000.0,
)  # fmt: skip
_KNOWN_USERS = frozenset({"admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"})


class Callers:
    """Counts and times what the filters before the routes find out."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._filters = Histogram(
            "apiserver_request_filter_duration_seconds",
            "[ALPHA] Seconds that a filter took before it let a request go on or refused it.",
            _FILTER_BUCKETS,
            ["filter"],
        )
        self._authentications = Timed(
            ("authentication_attempts", "[ALPHA] Requests authenticated, by result."),
            ("authentication_duration_seconds", "[ALPHA] Seconds that authentication took, by result."),
            _VERDICT_BUCKETS,
            ["result"],
        )
        self._authorizations = Timed(
            ("authorization_attempts_total", "[ALPHA] Requests authorized, by result."),
            ("authorization_duration_seconds", "[ALPHA] Seconds that authorization took, by result."),
            _VERDICT_BUCKETS,
            ["result"],
        )
        self._users = Counts(
            "authenticated_user_requests", "[ALPHA] Requests authenticated, by kind of user.", "username"
        )
        self._certificates = Histogram(
            "apiserver_client_certificate_expiration_seconds",
            "[ALPHA] Seconds that the client certificates which callers stand for themselves with are still valid.",
            _EXPIRY_BUCKETS,
        )
        self._token_reviews = _reviews("authn", "TokenReviews")
        self._access_reviews = _reviews("authz", "SubjectAccessReviews")
        for collector in (
            self._filters, self._authentications, self._authorizations, self._users, self._certificates,
            self._token_reviews, self._access_reviews,
        ):  # fmt: skip
            registry.register(collector)

    def authenticated(self, result: str, seconds: float, user: str = "") -> None:
        """Record an attempt; ``result`` is ``success`` (with the user's name), ``failure`` or ``error``."""
        self._authentications.of(result).observe(seconds)
        self._filters.of("authentication").observe(seconds)
        if result == "success":
            self._users.add(user_kind(user))

    def authorized(self, result: str, seconds: float) -> None:
        """Record a verdict; ``result`` is ``allowed``, ``denied``, ``no-opinion`` or ``error``."""
        self._authorizations.of(result).observe(seconds)
        self._filters.of("authorization").observe(seconds)

    def certificate_seen(self, seconds_left: float) -> None:
        """Record how long a client certificate that was accepted for itself is still valid."""
        self._certificates.of().observe(seconds_left)

    def token_review(self, code: str, seconds: float) -> None:
        """Record one TokenReview; ``code`` is the HTTP status, ``<error>`` when there was no answer."""
        self._token_reviews.of(code).observe(seconds)

    def access_review(self, code: str, seconds: float) -> None:
        """Record one SubjectAccessReview; ``code`` is the HTTP status, ``<error>`` when there was no answer."""
        self._access_reviews.of(code).observe(seconds)


class TokenCache:
    """What the memory of TokenReviews does; ``authentication_token_cache_*``. Without a registry nobody sees it."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._lookups = Timed(
            ("authentication_token_cache_request_total", "[ALPHA] Tokens looked up, by whether they were remembered."),
            ("authentication_token_cache_request_duration_seconds", "[ALPHA] Seconds that looking up a token took."),
            DEFAULT_BUCKETS,
            ["status"],
        )
        self._fetches = Counts(
            "authentication_token_cache_fetch_total", "[ALPHA] Tokens that the API server was asked about.", "status"
        )
        self._active = Gauge(
            "authentication_token_cache_active_fetch_count",
            "[ALPHA] Questions about tokens that are under way (in_flight), and requests that wait for them (blocked).",
            ["status"],
            registry=registry,
        )
        if registry is not None:
            registry.register(self._lookups)
            registry.register(self._fetches)

    def looked_up(self, *, hit: bool, seconds: float) -> None:
        """Record a look-up that was answered from memory, or not."""
        self._lookups.of("hit" if hit else "miss").observe(seconds)

    def waiting(self, change: int) -> None:
        """Record one request more (1) or less (-1) that waits for an answer about a token."""
        self._active.labels("blocked").inc(change)

    def asking(self) -> None:
        """Record that the API server is being asked about a token."""
        self._active.labels("in_flight").inc()

    def asked(self, *, ok: bool) -> None:
        """Record that it answered, with a verdict or not."""
        self._active.labels("in_flight").dec()
        self._fetches.add("ok" if ok else "error")


def user_kind(name: str) -> str:
    """Return what a user's name is counted under, so that names neither show nor multiply."""
    if name in _KNOWN_USERS:
        return name
    return "email_id" if "@" in name else "other"


def _reviews(what: str, kind: str) -> Timed:
    name = f"apiserver_delegated_{what}_request"
    return Timed(
        (f"{name}_total", f"[ALPHA] {kind} sent to the API server, by HTTP status code."),
        (f"{name}_duration_seconds", f"[ALPHA] Seconds until {kind} were answered, by HTTP status code."),
        _REVIEW_BUCKETS,
        ["code"],
    )
