"""What all objects have. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Object(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """Anything that the API sends; what is not listed is skipped."""


class OwnerReference(Object, frozen=True):
    """Who made an object."""

    kind: str = ""
    name: str = ""
    controller: bool = False


class Meta(Object, frozen=True):
    """``metadata``."""

    name: str = ""
    namespace: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    owner_references: tuple[OwnerReference, ...] = ()

    @property
    def key(self) -> str:
        """``namespace/name``, or the name alone."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Condition(Object, frozen=True):
    """An entry of ``status.conditions``."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class Conditions(Object, frozen=True):
    """A ``status`` with conditions."""

    conditions: tuple[Condition, ...] | None = ()

    def condition(self, type_: str) -> Condition | None:
        """Return the condition of a type, None when it is not set."""
        return next((found for found in self.conditions or () if found.type == type_), None)


class ListMeta(Object, frozen=True):
    """``metadata`` of a list."""

    continue_: str = msgspec.field(name="continue", default="")
    remaining_item_count: int | None = None


class TargetReference(Object, frozen=True):
    """The object that something is about."""

    kind: str = ""
    name: str = ""


def seconds(text: str | None) -> float | None:
    """Return a time of the API in seconds since the epoch, None when there is none."""
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None
