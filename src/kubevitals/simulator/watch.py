"""Watching: one stream of changes to one client, with bookmarks, until it ends or its past is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import msgspec

from kubevitals.simulator import listing, status
from kubevitals.simulator.attributes import truthy
from kubevitals.simulator.kinds import Kind, Object
from kubevitals.simulator.listing import Selection
from kubevitals.simulator.registry import Event, Registry

_LONGEST = 2700.0  # seconds a watch lasts when the client names no limit


class Watch:
    """One client's watch.

    Args:
        registry: where the changes come from.
        selected: which objects the client wants.
        query: the request's parameters.
        form: ``"metadata"`` for metadata only, else empty.
        bookmark_interval: seconds without a change after which the client is told how far it is.

    Raises:
        Refused: 400 or 422 for options that cannot be used.
    """

    def __init__(
        self,
        registry: Registry,
        selected: Selection,
        query: Mapping[str, str],
        form: str,
        *,
        bookmark_interval: float = 60.0,
    ) -> None:
        if "sendInitialEvents" in query:
            reason = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
            raise status.invalid_option("sendInitialEvents", reason)
        self._registry = registry
        self._selected = selected
        self._form = form
        self._version = listing.integer(query, "resourceVersion")
        self._bookmarks = truthy(query.get("allowWatchBookmarks"))
        self._bookmark_interval = bookmark_interval
        self._lasts = float(listing.integer(query, "timeoutSeconds")) or _LONGEST

    def check(self) -> None:
        """Refuse a watch from a past that is forgotten.

        Raises:
            Refused: 410.
        """
        if self._version:
            self._registry[self._selected.kind].since(self._version)

    async def lines(self) -> AsyncGenerator[bytes]:
        """Yield events as lines of JSON until the watch is over; a forgotten past ends it with an ERROR."""
        bell = asyncio.Event()
        collection = self._registry[self._selected.kind]

        def ring(_: Event | None) -> None:
            bell.set()

        collection.listeners.append(ring)
        try:
            async for line in self._events(bell):
                yield line
        except status.Refused as refused:
            yield _line("ERROR", refused.status)
        finally:
            collection.listeners.remove(ring)

    async def _events(self, bell: asyncio.Event) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._lasts
        if not self._version:
            yield self._initial()
        while True:
            bell.clear()
            if changes := self._changes():
                yield changes
            left = end - loop.time()
            if left <= 0:
                break
            if not await _rings(bell, min(left, self._bookmark_interval)) and self._bookmarks:
                yield self._bookmark()

    def _initial(self) -> bytes:
        """Return what exists as additions; the watch goes on from there."""
        self._version = self._registry.version
        items = self._registry[self._selected.kind].items()
        return b"".join(self._event_line("ADDED", item) for item in items if self._selected.wants(item))

    def _changes(self) -> bytes:
        found = []
        for event in self._registry[self._selected.kind].since(self._version):
            self._version = event.version
            seen = self._selected.event(event)
            if seen is not None:
                found.append(self._event_line(*seen))
        return b"".join(found)

    def _bookmark(self) -> bytes:
        self._version = self._registry.version
        bare = {"metadata": {"resourceVersion": str(self._version), "creationTimestamp": None}}
        return self._event_line("BOOKMARK", bare)

    def _event_line(self, event_type: str, item: Object) -> bytes:
        return _line(event_type, shaped(self._selected.kind, item, self._form))


def shaped(kind: Kind, item: Object, form: str) -> Object:
    """Return a single object as it is sent: whole, or as PartialObjectMetadata."""
    if form == "metadata":
        return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}
    return {"kind": kind.kind, "apiVersion": kind.api_version, **item}


def shaped_list(kind: Kind, items: list[Object], metadata: Object, form: str) -> Object:
    """Return a list as it is sent."""
    if form != "metadata":
        return {
            "kind": f"{kind.kind}List",
            "apiVersion": kind.api_version,
            "metadata": metadata,
            "items": items,
        }
    partial = [shaped(kind, item, form) for item in items]
    head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    return {**head, "items": partial}


def _line(event_type: str, item: Any) -> bytes:
    return msgspec.json.encode({"type": event_type, "object": item}) + b"\n"


async def _rings(bell: asyncio.Event, within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            await bell.wait()
    except TimeoutError:
        return False
    return True
