"""The filters every request passes, in the API server's order.

audit id → panic recovery → request info → log → turned away while draining → HSTS and cache headers → refused while
draining → deadline → authentication → impersonation → requests in flight → authorization → routes. So 401 comes before
429, 429 before 403, and 403 before any 404: a caller without rights learns nothing about what exists.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from kubevitals import logs
from kubevitals.api import compression, status
from kubevitals.api.authentication import Authenticated, Authenticator, ImpersonationRefused, Unauthorized
from kubevitals.api.authorization import AuthorizationFailed, Authorizer
from kubevitals.api.encoding import encode_status
from kubevitals.api.inflight import InFlight, Kind, kind_of
from kubevitals.api.message import WHOLE, Request, Response
from kubevitals.api.negotiation import Choice
from kubevitals.api.query import query_of
from kubevitals.api.request import Attributes, MalformedPath, RequestInfoError, attributes_of
from kubevitals.api.routes import Routes
from kubevitals.errors import QuantityError
from kubevitals.model import User
from kubevitals.quantity import parse_duration
from kubevitals.telemetry import Telemetry

_log = logs.get("api")
_TEXT = "text/plain; charset=utf-8"
_NOSNIFF = ("X-Content-Type-Options", "nosniff")
_HANG_UP = ("Connection", "close")
_EXEMPT_WHEN_DRAINING = ("/readyz", "/livez", "/healthz", "/metrics")
_PRIVILEGED = "system:masters"
_LONGEST_AUDIT_ID = 256
_TURN = 0.002  # seconds for which an answer may keep others waiting
_UNKNOWN = Attributes("", "")
_UNPRINTABLE = re.compile(r"[^!-~]+")
_SHUTTING_DOWN_BODY = encode_status(status.shutting_down(), Choice()) + b"\n"  # two line feeds, as upstream


@dataclass(frozen=True, slots=True)
class ChainLimits:
    """Bounds on requests. ``timeout`` in seconds; 0, there as in flight, means unlimited.

    ``send_retry_after`` turns new requests away with 429 while draining, where else they are refused with 503.
    """

    timeout: float = 60.0
    in_flight: int = 400
    mutating_in_flight: int = 200
    hsts: str = ""
    send_retry_after: bool = False


@dataclass(slots=True)
class _Exchange:
    """One request on its way through the filters, and what its answer will carry besides its own headers."""

    request: Request
    started: float
    audit_id: str
    query: dict[str, str] = field(default_factory=dict)
    asked: Attributes = _UNKNOWN
    headers: list[tuple[str, str]] = field(default_factory=list)


class Chain:
    """Answers every request, whatever happens.

    Args:
        authenticator: who is asking.
        authorizer: may they.
        routes: what they get.
        draining: whether the server is on its way out.
        telemetry: our own counters.
        clock: monotonic seconds, for durations.
        limits: bounds on requests.
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
        self.in_flight = InFlight(reads=limits.in_flight, others=limits.mutating_in_flight, clock=clock)

    async def handle(self, request: Request) -> Response:
        """Answer one request; never raises but for cancellation."""
        exchange = _Exchange(request, self._clock(), _audit_id(request.headers.get("Audit-ID")))
        try:
            answer = await self._understood(exchange)
        except MalformedPath:
            return Response(400, [status.MALFORMED_BODY], _TEXT, [_HANG_UP])
        except Exception as error:  # noqa: BLE001 - one request's fault must not end the process or leave a caller waiting
            _log.error(
                "A request made the server panic", method=request.method, URI=request.uri,
                auditID=exchange.audit_id, error=repr(error), trace=logs.trace(error),
            )  # fmt: skip
            answer = Response(500, [status.PANIC_BODY], _TEXT, [_NOSNIFF, _HANG_UP])
        answer.headers.append(("Audit-Id", exchange.audit_id))
        answer.headers.extend(header for header in exchange.headers if not answer.has_header(header[0]))
        return answer

    async def _understood(self, exchange: _Exchange) -> Response:
        request = exchange.request
        exchange.query = query_of(request)
        try:
            exchange.asked = attributes_of(request, exchange.query)
        except RequestInfoError as error:
            return _internal_error(request, f"failed to create RequestInfo: {error}")
        answer = await self._unless_draining(exchange)
        if _log.enabled(3):
            self._note(exchange, answer)
        return answer

    def _note(self, exchange: _Exchange, answer: Response) -> None:
        request, seconds = exchange.request, self._clock() - exchange.started
        pairs = {
            "verb": exchange.asked.verb.upper(), "URI": request.uri, "latency": f"{seconds * 1000:.3f}ms",
            "userAgent": request.headers.get("User-Agent"), "audit-ID": exchange.audit_id, "srcIP": request.remote,
            "resp": answer.status,
        }  # fmt: skip
        _log.v(3, "HTTP", **pairs)

    async def _unless_draining(self, exchange: _Exchange) -> Response:
        leaving = self._draining() and not _exempt_when_draining(exchange.request)
        if leaving and self._limits.send_retry_after:
            return Response(429, [status.DRAINING_BODY], _TEXT, [("Retry-After", "5"), _NOSNIFF, _HANG_UP])
        if self._limits.hsts:
            exchange.headers.append(("Strict-Transport-Security", self._limits.hsts))
        exchange.headers.append(("Cache-Control", "no-cache, private"))
        if _is_long_running(exchange.asked):
            return await self._authenticated(exchange)
        if leaving:
            headers = [("Retry-After", "1"), _NOSNIFF]
            return Response(503, [_SHUTTING_DOWN_BODY], "application/json", headers)
        return await self._within_deadline(exchange)

    async def _within_deadline(self, exchange: _Exchange) -> Response:
        try:
            timeout = _timeout_of(exchange.query.get("timeout", ""), self._limits.timeout)
        except QuantityError as error:
            return self._routes.refusal(exchange.request, status.bad_timeout(str(error)))
        try:
            async with asyncio.timeout(timeout):
                answer = await self._authenticated(exchange)
        except TimeoutError:
            self._telemetry.requests.terminate(exchange.asked, 504)
            return Response(504, [status.TIMEOUT_BODY], _TEXT)
        if timeout is not None:
            answer.within = exchange.started + timeout - self._clock()
        return answer

    async def _authenticated(self, exchange: _Exchange) -> Response:
        request, began = exchange.request, self._clock()
        try:
            known = await self._authenticator.authenticate(request)
        except Unauthorized as error:
            self._telemetry.callers.authenticated("error", self._clock() - began)
            _log.v(4, "Refused credentials", path=request.path, remote=request.remote, reason=str(error))
            return self._routes.refusal(request, status.unauthorized(), [("Warning", text) for text in error.warnings])
        except ImpersonationRefused as error:
            self._telemetry.callers.authenticated("success", self._clock() - began, error.user.name)
            return self._routes.refusal(request, status.impersonation_refused(error.user.name))
        self._telemetry.callers.authenticated("success", self._clock() - began, known.user.name)
        answer = await self._admitted(exchange, known)
        answer.headers.extend(("Warning", text) for text in known.warnings)
        return answer

    async def _admitted(self, exchange: _Exchange, known: Authenticated) -> Response:
        kind = kind_of(exchange.asked)
        if _is_long_running(exchange.asked):
            return await self._authorized(exchange, known.user)
        if self.in_flight.enter(kind):
            return await self._counted(exchange, known.user, kind)
        if _PRIVILEGED in known.user.groups:
            return await self._authorized(exchange, known.user)
        self._telemetry.requests.terminate(exchange.asked, 429)
        return Response(429, [status.TOO_MANY_REQUESTS_BODY], _TEXT, [("Retry-After", "1"), _NOSNIFF])

    async def _counted(self, exchange: _Exchange, user: User, kind: Kind) -> Response:
        """Answer a request that was counted as in flight, and count it until its whole answer is there or sent."""
        streamed = False
        try:
            answer = await self._authorized(exchange, user)
            if answer.rest is not None:
                streamed = True
                answer.sent.append(lambda _: self.in_flight.leave(kind))
            return answer
        finally:
            if not streamed:
                self.in_flight.leave(kind)

    async def _authorized(self, exchange: _Exchange, user: User) -> Response:
        request, asked, began = exchange.request, exchange.asked, self._clock()
        try:
            decision = await self._authorizer.authorize(user, asked)
        except AuthorizationFailed as error:
            self._telemetry.callers.authorized("error", self._clock() - began)
            _log.warning("Authorization could not be decided", path=request.path, user=user.name, error=str(error))
            return _internal_error(request, str(error))
        result = "allowed" if decision.allowed else "denied" if decision.denied else "no-opinion"
        self._telemetry.callers.authorized(result, self._clock() - began)
        if not decision.allowed:
            return self._routes.refusal(request, status.forbidden(asked, user.name, decision.reason), [_NOSNIFF])
        return await self._routed(exchange)

    async def _routed(self, exchange: _Exchange) -> Response:
        answer = self._routes.answer(exchange.request, exchange.asked)
        if answer.source is not None:
            await self._begin(answer, answer.source)
        answer = await compression.compressed(exchange.request, answer)
        # A method that no route has does not count as a request for the resource.
        if exchange.request.method == "GET" or not exchange.asked.resource_request:
            if answer.rest is None:
                self._observe(exchange, answer, answer.size)
            else:
                answer.sent.append(partial(self._observe, exchange, answer))
        return answer

    async def _begin(self, answer: Response, source: Iterator[bytes]) -> None:
        """Take pieces until the body is whole, or too large to be held."""
        held, since = 0, self._clock()
        for chunk in source:
            answer.chunks.append(chunk)
            held += len(chunk)
            if held > WHOLE:
                answer.rest = self._others_in_between(source, since)
                return
            since = await self._shared(since)

    async def _others_in_between(self, source: Iterator[bytes], since: float) -> AsyncGenerator[bytes, None]:
        for chunk in source:
            yield chunk
            since = await self._shared(since)

    async def _shared(self, since: float) -> float:
        """Let others have their turn if it was ours for long; return since when it is ours."""
        if self._clock() - since < _TURN:
            return since
        await asyncio.sleep(0)
        return self._clock()

    def _observe(self, exchange: _Exchange, answer: Response, size: int) -> None:
        seconds = self._clock() - exchange.started
        self._telemetry.requests.observe(exchange.asked, answer.status, seconds, size)


def _audit_id(given: str) -> str:
    """Return the caller's id, as far as it can be a header and a word in a log, or a new one."""
    return _UNPRINTABLE.sub("", given)[:_LONGEST_AUDIT_ID] or str(uuid.uuid4())


def _exempt_when_draining(request: Request) -> bool:
    return request.path.startswith(_EXEMPT_WHEN_DRAINING) or request.headers.get("User-Agent").startswith(
        "kube-apiserver/"
    )


def _is_long_running(asked: Attributes) -> bool:
    """Tell whether a request is neither limited in time nor counted as in flight: a watch, which is refused at once."""
    return asked.resource_request and asked.verb == "watch"


def _timeout_of(text: str, longest: float) -> float | None:
    """Return the seconds a request may take: what it asks for, at most what the server allows; None is no bound."""
    asked = parse_duration(text) / 1e9 if text else 0.0
    if not longest:
        return asked if asked > 0 else None
    return min(asked, longest) if asked > 0 else longest


def _internal_error(request: Request, problem: str) -> Response:
    return Response(500, [status.internal_error_body(request.uri, problem)], _TEXT, [_NOSNIFF])
