"""The API server of the simulated cluster: one TLS listener, and the way of a request through it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace

from aiohttp import web

from kubevitals import logs
from kubevitals.model import User
from kubevitals.simulator import documents, pki, rbac, status
from kubevitals.simulator.aggregator import Aggregator
from kubevitals.simulator.attributes import Attributes, attributes_of
from kubevitals.simulator.faults import ApiFaults
from kubevitals.simulator.identity import (
    authenticate,
    bearer_token,
    certificate_user,
    impersonated,
    impersonation_questions,
)
from kubevitals.simulator.kinds import PODS
from kubevitals.simulator.objects import Objects
from kubevitals.simulator.podlogs import PodLogs
from kubevitals.simulator.proxies import Proxies
from kubevitals.simulator.registry import Registry
from kubevitals.simulator.replies import Reply, error_reply, send
from kubevitals.simulator.tokens import Tokens

_LOG = logs.get(__name__)
_SHUTDOWN = 0.1  # seconds for requests under way when the server stops; a watch would take all of any


class ApiServer:
    """One listener on loopback.

    Args:
        registry: the objects.
        tokens: the service-account tokens it accepts.
        aggregator: what forwards requests to aggregated servers.
        random: for generated names.

    Attributes:
        objects: what serves the registry.
        proxies: what fetches from kubelets and from behind Services.
        logs: what containers wrote.
        faults: what is to go wrong.
    """

    def __init__(
        self, registry: Registry, tokens: Tokens, aggregator: Aggregator, *, random: Callable[[], float]
    ) -> None:
        self.registry = registry
        self.tokens = tokens
        self.aggregator = aggregator
        self.faults = ApiFaults()
        self.proxies = Proxies(registry)
        self.logs = PodLogs()
        self.objects = Objects(registry, tokens, self.faults, random)
        self.host = "127.0.0.1"
        self.port = 0
        self._context: ssl.SSLContext | None = None
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://{self.host}:{self.port}"

    async def start(self, pair: pki.KeyPair, client_ca: bytes, *, port: int = 0) -> None:
        """Listen, on any free port unless one is given.

        Args:
            pair: the serving certificate.
            client_ca: PEM of the authority whose client certificates name users.
            port: where to listen.
        """
        self._context = pki.serving_context(pair, client_ca=client_ca)
        self.port = port
        await self.resume()

    def renew(self, pair: pki.KeyPair) -> None:
        """Serve another certificate to connections from now on."""
        assert self._context is not None, "not started"
        pki.load_pair(self._context, pair)

    async def pause(self) -> None:
        """Stop listening and cut off every connection, as when the process is gone."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def resume(self) -> None:
        """Listen again where it listened before."""
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN)
        await runner.setup()
        self._runner = runner
        site = web.TCPSite(runner, self.host, self.port, ssl_context=self._context, reuse_address=True)
        await site.start()
        self.port = runner.addresses[0][1]

    # --- one request ----------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._runner is None and request.transport is not None:
            request.transport.abort()  # its handshake was under way when the others were cut off
        try:
            return await self._answer(request)
        except status.Refused as refused:
            return await send(request, error_reply(refused))

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        refusal = self.faults.refusal
        if refusal is not None and refusal.takes(request.path):
            return _refuse(refusal.code, refusal.retry_after)
        query = {key: request.query.getall(key)[0] for key in request.query}
        asked = attributes_of(request.method, request.path, query)
        user = self._caller(request)
        self._authorize(user, asked)
        if not asked.resource:
            return await self._document(request, asked, user)
        if not asked.group and asked.subresource == "proxy":
            return await self.proxies.answer(request, asked)
        if asked == replace(asked, verb="get", group="", resource="pods", subresource="log"):
            text = self.logs.read(self.registry.get(PODS, asked.name, asked.namespace), query)
            return await send(request, Reply(text.encode(), content_type="text/plain"))
        reply = await self.objects.answer(request, asked, query, user)
        if reply is not None:
            return reply
        return await self._forward(request, asked.group, asked.version, user)

    def _caller(self, request: web.BaseRequest) -> User:
        """Return who asks, or on whose behalf.

        Raises:
            Refused: 401, or 403 for an impersonation that is not allowed.
        """
        user = authenticate(_certificate(request), bearer_token(request.headers), self.tokens.user)
        other = impersonated(request.headers)
        if other is None:
            return user
        for question in impersonation_questions(request.headers):
            self._authorize(user, question)
        return other

    def _authorize(self, user: User, asked: Attributes) -> None:
        decision = rbac.authorize(self.registry, user, asked)
        if not decision.allowed:
            raise status.forbidden(user.name, asked, decision.reason)

    async def _document(self, request: web.BaseRequest, asked: Attributes, user: User) -> web.StreamResponse:
        if request.path.rstrip("/") == "/openapi/v3":
            return await send(request, Reply.of({"paths": await self.aggregator.discovery.openapi_paths()}))
        reply = documents.answer(request.path, request.headers.get("Accept", ""), self.aggregator.discovery, self.url)
        if reply is not None:
            return await send(request, reply)
        group, version = documents.group_version(request.path)
        return await self._forward(request, group, version, user)

    async def _forward(self, request: web.BaseRequest, group: str, version: str, user: User) -> web.StreamResponse:
        backend, registered = self.aggregator.backend(group, version)
        if not registered:
            return web.Response(status=404, text="404 page not found\n")
        return await self.aggregator.forward(request, backend, user)


def _certificate(request: web.BaseRequest) -> User | None:
    """Return the user of the client certificate, which the handshake has verified against the client CA."""
    connection = request.transport.get_extra_info("ssl_object") if request.transport else None
    if connection is None or not (names := connection.getpeercert()):
        return None
    return certificate_user(names, connection.getpeercert(True))


def _refuse(code: int, retry_after: int | None) -> web.Response:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return web.Response(status=code, text="Too many requests, please try again later.\n", headers=headers)
