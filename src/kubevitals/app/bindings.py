"""Asks the API server where a pod runs that two kubelets report: metadata alone does not say."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol
from urllib.parse import quote

import msgspec

from kubevitals import logs
from kubevitals.errors import ApiServerError, ApiStatusError

_log = logs.get(__name__)
_AT_ONCE: Final = 50  # pods asked about in one look; a cluster has none of these on most days

PodKey = tuple[str, str]


class _Spec(msgspec.Struct, rename="camel"):
    node_name: str = ""


class _Pod(msgspec.Struct):
    spec: _Spec = msgspec.field(default_factory=_Spec)


_POD = msgspec.json.Decoder(_Pod)


class Disputes(Protocol):
    """Knows the pods in question; ``store.points.Points`` does."""

    def disputed(self) -> Sequence[PodKey]:
        """Return pods that several nodes report and of which it is not known where they run."""
        ...

    def bind(self, namespace: str, name: str, node: str) -> None:
        """Take in where a pod runs; an empty node when the API server knows no such pod."""
        ...


class Getter(Protocol):
    """Asks the API server; ``kube.client.ApiClient`` does."""

    async def get(self, path: str) -> bytes:
        """Return the body of a GET."""
        ...


class Bindings:
    """Settles disputes, some at a time.

    Args:
        client: asks the API server.
        points: has the disputes.
        every: seconds between two looks.
    """

    def __init__(self, client: Getter, points: Disputes, every: float) -> None:
        self._client = client
        self._points = points
        self._every = every
        self._failing = False

    async def run(self) -> None:
        """Settle what there is, again and again."""
        while True:
            await asyncio.sleep(self._every)
            await self.settle()

    async def settle(self) -> None:
        """Ask about the pods that are in question now; what cannot be asked is left for the next time."""
        for namespace, name in self._points.disputed()[:_AT_ONCE]:
            try:
                node = await self._node_of(namespace, name)
            except (ApiServerError, msgspec.MsgspecError) as error:
                self._note(str(error))
                return
            self._points.bind(namespace, name, node)
            _log.v(2, "Several kubelets report a pod", namespace=namespace, pod=name, boundTo=node)
        self._note("")

    async def _node_of(self, namespace: str, name: str) -> str:
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(name, safe='')}"
        try:
            return _POD.decode(await self._client.get(path)).spec.node_name
        except ApiStatusError as error:
            if error.code == 404:
                return ""
            raise

    def _note(self, problem: str) -> None:
        if problem and not self._failing:
            _log.warning("Cannot ask where a pod runs that several kubelets report", reason=problem)
        self._failing = bool(problem)
