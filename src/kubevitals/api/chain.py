"""The filters every request passes, in the API server's order.

audit id → panic recovery → request info → draining → cache headers → deadline → authentication → impersonation →
requests in flight → authorization → routes. So 401 comes before 429, 429 before 403, and 403 before any 404: a caller
without rights learns nothing about what exists.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from kubevitals import logs
from kubevitals.api import compression, status
from kubevitals.api.authentication import Authenticator, ImpersonationRefused, Unauthorized
from kubevitals.api.authorization import AuthorizationFailed, Authorizer
from kubevitals.api.message import Request, Response
from kubevitals.api.request import Attributes, RequestInfoError, attributes_of, query_of
from kubevitals.api.routes import Routes
from kubevitals.errors import QuantityError
from kubevitals.model import User
from kubevitals.quantity import parse_duration
from kubevitals.telemetry import Telemetry

_log = logs.get("api")
_TEXT = "text/plain; charset=utf-8"
_NOSNIFF = ("X-Content-Type-Options", "nosniff")
_EXEMPT_WHEN_DRAINING = ("/readyz", "/livez", "/healthz", "/metrics")


@dataclass(frozen=True, slots=True)
class ChainLimits:
    """Bounds on requests. ``timeout`` in seconds; 0 in flight means unlimited."""

    timeout: float = 60.0
    in_flight: int = 400
    mutating_in_flight: int = 200
    hsts: str = ""


class Chain:
    """Answers every request, whatever happens.

    Args:
        authenticator: who is asking.
        authorizer: may they.
        routes: what they get.
        draining: whether the server is on its way out.
        telemetry: our own counters.
        clock: monotonic seconds, for durations.
    """

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        authorizer: Authorizer,
        routes: Routes,
        draining: Callable[[], bool],
        telemetry: Telemetry,
        clock: Callable[[], float],
        limits: ChainLimits,
    ) -> None:
        self._authenticator = authenticator
        self._authorizer = authorizer
        self._routes = routes
        self._draining = draining
        self._telemetry = telemetry
        self._clock = clock
        self._limits = limits
        self._in_flight = {"readOnly": 0, "mutating": 0}

    async def handle(self, request: Request) -> Response:
        """Answer one request; never raises but for cancellation."""
        started = self._clock()
        audit_id = request.headers.get("Audit-ID") or str(uuid.uuid4())
        asked = Attributes(verb=request.method.lower(), path=request.path)
        try:
            asked = attributes_of(request, query_of(request))
            answer = await self._within_deadline(request, asked)
        except RequestInfoError as error:
            answer = _internal_error(request, f"failed to create RequestInfo: {error}")
        except Exception as error:  # noqa: BLE001 - one request's fault must not end the process or leave a caller waiting
            _log.error("A request made the server panic", path=request.path, error=repr(error), trace=logs.trace(error))
            answer = Response(500, [status.PANIC_BODY], _TEXT)
        answer = await compression.compressed(request, answer)
        self._finish(answer, audit_id)
        self._observe(request, asked, answer, self._clock() - started)
        return answer

    async def _within_deadline(self, request: Request, asked: Attributes) -> Response:
        if self._draining() and not _exempt_when_draining(request):
            return self._routes.refusal(request, status.shutting_down(), headers=[("Retry-After", "1")])
        try:
            timeout = _timeout_of(query_of(request).get("timeout", ""), self._limits.timeout)
        except QuantityError as error:
            return self._routes.refusal(request, status.bad_timeout(str(error)))
        try:
            async with asyncio.timeout(timeout):
                return await self._authenticated(request, asked)
        except TimeoutError:
            return Response(504, [status.TIMEOUT_BODY], _TEXT)

    async def _authenticated(self, request: Request, asked: Attributes) -> Response:
        try:
            known = await self._authenticator.authenticate(request)
        except Unauthorized as error:
            _log.v(4, "Refused credentials", path=request.path, remote=request.remote, reason=str(error))
            return self._routes.refusal(request, status.unauthorized(), [("Warning", text) for text in error.warnings])
        except ImpersonationRefused as error:
            return self._routes.refusal(request, status.impersonation_refused(error.user.name))
        kind = "readOnly" if asked.verb in ("get", "list", "watch") else "mutating"
        limit = self._limits.in_flight if kind == "readOnly" else self._limits.mutating_in_flight
        if limit and self._in_flight[kind] >= limit and "system:masters" not in known.user.groups:
            return Response(429, [status.TOO_MANY_REQUESTS_BODY], _TEXT, [("Retry-After", "1"), _NOSNIFF])
        self._in_flight[kind] += 1
        try:
            answer = await self._authorized(request, asked, known.user)
        finally:
            self._in_flight[kind] -= 1
        answer.headers.extend(("Warning", text) for text in known.warnings)
        return answer

    async def _authorized(self, request: Request, asked: Attributes, user: User) -> Response:
        try:
            decision = await self._authorizer.authorize(user, asked)
        except AuthorizationFailed as error:
            _log.warning("Authorization could not be decided", path=request.path, user=user.name, error=str(error))
            return _internal_error(request, str(error))
        if not decision.allowed:
            return self._routes.refusal(request, status.forbidden(asked, user.name, decision.reason), [_NOSNIFF])
        return self._routes.answer(request, asked)

    def _finish(self, answer: Response, audit_id: str) -> None:
        present = {name.lower() for name, _ in answer.headers}
        answer.headers.append(("Audit-Id", audit_id))
        if "cache-control" not in present:
            answer.headers.append(("Cache-Control", "no-cache, private"))
        if self._limits.hsts:
            answer.headers.append(("Strict-Transport-Security", self._limits.hsts))

    def _observe(self, request: Request, asked: Attributes, answer: Response, seconds: float) -> None:
        _log.v(
            3, "HTTP", verb=asked.verb.upper(), URI=request.uri, latency=f"{seconds * 1000:.3f}ms",
            userAgent=request.headers.get("User-Agent"), srcIP=request.remote, resp=answer.status,
        )  # fmt: skip
        self._telemetry.observe_api_request(asked, answer.status, seconds)
        for kind, count in self._in_flight.items():
            self._telemetry.set_in_flight(kind, count)


def _exempt_when_draining(request: Request) -> bool:
    return request.path.startswith(_EXEMPT_WHEN_DRAINING) or request.headers.get("User-Agent").startswith(
        "kube-apiserver/"
    )


def _timeout_of(text: str, longest: float) -> float | None:
    """Return the seconds a request may take: what it asks for, at most what the server allows; None is no bound."""
    asked = parse_duration(text) / 1e9 if text else 0.0
    if not longest:
        return asked or None
    return min(asked, longest) if asked > 0 else longest


def _internal_error(request: Request, problem: str) -> Response:
    return Response(500, [status.internal_error_body(request.uri, problem)], _TEXT, [_NOSNIFF])
