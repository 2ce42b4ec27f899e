"""Any bytes in a stream of lines, split anywhere, give events or a clear error, and never change the inventory half.

An input is what an API server sends in answer to a watch, or to a list.
"""

from __future__ import annotations

import asyncio
import functools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fuzz.source import OverError, Source
from kubevitals.app import adapters
from kubevitals.errors import ApiServerError
from kubevitals.informer import resources
from kubevitals.informer.events import Added, Bookmark, Deleted, Expired, Modified, parse
from kubevitals.informer.pages import ListReader
from kubevitals.informer.reflector import Reflector
from kubevitals.informer.resources import Resource
from kubevitals.informer.sink import Sink
from kubevitals.model import Node, Pod
from kubevitals.store.inventory import Inventory
from kubevitals.store.labels import LabelPool

LIMIT = 600  # bytes of the longest line
_MOST_CUTS = 40
_PIECE = 64  # bytes of a list that are decoded at a time
_OBJECT = b'{"metadata":{"name":"a","namespace":"ns","resourceVersion":"5","labels":{"a":"b"}}}'
_LIST = b'{"metadata":{"resourceVersion":"1"},"items":[%b,{"metadata":{"name":"z"}}]}' % _OBJECT
_NODE = (
    b'{"metadata":{"name":"a","deletionTimestamp":null,"annotations":{"metrics.k8s.io/resource-metrics-path":"/x"}},'
    b'"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.1"}],"conditions":[{"type":"Ready","status":"True"}]'
    b',"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}},"capacity":{"cpu":"4","memory":"16Gi"}}}'
)

Held = dict[tuple[str, str], str]
"""What an inventory holds: each object in print, by namespace and name."""


def one(data: bytes) -> None:
    """Hold the promise against bytes that come one by one, and in a few pieces that their checksum chooses."""
    checksum = zlib.crc32(data)
    cuts = sorted((checksum >> shift) % (len(data) + 1) for shift in (0, 7, 14))
    check(data, cuts, range(min(len(data), _MOST_CUTS)))


def seeds() -> Iterator[bytes]:
    """Yield a watch with every event, and a list."""
    kinds = (b"ADDED", b"MODIFIED", b"DELETED", b"BOOKMARK", b"SHOUTED")
    for item in (_OBJECT, _NODE):
        yield b"".join(b'{"type":"%b","object":%b}\n' % (kind, item) for kind in kinds)
    yield b'{"type":"ERROR","object":{"code":410,"reason":"Expired","message":"too old"}}\n'
    yield b'{"type":"ERROR","object":{"code":500,"message":"etcd","details":{"retryAfterSeconds":1}}}\n'
    yield _LIST


def check(data: bytes, *cuttings: Sequence[int]) -> None:
    """Assert that the bytes of a watch, or of a list, leave a whole inventory behind, wherever they are cut."""
    asyncio.run(_check_all(data, cuttings))


async def _check_all(data: bytes, cuttings: Iterable[Sequence[int]]) -> None:
    for cuts in cuttings:
        pieces = [data[start:stop] for start, stop in zip((0, *cuts), (*cuts, len(data)), strict=True)]
        for kind in (_Nodes, _Pods):
            await _check_watch(kind(), data, pieces)
            await _check_list(kind(), data, pieces)
            _check_small_pieces(kind().resource, pieces)


# --- what is followed ---------------------------------------------------------------------------------------


class _Nodes:
    """Nodes, and an inventory that keeps them."""

    def __init__(self) -> None:
        self.inventory = Inventory()
        self.resource: Resource[Any] = resources.nodes(LabelPool().get)
        self.sink: Sink[Any] = adapters.node_sink(self.inventory)

    def held(self) -> Held:
        """Return what there is; fails where it is not in order."""
        nodes = self.inventory.nodes()
        assert all(self.inventory.node(node.name) is node for node in nodes)
        assert all(0 <= node.kubelet_port < 1 << 16 for node in nodes)
        return _printed(nodes)


class _Pods:
    """Pods, and an inventory that keeps them."""

    def __init__(self) -> None:
        self.inventory = Inventory()
        self.resource: Resource[Any] = resources.running_pods(LabelPool().get)
        self.sink: Sink[Any] = adapters.pod_sink(self.inventory)

    def held(self) -> Held:
        """Return what there is; fails where it is not in order."""
        pods = self.inventory.pods()
        assert all(self.inventory.pod(pod.namespace, pod.name) is pod for pod in pods)
        assert self.inventory.namespaces() == sorted({pod.namespace for pod in pods})
        assert self.inventory.counts()["pods"] == len(pods)
        return _printed(pods)


_Kind = _Nodes | _Pods


def _printed(found: Sequence[Node | Pod]) -> Held:
    printed = {(each.namespace, each.name): repr(each) for each in found}
    assert list(printed) == sorted(printed), "in order, and each once"
    return printed


# --- the promise --------------------------------------------------------------------------------------------


async def _check_watch(kind: _Kind, data: bytes, pieces: Sequence[bytes]) -> None:
    problem = await _follow(kind, [_LIST], pieces)
    states, ends = _expected(kind.resource, data)
    held = kind.held()
    if any(len(line) > LIMIT for line in data.split(b"\n")):
        # What came in one piece with a line that is too long may be lost with it; a list brings it back.
        assert held in states
        assert problem or ends
    else:
        assert held == states[-1]
        assert bool(problem) == (ends == "error"), (ends, problem)


def _expected(resource: Resource[Any], data: bytes) -> tuple[list[Held], str]:
    """Return what is held after each line of a watch, and what ends it: nothing, ``list`` or ``error``."""
    states = [_printed(sorted(resource.decode_list(_LIST).items, key=lambda each: (each.namespace, each.name)))]
    for line in filter(bytes.strip, data.split(b"\n")[:-1]):
        held = dict(states[-1])
        match parse(line, resource.decode_item):
            case Added(item, _) | Modified(item, _):
                held[item.namespace, item.name] = repr(item)
            case Deleted(item, _):
                held.pop((item.namespace, item.name), None)
            case Bookmark(_):
                pass
            case other:
                return states, "list" if isinstance(other, Expired) else "error"
        states.append(dict(sorted(held.items())))
    return states, ""


async def _check_list(kind: _Kind, data: bytes, pieces: Sequence[bytes]) -> None:
    kind.sink.replace(kind.resource.decode_list(_LIST).items)
    before = kind.held()
    problem = await _follow(kind, pieces, [])
    after = kind.held()
    if problem:
        assert after == before
    else:
        found = kind.resource.decode_list(data).items
        assert after == {(each.namespace, each.name): repr(each) for each in found}


def _check_small_pieces(resource: Resource[Any], pieces: Sequence[bytes]) -> None:
    reader = ListReader(resource.decode_list, piece=_PIECE)
    try:
        for piece in pieces:
            for items in reader.feed(piece):
                assert all(item.name for item in items)
        assert all(item.name for item in reader.finish().items)
    except ApiServerError:
        return


async def _follow(kind: _Kind, listed: Sequence[bytes], watched: Sequence[bytes]) -> str:
    """Let a reflector follow an API server until that has nothing more to say; return the problem it has."""
    source = Source(listed, watched, LIMIT)
    steady = functools.partial(float, 0)
    reflector = Reflector(
        source, kind.resource, kind.sink, clock=steady, random=steady, sleep=_not_at_all, settle=0.0
    )  # fmt: skip
    try:
        await reflector.run()
    except OverError:
        return reflector.problem
    raise AssertionError("a reflector never ends by itself")


async def _not_at_all(seconds: float) -> None:
    """Wait for nothing; time does not pass here."""
