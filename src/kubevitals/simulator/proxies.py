"""The proxy subresources: what the API server fetches from a kubelet, a pod or behind a Service for a caller."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import NamedTuple

import aiohttp
from aiohttp import web
from yarl import URL

from kubevitals.quoting import quote
from kubevitals.simulator import outbound, pki, status
from kubevitals.simulator.attributes import Attributes
from kubevitals.simulator.backend import forwarded_query, request_headers
from kubevitals.simulator.endpoints import service_location
from kubevitals.simulator.kinds import NODES, PODS, SERVICES, find
from kubevitals.simulator.registry import Registry

_ADDRESSES = ("InternalIP", "ExternalIP", "Hostname")  # as kubeadm sets --kubelet-preferred-address-types
_SCHEMES = ("", "http", "https")


class _Target(NamedTuple):
    scheme: str
    host: str
    port: int
    context: ssl.SSLContext


class Proxies:
    """Fetches from kubelets, pods and Services.

    A kubelet sees the API server's own client certificate; a pod, or what is behind a Service, is shown no identity.
    Nobody's certificate is verified, as with kubeadm's flags.

    Args:
        registry: where Nodes and Services are.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._to_kubelets = pki.client_context(b"")
        self._to_services = pki.client_context(b"")
        self._session: aiohttp.ClientSession | None = None

    def present(self, pair: pki.KeyPair) -> None:
        """Show kubelets this client certificate from now on."""
        self._to_kubelets = pki.client_context(b"", pair)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        """Hold the connections."""
        async with outbound.session() as self._session:
            yield

    async def answer(self, request: web.BaseRequest, asked: Attributes) -> web.StreamResponse:
        """Forward a request that is authorized, and hand the answer back.

        Raises:
            Refused: 400, 404 or 503 with the Status to answer.
        """
        target = self._target(asked)
        path = _forwarded_path(request.rel_url.raw_path)
        if not path:
            return _with_slash(request)
        url = URL(f"{target.scheme}://{outbound.address(target.host, target.port)}{path}", encoded=True)
        query = forwarded_query(request.rel_url.raw_query_string)
        response = web.StreamResponse()
        try:
            async with self._open(request, target, URL(f"{url}?{query}", encoded=True) if query else url) as answer:
                await outbound.hand_back(request, answer, response)
        except outbound.FAILURES as error:
            if response.prepared:
                return outbound.cut_off(request, response)
            why = outbound.reason(error, target.host, target.port)
            raise status.unavailable(f"error trying to reach service: {why}") from error
        return response

    def _open(
        self, request: web.BaseRequest, target: _Target, url: URL
    ) -> contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]:
        assert self._session is not None, "used outside of its session"
        return self._session.request(
            request.method,
            url,
            headers=request_headers(request.headers.items(), None, request.remote or ""),
            data=request.content if request.can_read_body else None,
            ssl=target.context,
            allow_redirects=False,
        )

    def _target(self, asked: Attributes) -> _Target:
        kind = find(asked.group, asked.version, asked.resource)
        scheme, name, port = split_name(asked.resource, asked.name)
        if kind is NODES:
            return self._kubelet(name, scheme, port)
        if kind is SERVICES:
            host, number = service_location(self._registry, asked.namespace, name, port)
            return _Target(scheme or "http", host, number, self._to_services)
        if kind is PODS:
            return self._pod(asked.namespace, name, scheme, port)
        raise status.Refused(status.status(404, "NotFound", "the server could not find the requested resource", {}))

    def _pod(self, namespace: str, name: str, scheme: str, port: str) -> _Target:
        """Return where a pod listens, ready or not; without a port it is the first that its first container has."""
        found = self._registry.get(PODS, name, namespace)
        host = found["status"].get("podIP", "")
        if not host:
            raise status.unavailable(f"no address available for pod {quote(name)}")
        first = found["spec"]["containers"][0].get("ports") or [{"containerPort": 80}]
        number = _number(port) if port else int(first[0]["containerPort"])
        return _Target(scheme or "http", host, number, self._to_services)

    def _kubelet(self, name: str, scheme: str, port: str) -> _Target:
        found = self._registry.get(NODES, name)["status"]
        addresses = found.get("addresses") or []
        known = {item["type"]: item["address"] for item in reversed(addresses)}
        host = next((known[kind] for kind in _ADDRESSES if kind in known), "")
        if not host:
            message = f"no preferred addresses found; known addresses: {addresses}"
            raise status.Refused(status.status(500, "InternalError", f"Internal error occurred: {message}"))
        own = found["daemonEndpoints"]["kubeletEndpoint"]["Port"]
        if port and port != str(own):
            return _Target(scheme or "http", host, _number(port), self._to_services)
        return _Target("https", host, own, self._to_kubelets)


def split_name(resource: str, identifier: str) -> tuple[str, str, str]:
    """Return scheme, name and port of ``NAME``, ``NAME:PORT`` or ``SCHEME:NAME:PORT``; parts may be empty.

    Raises:
        Refused: 400 for anything else. ``https:NAME`` is the port NAME of something called https.
    """
    parts = identifier.split(":")
    if len(parts) <= 3:
        scheme = parts[0] if len(parts) == 3 else ""
        name, port = [*parts[len(parts) == 3 :], ""][:2]
        if name and scheme in _SCHEMES:
            return scheme, name, port
    raise status.bad_request(f"invalid {resource.removesuffix('s')} request {quote(identifier)}")


def _number(port: str) -> int:
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise status.bad_request(f"invalid port {quote(port)}")
    return int(port)


def _forwarded_path(raw: str) -> str:
    """Return what follows ``proxy`` in a path as it came, empty without a slash there."""
    parts = raw.split("/")
    at = 6 if parts[3] == "nodes" else 8
    return "".join(f"/{part}" for part in parts[at:])


def _with_slash(request: web.BaseRequest) -> web.Response:
    """Send the caller to the root of what is behind the proxy, so that relative links work."""
    query = f"?{request.query_string}" if request.query_string else ""
    return web.Response(status=301, headers={"Location": f"{request.rel_url.raw_path}/{query}"})
