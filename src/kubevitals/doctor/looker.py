"""Asks the API server, reading only: GETs, and the reviews that answer what somebody may do."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from kubevitals.doctor.evidence import UNREACHABLE, UNREADABLE, Access, Seen, Unseen
from kubevitals.doctor.objects import ListMeta
from kubevitals.errors import ApiServerError, ApiStatusError
from kubevitals.kube.client import ApiClient, Params
from kubevitals.kube.reviews import ACCESS_REVIEWS

T = TypeVar("T")

_AT_ONCE = 16
_PAGE = 500
_MOST = 20 * _PAGE  # objects of one collection
_LINES, _MOST_LINES = 400, 4400  # of a log
_BYTES = 500  # of a line
_SELF = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class _List(msgspec.Struct, Generic[T], frozen=True):
    metadata: ListMeta = ListMeta()
    items: list[T] | None = None


class _Verdict(msgspec.Struct, frozen=True):
    allowed: bool = False
    reason: str = ""


class _Review(msgspec.Struct, frozen=True):
    status: _Verdict = _Verdict()


def tail(nodes: int = 0) -> Params:
    """Return how much of a log to ask for: its last lines, some for each of so many nodes, and no more than 2.2 MB."""
    lines = min(_LINES + 2 * nodes, _MOST_LINES)
    return [("tailLines", str(lines)), ("limitBytes", str(lines * _BYTES))]


class Looker:
    """Turns questions into what was seen; nothing it is asked raises.

    Args:
        client: of the API server, under the identity of whoever runs it.
        timeout: seconds for one answer.
    """

    def __init__(self, client: ApiClient, *, timeout: float = 5.0) -> None:
        self._client = client
        self._timeout = timeout
        self._turn = asyncio.Semaphore(_AT_ONCE)

    @property
    def namespace(self) -> str:
        """The namespace of whoever runs it, as the kubeconfig has it."""
        return self._client.config.namespace or "default"

    async def body(self, path: str, params: Params = ()) -> Seen[bytes]:
        """Return what a GET brings."""
        try:
            async with self._turn:
                return await self._client.get(path, params, accept="application/json, */*", timeout=self._timeout)
        except ApiServerError as error:
            return _unseen(path, error)

    async def text(self, path: str, params: Params = ()) -> Seen[str]:
        """Return what a GET brings, as text."""
        seen = await self.body(path, params)
        return seen if isinstance(seen, Unseen) else seen.decode(errors="replace")

    async def one(self, path: str, type_: type[T]) -> Seen[T]:
        """Return one object."""
        seen = await self.body(path)
        return seen if isinstance(seen, Unseen) else _decoded(path, seen, type_)

    async def all(self, path: str, type_: type[T], params: Params = ()) -> Seen[Sequence[T]]:
        """Return the objects of a collection, page by page; at most ten thousand."""
        found: list[T] = []
        more = ""
        while True:
            page = [*params, ("limit", str(_PAGE)), *([("continue", more)] if more else [])]
            seen = await self.body(path, page)
            part = seen if isinstance(seen, Unseen) else _decoded(path, seen, _List[type_])  # type: ignore[valid-type]
            if isinstance(part, Unseen):
                return found or part
            found += part.items or ()
            more = part.metadata.continue_
            if not more or len(found) >= _MOST:
                return found

    async def newest(
        self, group: str, versions: Sequence[str], path: str, type_: type[T], params: Params = ()
    ) -> Seen[Sequence[T]]:
        """Return the objects of a collection in the first of some versions that the API server has."""
        for version in versions[:-1]:
            found = await self.all(f"/apis/{group}/{version}/{path}", type_, params)
            if not (isinstance(found, Unseen) and found.missing):
                return found
        return await self.all(f"/apis/{group}/{versions[-1]}/{path}", type_, params)

    async def may(self, user: str, groups: Sequence[str], attributes: dict[str, str]) -> Seen[Access]:
        """Return whether somebody else may do something (a SubjectAccessReview)."""
        spec = {"user": user, "groups": list(groups), "resourceAttributes": attributes}
        return await self._review(ACCESS_REVIEWS, "SubjectAccessReview", spec)

    async def may_we(self, attributes: dict[str, str]) -> Seen[Access]:
        """Return whether we may do something (a SelfSubjectAccessReview)."""
        return await self._review(_SELF, "SelfSubjectAccessReview", {"resourceAttributes": attributes})

    async def _review(self, path: str, kind: str, spec: dict[str, Any]) -> Seen[Access]:
        review = {"kind": kind, "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": spec}
        try:
            async with self._turn:
                answer = await self._client.post(path, msgspec.json.encode(review), timeout=self._timeout)
        except ApiServerError as error:
            return _unseen(path, error)
        seen = _decoded(path, answer, _Review)
        return seen if isinstance(seen, Unseen) else Access(seen.status.allowed, seen.status.reason)


def _unseen(path: str, error: ApiServerError) -> Unseen:
    if isinstance(error, ApiStatusError):
        return Unseen(path, error.code, error.message)
    return Unseen(path, UNREACHABLE, str(error))


def _decoded(path: str, body: bytes, type_: type[T]) -> Seen[T]:
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Unseen(path, UNREADABLE, f"the answer makes no sense: {error}")


async def together(**asked: Coroutine[Any, Any, Any]) -> dict[str, Any]:
    """Return the answers to independent questions, asked at once."""
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(question) for name, question in asked.items()}
    return {name: task.result() for name, task in tasks.items()}
