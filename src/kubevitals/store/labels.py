"""Label sets, each held once. Pure."""

from __future__ import annotations

from weakref import WeakValueDictionary

import msgspec

from kubevitals.errors import ApiServerError
from kubevitals.model import NO_LABELS, Labels


class LabelPool:
    """Gives every object with the same labels the same Labels. Holds only those that something still uses."""

    def __init__(self) -> None:
        self._used: WeakValueDictionary[bytes, Labels] = WeakValueDictionary()

    def __len__(self) -> int:
        """Return how many distinct label sets are in use."""
        return len(self._used)

    def get(self, raw: bytes) -> Labels:
        """Return the labels in a JSON object (or nothing, or null), as the API server sent it.

        Raises:
            ApiServerError: it is not a JSON object of strings.
        """
        labels = self._used.get(raw)
        if labels is None:
            labels = _decode(raw) if raw else NO_LABELS
            if labels is not NO_LABELS:
                self._used[raw] = labels
        return labels


def _decode(raw: bytes) -> Labels:
    try:
        pairs = msgspec.json.decode(raw, type=dict[str, str] | None)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiServerError(f"an object's labels are not a JSON object of strings: {error}") from error
    if not pairs:
        return NO_LABELS
    compact = msgspec.json.encode(pairs)
    return Labels(raw if compact == raw else compact)
