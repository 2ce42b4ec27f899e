"""What aggregated servers say about themselves: discovery and OpenAPI, merged into the cluster's own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec

from kubevitals import logs
from kubevitals.model import User
from kubevitals.simulator import discovery
from kubevitals.simulator.backend import Backend, api_services, available, backend_of
from kubevitals.simulator.frontproxy import FrontProxy
from kubevitals.simulator.kinds import Object
from kubevitals.simulator.outbound import FAILURES
from kubevitals.simulator.rbac import MASTERS
from kubevitals.simulator.registry import Registry

AGGREGATOR = User("system:kube-aggregator", (MASTERS,))
_OPENAPI = User("system:aggregator")
_TIMEOUT = 5.0  # seconds
_LOG = logs.get(__name__)


@dataclass(slots=True)
class _Documents:
    """What one group's server says about itself, and the ETag it said it with."""

    etag: str = ""
    group: Object | None = None


class AggregatedDiscovery:
    """Keeps what aggregated servers say they serve.

    Args:
        registry: where the APIServices and Services are.
        front_proxy: how to speak to their servers.
    """

    def __init__(self, registry: Registry, front_proxy: FrontProxy) -> None:
        self._registry = registry
        self._front_proxy = front_proxy
        self._documents: dict[str, _Documents] = {}

    def legacy_groups(self) -> list[Object]:
        """Return the groups of aggregated servers for the legacy list."""
        versions: dict[str, list[str]] = {}
        for item in api_services(self._registry):
            versions.setdefault(item["spec"]["group"], []).append(item["spec"]["version"])
        return [discovery.api_group(group, found) for group, found in versions.items()]

    def groups(self) -> list[Object]:
        """Return the groups of aggregated servers for aggregated discovery; what does not answer is stale."""
        found: dict[str, list[Object]] = {}
        for item in api_services(self._registry):
            group, version = item["spec"]["group"], item["spec"]["version"]
            document = self._version_document(group, version) if available(item) else None
            found.setdefault(group, []).append(document or discovery.stale(version))
        return [discovery.aggregated_group(group, versions) for group, versions in found.items()]

    def _version_document(self, group: str, version: str) -> Object | None:
        known = self._documents.get(group)
        versions = known.group["versions"] if known and known.group else ()
        return next((found for found in versions if found["version"] == version), None)

    async def learn(self) -> None:
        """Read what every group's server says about itself."""
        for group in {item["spec"]["group"] for item in api_services(self._registry)}:
            await self._learn(group)

    async def _learn(self, group: str) -> None:
        """Read a group's aggregated discovery, or its legacy documents where there is none."""
        backends = [found for found in self._backends() if found.group == group]
        if not backends:
            self._documents.pop(group, None)
            return
        documents = self._documents.setdefault(group, _Documents())
        try:
            async with asyncio.timeout(_TIMEOUT):
                if not await self._learn_aggregated(backends[0], documents):
                    documents.etag, documents.group = "", await self._learn_legacy(backends)
        except (*FAILURES, msgspec.DecodeError, KeyError, TypeError) as error:
            _LOG.v(2, "Discovery of an aggregated server failed", group=group, problem=error)

    def _backends(self) -> list[Backend]:
        """Return the servers that are available."""
        found = (backend_of(self._registry, s) for s in api_services(self._registry) if available(s))
        return [backend for backend in found if backend is not None]

    async def _learn_aggregated(self, backend: Backend, documents: _Documents) -> bool:
        accept = ",".join(discovery.media_type(version) for version in ("v2", "v2beta1"))
        headers = {"Accept": accept} | ({"If-None-Match": documents.etag} if documents.etag else {})
        async with self._front_proxy.get(backend, "/apis", AGGREGATOR, headers) as answer:
            if answer.status == 304:
                return True
            kind = answer.headers.get("Content-Type", "")
            if answer.status != 200 or "as=APIGroupDiscoveryList" not in kind:
                return False
            items = msgspec.json.decode(await answer.read())["items"]
            documents.group = next((item for item in items if item["metadata"]["name"] == backend.group), None)
            documents.etag = answer.headers.get("ETag", "")
        return True

    async def _learn_legacy(self, backends: list[Backend]) -> Object:
        versions = []
        nobody = User(AGGREGATOR.name)
        for backend in backends:
            headers = {"Accept": "application/json"}
            async with self._front_proxy.get(backend, backend.path, nobody, headers) as answer:
                document = msgspec.json.decode(await answer.read()) if answer.status == 200 else {}
            versions.append(discovery.from_resource_list(backend.version, document))
        return discovery.aggregated_group(backends[0].group, versions)

    async def openapi_paths(self) -> Object:
        """Return the entries that aggregated servers add to the root of OpenAPI v3."""
        found: Object = {}
        for group in {backend.group: backend for backend in self._backends()}.values():
            try:
                async with (
                    asyncio.timeout(_TIMEOUT),
                    self._front_proxy.get(group, "/openapi/v3", _OPENAPI) as answer,
                ):
                    if answer.status == 200:
                        found |= msgspec.json.decode(await answer.read())["paths"]
            except (*FAILURES, msgspec.DecodeError, KeyError) as error:
                _LOG.v(2, "OpenAPI of an aggregated server failed", group=group.group, problem=error)
        return found
