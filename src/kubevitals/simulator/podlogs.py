"""What the API server answers to a request for a pod's log. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from kubevitals.quoting import quote
from kubevitals.simulator import status
from kubevitals.simulator.attributes import truthy
from kubevitals.simulator.kinds import Object

# By namespace and pod, or by namespace, pod and container.
Texts = dict[tuple[str, ...], str]
_WAITING = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}


class PodLogs(Texts):
    """What the containers wrote that run, or ran last; a test puts it here: ``logs["ns", "pod"] = "..."``.

    Attributes:
        previous: what those before them wrote.
    """

    def __init__(self) -> None:
        super().__init__()
        self.previous: Texts = {}

    def read(self, pod: Object, query: Mapping[str, str]) -> str:
        """Return the log that a query asks for: ``container``, ``previous``, ``tailLines``, ``limitBytes``.

        Raises:
            Refused: 400 for a container that does not exist, was not chosen, waits to start or has no previous run,
                and for an option that is no number; 422 for a number that is none of lines or bytes.
        """
        container = _container(pod, query.get("container", ""))
        lines, limit = _number(query, "tailLines", 0), _number(query, "limitBytes", 1)
        name = pod["metadata"]["name"]
        if truthy(query.get("previous")):
            found = _find(self.previous, pod, container)
            if found is None:
                raise status.bad_request(
                    f"previous terminated container {quote(container)} in pod {quote(name)} not found"
                )
        else:
            found = _find(self, pod, container)
            if found is None:
                _refuse_waiting(pod, container)
        text = _tail(found or "", lines)
        return text if limit is None else text.encode()[:limit].decode(errors="ignore")


def _container(pod: Object, wanted: str) -> str:
    name, spec = pod["metadata"]["name"], pod["spec"]
    names = [container["name"] for container in spec["containers"]]
    initial = [container["name"] for container in spec.get("initContainers") or ()]
    if wanted in (*names, *initial):
        return wanted
    if wanted:
        raise status.bad_request(f"container {wanted} is not valid for pod {name}")
    if len(names) > 1:
        choice = f"choose one of: [{' '.join(names)}]"
        if initial:
            choice += f" or one of the init containers: [{' '.join(initial)}]"
        raise status.bad_request(f"a container name must be specified for pod {name}, {choice}")
    return str(names[0])


def _number(query: Mapping[str, str], name: str, least: int) -> int | None:
    text = query.get(name)
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        raise status.bad_request(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax") from None
    if number < least:
        raise status.invalid(
            "PodLogOptions", f"{name}: Invalid value: {number}: must be greater than or equal to {least}"
        )
    return number


def _find(texts: Texts, pod: Object, container: str) -> str | None:
    key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
    return texts.get((*key, container), texts.get(key))


def _refuse_waiting(pod: Object, container: str) -> None:
    """Refuse the log of a container that has not begun yet, as its kubelet does."""
    for found in pod["status"].get("containerStatuses") or ():
        waiting = (found.get("state") or {}).get("waiting")
        if found["name"] == container and waiting and not found.get("lastState"):
            why = _WAITING.get(waiting["reason"], waiting["reason"])
            name = quote(pod["metadata"]["name"])
            raise status.bad_request(f"container {quote(container)} in pod {name} is waiting to start: {why}")


def _tail(text: str, lines: int | None) -> str:
    return text if lines is None else "".join(text.splitlines(keepends=True)[-lines:] if lines else ())
