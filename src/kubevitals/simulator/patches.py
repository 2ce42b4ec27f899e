"""The three kinds of patch that an API server takes. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from kubevitals.simulator import status

# Lists that a strategic merge patch merges by a key of their elements, as the Kubernetes API declares them; all others
# are replaced.
_MERGE_KEYS: Final = {
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "volumeMounts": "mountPath",
    "volumes": "name",
}


def merge(current: Any, change: Any) -> Any:
    """Return a JSON merge patch applied (RFC 7386): null removes, objects merge, all else replaces."""
    return _merged(current, change, lambda _name, _before, after: after)


def strategic_merge(current: Any, change: Any) -> Any:
    """Return a strategic merge patch applied: as a merge patch, but lists with a merge key merge by it.

    Of the directives only ``$patch: delete`` of an element is known, and ``$setElementOrder`` is passed over.
    """
    return _merged(current, change, _merged_list)


def json_patch(current: Any, operations: Any) -> Any:
    """Return a JSON patch applied (RFC 6902): ``add``, ``remove``, ``replace`` and ``test``.

    Raises:
        Refused: 400 for an operation that is malformed, 422 for one that does not fit the object.
    """
    if not isinstance(operations, list):
        raise status.bad_request("the patch is no list of operations")
    found = current
    for operation in operations:
        try:
            name, path = operation["op"], str(operation["path"])
        except (KeyError, TypeError):
            raise status.bad_request("an operation needs an op and a path") from None
        steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
        try:
            found = _operated(found, steps, name, operation.get("value"))
        except (KeyError, IndexError, ValueError, TypeError):
            raise _does_not_fit(f"{name} operation does not apply: doc is missing path: {path}") from None
    return found


def _merged(current: Any, change: Any, lists: Callable[[str, list[Any], list[Any]], list[Any]]) -> Any:
    if not isinstance(change, dict):
        return change
    found = dict(current) if isinstance(current, dict) else {}
    for key, value in change.items():
        if key.startswith("$"):
            continue
        before = found.get(key)
        if value is None:
            found.pop(key, None)
        elif isinstance(value, list) and isinstance(before, list):
            found[key] = lists(key, before, value)
        else:
            found[key] = _merged(before, value, lists)
    return found


def _merged_list(name: str, current: list[Any], change: list[Any]) -> list[Any]:
    key = _MERGE_KEYS.get(name)
    if key is None:
        return change
    found = list(current)
    for item in change:
        at = next((i for i, known in enumerate(found) if known.get(key) == item.get(key)), len(found))
        if item.get("$patch") == "delete":
            found = found[:at] + found[at + 1 :]
        else:
            found[at : at + 1] = [strategic_merge(found[at] if at < len(found) else {}, item)]
    return found


def _operated(current: Any, steps: list[str], name: str, value: Any) -> Any:
    """Return an object after one operation; what it does not touch is shared with ``current``."""
    step, rest = steps[0], steps[1:]
    if isinstance(current, list):
        at = len(current) if step == "-" else int(step)
        if rest:
            return [*current[:at], _operated(current[at], rest, name, value), *current[at + 1 :]]
        if not 0 <= at < len(current) + (name == "add"):
            raise IndexError(step)
        kept = at if name == "add" else at + 1
        return [*current[:at], *([] if name == "remove" else [_wanted(current, at, name, value)]), *current[kept:]]
    if rest:
        return {**current, step: _operated(current[step], rest, name, value)}
    if name != "add" and step not in current:
        raise KeyError(step)
    if name == "remove":
        return {key: current[key] for key in current if key != step}
    return {**current, step: _wanted(current, step, name, value)}


def _wanted(current: Any, at: Any, name: str, value: Any) -> Any:
    if name in ("add", "replace"):
        return value
    if name != "test":
        raise status.bad_request(f"Unexpected kind: {name}")
    if current[at] != value:
        raise _does_not_fit(f"testing path {at} value failed")
    return current[at]


def _does_not_fit(message: str) -> status.Refused:
    return status.Refused(status.status(422, "Invalid", f"the server rejected our request due to an error: {message}"))
