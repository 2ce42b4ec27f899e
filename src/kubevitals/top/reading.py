"""Asks an API server for metrics and for the objects they belong to, at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote

from kubevitals.errors import ApiServerError, ApiStatusError
from kubevitals.kube.client import ApiClient
from kubevitals.top import objects
from kubevitals.top.model import Node, NodeUse, Pod, PodUse
from kubevitals.top.objects import Page
from kubevitals.top.problems import not_allowed

T = TypeVar("T")
U = TypeVar("U")
_VERSIONS = ("v1beta1", "v1")
_LIMIT = "500"  # objects in one page
_PATIENCE = 120.0  # seconds; a Metrics API answers for all pods in one piece
_NOT_OVER = "status.phase!=Succeeded,status.phase!=Failed"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for.

    Args:
        namespace: of the pods; empty for all.
        labels: a label selector, or empty.
        fields: a field selector of pods, or empty.
        node: the only node whose pods matter, or empty for all.
        bounds: whether the pods of nodes are read, for their requests and limits.
    """

    namespace: str = ""
    labels: str = ""
    fields: str = ""
    node: str = ""
    bounds: bool = True


class Answer(NamedTuple, Generic[T, U]):
    """Metrics, and the objects; None are those that could not be read, and ``notes`` say why."""

    uses: list[U]
    objects: list[T] | None
    pods: list[Pod] | None = None
    notes: tuple[str, ...] = ()


async def nodes(client: ApiClient, question: Question) -> Answer[Node, NodeUse]:
    """Ask for nodes, their metrics, and the pods on them.

    Raises:
        ApiServerError: there are no metrics to be had; likewise for ``pods``.
    """
    selected = _params(labelSelector=question.labels)
    on_node = f"spec.nodeName={question.node},{_NOT_OVER}" if question.node else _NOT_OVER
    wanted = [
        _metrics(client, "/nodes", selected, objects.node_uses),
        _listed(client, "/api/v1/nodes", selected, objects.nodes),
    ]
    if question.bounds:
        wanted.append(_listed(client, "/api/v1/pods", _params(fieldSelector=on_node), objects.pods))
    uses, found, *pods = await _together(wanted)
    notes = (
        *_note("nodes", "percentages and nodes without metrics are left out", found),
        *(note for each in pods for note in _note("pods", "requests and limits are left out", each)),
    )
    return Answer(_or_raise(uses), _or_none(found), _or_none(pods[0]) if pods else None, notes)


async def pods(client: ApiClient, question: Question) -> Answer[Pod, PodUse]:
    """Ask for pods and their metrics."""
    place = f"/namespaces/{quote(question.namespace, safe='')}/pods" if question.namespace else "/pods"
    selected = _params(labelSelector=question.labels)
    fields = _params(fieldSelector=",".join(filter(None, (question.fields, _NOT_OVER))))
    uses, found = await _together(
        [
            _metrics(client, place, selected, objects.pod_uses),
            _listed(client, f"/api/v1{place}", [*selected, *fields], objects.pods),
        ]
    )
    notes = _note("pods", "percentages and pods without metrics are left out", found)
    return Answer(_or_raise(uses), _or_none(found), None, notes)


# --- requests -----------------------------------------------------------------------------------------------

_Params = list[tuple[str, str]]


async def _metrics(client: ApiClient, path: str, params: _Params, decode: Callable[[bytes], Page[T]]) -> list[T]:
    """Ask the version that every Metrics API has had, and where that is not there, the one that replaces it."""
    for version in _VERSIONS:
        try:
            return await _listed(client, f"/apis/metrics.k8s.io/{version}{path}", params, decode, paged=False)
        except ApiStatusError as error:
            if error.code != 404 or version == _VERSIONS[-1]:
                raise
    raise AssertionError("unreachable")


async def _listed(
    client: ApiClient, path: str, params: _Params, decode: Callable[[bytes], Page[T]], *, paged: bool = True
) -> list[T]:
    """Return all pages of a list; one that changes faster than it is read is asked for in one piece."""
    found: list[T] = []
    rest = ""
    while True:
        more = [("limit", _LIMIT)] if paged else []
        try:
            body = await client.get(path, [*params, *more, *_params(**{"continue": rest})], timeout=_PATIENCE)
        except ApiStatusError as error:
            if error.code != 410 or not rest:
                raise
            found, rest, paged = [], "", False
            continue
        page = decode(body)
        found += page.items
        rest = page.rest
        if not rest:
            return found


async def _together(wanted: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Await all; an error of the API server is a result, so that one that fails leaves the others alone."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_attempt(each)) for each in wanted]
    return [task.result() for task in tasks]


async def _attempt(work: Coroutine[Any, Any, T]) -> T | ApiServerError:
    try:
        return await work
    except ApiServerError as error:
        return error


def _params(**given: str) -> _Params:
    return [(key, value) for key, value in given.items() if value]


def _or_raise(result: list[T] | ApiServerError) -> list[T]:
    if isinstance(result, ApiServerError):
        raise result
    return result


def _or_none(result: list[T] | ApiServerError) -> list[T] | None:
    """Leave out what was refused.

    Raises:
        ApiServerError: it was not refused, but could not be asked for.
    """
    return None if isinstance(result, ApiStatusError) else _or_raise(result)


def _note(what: str, consequence: str, result: Any) -> tuple[str, ...]:
    return (not_allowed(what, consequence, result),) if isinstance(result, ApiStatusError) else ()
