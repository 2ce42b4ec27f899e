"""Processes grouped into pods and containers, with CPU counters that never go back. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from kubevitals.simulator.payload import Row, container_labels, pod_labels
from kubevitals.simulator.workload import Reading

SYSTEM_NAMESPACE = "host-system"
_FIRST_USER = 1000  # user ids below belong to the system
_LEAST_CPU = 0.001  # seconds; a process that runs has used some, even if less than a clock tick
_LONGEST_NAME = 63
# Units that say how a process came to be, not what it is.
_ANONYMOUS_UNITS = re.compile(r"user@|session-|init$|docker-|cri-|crio-|libpod-|run-")
_UNIT = re.compile(r"([^/]+)\.(?:service|scope)$")


class Origin(NamedTuple):
    """What stays the same for a process's life; ``unit`` is its systemd unit, if it has one of its own."""

    pid: int
    started: float
    user: str
    uid: int
    executable: str
    name: str
    unit: str = ""


class Process(NamedTuple):
    """One process as measured: CPU in seconds since it started, memory in bytes of which some are shared."""

    origin: Origin
    cpu: float
    memory: int
    shared: int


class Key(NamedTuple):
    """Which container a process belongs to."""

    container: str
    namespace: str
    pod: str


@dataclass(slots=True)
class _Group:
    start: float
    labels: str
    retired: float = 0.0  # CPU seconds of processes that have ended
    cpu: float = 0.0
    private: int = 0
    shared: int = 0

    def reading(self, time_ms: int) -> Reading:
        seconds = max(_LEAST_CPU, self.retired + self.cpu)
        return Reading(time_ms, round(seconds * 1e9), self.private + self.shared)


class Groups:
    """Adds up processes by container; a group lives as long as one of its processes."""

    def __init__(self) -> None:
        self._groups: dict[Key, _Group] = {}
        self._alive: dict[Origin, tuple[Key, float]] = {}
        self._time_ms = 0

    def absorb(self, processes: Iterable[Process], time: float) -> None:
        """Take in what was measured at a time; a process that is missing has ended."""
        members: dict[Key, list[Process]] = {}
        for process in processes:
            members.setdefault(key_of(process.origin), []).append(process)
        alive = {process.origin: (key, process.cpu) for key, found in members.items() for process in found}
        self._retire(alive)
        self._groups = {key: self._updated(key, found) for key, found in members.items()}
        self._alive = alive
        self._time_ms = int(time * 1000)

    def _retire(self, alive: dict[Origin, tuple[Key, float]]) -> None:
        for origin, (key, cpu) in self._alive.items():
            if origin not in alive:
                self._groups[key].retired += cpu

    def _updated(self, key: Key, found: list[Process]) -> _Group:
        group = self._groups.get(key)
        if group is None:
            start = min(process.origin.started for process in found)
            group = _Group(start, container_labels(key.namespace, key.pod, key.container))
        group.cpu = sum(process.cpu for process in found)
        group.private = sum(process.memory - process.shared for process in found)
        group.shared = max(process.shared for process in found)
        return group

    def pods(self) -> dict[tuple[str, str], list[str]]:
        """Return the containers of every pod, by (namespace, name)."""
        found: dict[tuple[str, str], list[str]] = {}
        for key in sorted(self._groups):
            found.setdefault((key.namespace, key.pod), []).append(key.container)
        return found

    def start(self, namespace: str, pod: str) -> float:
        """Return when a pod's first container started."""
        starts = [g.start for key, g in self._groups.items() if (key.namespace, key.pod) == (namespace, pod)]
        return min(starts)

    def rows(self) -> tuple[list[Row], list[Row]]:
        """Return the containers and the pods, in the order in which a kubelet prints them."""
        found = [
            (key, Row(group.labels, group.reading(self._time_ms), group.start))
            for key, group in sorted(self._groups.items())
        ]
        sums: dict[tuple[str, str], Reading] = {}
        for key, row in found:
            before = sums.get((key.namespace, key.pod), Reading(0, 0, 0))
            now = row.reading
            total = Reading(now.time_ms, before.cpu_ns + now.cpu_ns, before.memory + now.memory)
            sums[key.namespace, key.pod] = total
        pods = [Row(pod_labels(*pod), total) for pod, total in sums.items()]
        return [row for _, row in found], sorted(pods, key=attrgetter("labels"))


def key_of(origin: Origin) -> Key:
    """Return where a process belongs: its user's namespace, the pod of its unit or executable, its own name."""
    user = kubernetes_name(origin.user)
    namespace = SYSTEM_NAMESPACE if origin.uid < _FIRST_USER else kubernetes_name(f"host-{user}")
    return Key(kubernetes_name(origin.name), namespace, kubernetes_name(origin.unit or origin.executable))


def unit_of(cgroup: str) -> str:
    """Return the systemd unit in the text of /proc/PID/cgroup, empty when none says what runs."""
    for line in cgroup.splitlines():
        match = _UNIT.search(line)
        if match is not None and not _ANONYMOUS_UNITS.match(match[1]):
            return re.sub(r"^app-(gnome-|kde-)?|-[0-9]+$|@.*$", "", match[1])
    return ""


def kubernetes_name(text: str) -> str:
    """Return text as a DNS label, which is what Kubernetes takes for a name."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return plain[:_LONGEST_NAME].rstrip("-") or "unnamed"
