"""What readers made of the points, kept for the next reader. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Derived:
    """One thing for each object at most, by namespace and name; the namespace of a node is empty.

    The points drop what they can no longer vouch for: that of a node or pod that is gone, or that another node reports
    as well. Whether a thing is as new as its points are is for its reader to see.
    """

    def __init__(self) -> None:
        self._namespaces: dict[str, dict[str, Any]] = {}

    def __bool__(self) -> bool:
        """Return whether there is anything."""
        return bool(self._namespaces)

    def __len__(self) -> int:
        """Return for how many objects there is something."""
        return sum(map(len, self._namespaces.values()))

    def of(self, namespace: str) -> Mapping[str, Any]:
        """Return what there is in a namespace, by name; a view that a reader gives up with its next ``keep``."""
        return self._namespaces.get(namespace, _NOTHING)

    def keep(self, namespace: str, name: str, made: Any) -> None:
        """Keep a thing in place of the one before."""
        self._namespaces.setdefault(namespace, {})[name] = made

    def drop(self, objects: Iterable[tuple[str, str]]) -> None:
        """Drop what there is of these objects."""
        if not self._namespaces:
            return
        for namespace, name in objects:
            made = self._namespaces.get(namespace)
            if made is not None and made.pop(name, None) is not None and not made:
                del self._namespaces[namespace]
