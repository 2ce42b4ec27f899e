"""The objects of the simulated cluster, with real resource versions and a log of what changed. Pure.

One version counts for all resources, as in etcd. Objects are replaced, never changed in place, so a page of a
list and an event of a watch stay what they were when made. They are held without kind and apiVersion, as the
items of a list are sent.
"""

from __future__ import annotations

import uuid
from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from kubevitals.quantity import format_time
from kubevitals.simulator import status
from kubevitals.simulator.kinds import KINDS, NAMESPACES, Kind, Object

_SNAPSHOTS = 8  # lists that may be paged through at one time, per resource
_START = 1000  # a first version that looks like one of a cluster that has lived


class Event(NamedTuple):
    """One change. ``type`` is ADDED, MODIFIED or DELETED; ``previous`` is None for the first."""

    version: int
    type: str
    item: Object
    previous: Object | None


class Page(NamedTuple):
    """A part of a list, all of it as of ``version``; ``rest`` is the key after which the next part begins."""

    items: list[Object]
    version: int
    rest: str = ""
    remaining: int = 0


class Collection:
    """The objects of one kind in key order (namespace, then name), and the log of their changes."""

    def __init__(self, kind: Kind, window: int) -> None:
        self.kind = kind
        self.listeners: list[Callable[[Event | None], None]] = []  # called with None when the log is forgotten
        self._window = window
        self._keys: list[str] = []
        self._items: dict[str, Object] = {}
        self._log: list[Event] = []
        self._oldest = 0  # changes up to this version are forgotten
        self._snapshots: OrderedDict[int, tuple[list[str], dict[str, Object]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, key: str) -> Object | None:
        """Return an object, None when there is none."""
        return self._items.get(key)

    def items(self) -> list[Object]:
        """Return all objects in key order."""
        return [self._items[key] for key in self._keys]

    def put(self, key: str, item: Object, version: int) -> None:
        """Add or replace an object."""
        previous = self._items.get(key)
        if previous is None:
            insort(self._keys, key)
        self._items[key] = item
        self._record(Event(version, "MODIFIED" if previous else "ADDED", item, previous))

    def drop(self, key: str, last: Object, version: int) -> None:
        """Remove an object; ``last`` is its final state, which watchers see."""
        previous = self._items.pop(key)
        del self._keys[bisect_left(self._keys, key)]
        self._record(Event(version, "DELETED", last, previous))

    def _record(self, event: Event) -> None:
        self._log.append(event)
        if len(self._log) > 2 * self._window:
            self._oldest = self._log[-self._window - 1].version
            del self._log[: -self._window]
        self._tell(event)

    def _tell(self, event: Event | None) -> None:
        for listener in list(self.listeners):
            listener(event)

    def since(self, version: int) -> list[Event]:
        """Return the changes after a version.

        Raises:
            Refused: 410, when some of them are forgotten.
        """
        if version < self._oldest:
            raise status.expired_watch(version, self._oldest)
        return self._log[bisect_right(self._log, version, key=lambda event: event.version) :]

    def forget(self, version: int) -> None:
        """Forget the changes up to now, and every list that is being paged through."""
        self._log.clear()
        self._snapshots.clear()
        self._oldest = version
        self._tell(None)

    def page(self, version: int, after: str, limit: int, wanted: Callable[[Object], bool]) -> Page:
        """Return up to ``limit`` (0: all) wanted objects behind key ``after`` as of ``version``.

        Raises:
            Refused: 410, when the list as of that version is forgotten.
        """
        keys, items = self._snapshot(version, after)
        found: list[Object] = []
        for at in range(bisect_right(keys, after) if after else 0, len(keys)):
            item = items[keys[at]]
            if not wanted(item):
                continue
            if limit and len(found) == limit:
                return self._cut(version, (keys, items), found, keys[at - 1], len(keys) - at)
            found.append(item)
        return Page(found, version)

    def _snapshot(self, version: int, after: str) -> tuple[list[str], dict[str, Object]]:
        if not after:
            return self._keys, self._items
        if version not in self._snapshots:
            raise status.expired_continue()
        return self._snapshots[version]

    def _cut(
        self,
        version: int,
        at: tuple[list[str], dict[str, Object]],
        found: list[Object],
        rest: str,
        remaining: int,
    ) -> Page:
        """Keep what the following pages will be read from."""
        if version not in self._snapshots:
            self._snapshots[version] = (list(at[0]), dict(at[1]))
            while len(self._snapshots) > _SNAPSHOTS:
                self._snapshots.popitem(last=False)
        return Page(found, version, rest, remaining)


class Registry:
    """All collections of a cluster.

    Args:
        now: the wall clock, for creation times.
        window: how many changes per resource a watch can go back.
    """

    def __init__(self, *, now: Callable[[], float], window: int = 1000) -> None:
        self.now = now
        self.version = _START
        self._collections = {kind: Collection(kind, window) for kind in KINDS if kind.stored}

    def __getitem__(self, kind: Kind) -> Collection:
        return self._collections[kind]

    def __iter__(self) -> Iterator[Collection]:
        return iter(self._collections.values())

    def get(self, kind: Kind, name: str, namespace: str = "") -> Object:
        """Return an object.

        Raises:
            Refused: 404.
        """
        item = self[kind].get(_key(namespace, name))
        if item is None:
            raise status.not_found(kind, name)
        return item

    def create(self, kind: Kind, item: Object) -> Object:
        """Store a new object and return it with uid, creation time and version.

        Raises:
            Refused: 404 for a namespace that does not exist, 409 for a name that does.
        """
        metadata = item["metadata"]
        namespace = metadata.get("namespace", "") if kind.namespaced else ""
        if namespace and self[NAMESPACES].get(_key("", namespace)) is None:
            raise status.not_found(NAMESPACES, namespace)
        key = _key(namespace, metadata["name"])
        if self[kind].get(key) is not None:
            raise status.already_exists(kind, metadata["name"])
        born = {"uid": str(uuid.uuid4()), "creationTimestamp": format_time(int(self.now() * 1000))}
        return self._put(kind, key, {**item, "metadata": born | metadata})

    def update(self, kind: Kind, item: Object) -> Object:
        """Replace an object; one that carries a resource version must be the current one.

        Raises:
            Refused: 404 or 409.
        """
        metadata = item["metadata"]
        name, namespace = metadata["name"], metadata.get("namespace", "")
        current = self.get(kind, name, namespace)["metadata"]
        if metadata.get("resourceVersion") not in (None, "", current["resourceVersion"]):
            raise status.conflict(kind, name)
        kept = {key: current[key] for key in ("uid", "creationTimestamp")}
        return self._put(kind, _key(namespace, name), {**item, "metadata": metadata | kept})

    def apply(self, kind: Kind, item: Object) -> Object:
        """Create an object, or replace the one of its name whatever its version."""
        metadata = {key: value for key, value in item["metadata"].items() if key != "resourceVersion"}
        key = _key(metadata.get("namespace", ""), metadata["name"])
        write = self.create if self[kind].get(key) is None else self.update
        return write(kind, {**item, "metadata": metadata})

    def _put(self, kind: Kind, key: str, item: Object) -> Object:
        self.version += 1
        stored = {field: value for field, value in item.items() if field not in ("kind", "apiVersion")}
        stored["metadata"] = {**item["metadata"], "resourceVersion": str(self.version)}
        self[kind].put(key, stored, self.version)
        return stored

    def delete(self, kind: Kind, name: str, namespace: str = "") -> Object:
        """Remove an object and return its final state; a namespace takes with it what it holds.

        Raises:
            Refused: 404.
        """
        item = self.get(kind, name, namespace)
        if kind is NAMESPACES:
            self._empty(name)
        self.version += 1
        last = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self.version)}}
        self[kind].drop(_key(namespace, name), last, self.version)
        return last

    def _empty(self, namespace: str) -> None:
        for collection in self:
            held = [item for item in collection.items() if item["metadata"].get("namespace") == namespace]
            for item in held:
                self.delete(collection.kind, item["metadata"]["name"], namespace)

    def forget(self) -> None:
        """Forget every change up to now, as after a compaction: whoever watches from the past gets 410."""
        self.version += 1
        for collection in self:
            collection.forget(self.version)


def _key(namespace: str, name: str) -> str:
    return f"{namespace}/{name}"
