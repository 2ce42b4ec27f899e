"""The objects of the simulated cluster, through the calls of an API client."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from kubevitals.errors import ApiServerError, ApiStatusError
from kubevitals.simulator import templates, writes
from kubevitals.simulator.attributes import Attributes
from kubevitals.simulator.kinds import KINDS, NAMESPACES, Kind, Object
from kubevitals.simulator.registry import Registry
from kubevitals.simulator.status import Refused

_BY_RESOURCE = {kind.resource: kind for kind in KINDS}


class ObjectApi:
    """Reads, merges and creates objects.

    ``fault`` is raised instead of every answer while it is set. ``meanwhile`` is called once before the next change.
    """

    def __init__(self) -> None:
        self.registry = Registry(now=time.time)
        self.registry.create(NAMESPACES, templates.namespace("kube-system"))
        self.fault: ApiServerError | None = None
        self.meanwhile: Any = None
        self.writes = 0

    async def get(self, path: str) -> bytes:
        kind, namespace, name = self._asked(path)
        return self._answer(lambda: self.registry.get(kind, name, namespace))

    async def patch(self, path: str, change: bytes) -> bytes:
        kind, namespace, name = self._asked(path)
        self.writes += 1
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        asked = Attributes("patch", resource=kind.resource, namespace=namespace, name=name)
        return self._answer(lambda: writes.patch(self.registry, kind, asked, change, "application/merge-patch+json"))

    async def post(self, path: str, body: bytes) -> bytes:
        kind, namespace, _ = self._asked(f"{path}/")
        self.writes += 1
        return self._answer(
            lambda: writes.create(self.registry, kind, namespace, msgspec.json.decode(body), lambda: 0.5)
        )

    def _asked(self, path: str) -> tuple[Kind, str, str]:
        if self.fault is not None:
            raise self.fault
        *_, resource, name = path.split("/")
        namespace = path.split("/namespaces/")[1].split("/")[0] if "/namespaces/" in path else ""
        return _BY_RESOURCE[resource], namespace, name

    def _answer(self, do: Any) -> bytes:
        try:
            found: Object = do()
        except Refused as refused:
            raise ApiStatusError(refused.code, refused.status.get("reason", ""), str(refused)) from refused
        return msgspec.json.encode(found)
