"""One simulated node as its kubelet sees it: containers that start and stop, and what they use. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol

from kubevitals.simulator.payload import Row, container_labels, pod_labels, render
from kubevitals.simulator.quirks import Quirks
from kubevitals.simulator.workload import Reading, Usage

_WARM_UP = 0.5  # seconds after its start from which a container has statistics
_GOLDEN = 0.6180339887  # spreads the phases of housekeeping evenly


class Machine(Protocol):
    """What a kubelet reports about."""

    def body(self, now: float) -> bytes:
        """Return the body of /metrics/resource at a time."""
        ...


@dataclass(slots=True)
class Container:
    """One running container. ``phase`` in turns is when within a housekeeping period it is measured."""

    pod: PodUsage
    name: str
    usage: Usage
    phase: float
    labels: str

    def reading(self, now: float, housekeeping: float) -> Reading:
        """Return its latest measurement, taken up to a housekeeping period ago."""
        return self.usage.at(measured_at(now, housekeeping, self.phase, self.usage.start))


@dataclass(slots=True)
class PodUsage:
    """One running pod."""

    namespace: str
    name: str
    containers: dict[str, Container]
    labels: str

    def reading(self, found: dict[int, Reading]) -> Reading:
        """Return the sum over its containers."""
        readings = [found[id(container)] for container in self.containers.values()]
        return Reading(
            max(reading.time_ms for reading in readings),
            sum(reading.cpu_ns for reading in readings),
            sum(reading.memory for reading in readings),
        )


def measured_at(now: float, housekeeping: float, phase: float, start: float) -> float:
    """Return when something was last measured: once per housekeeping period, but not before it had begun."""
    if housekeeping <= 0:
        return now
    offset = phase * housekeeping
    latest = (now - offset) // housekeeping * housekeeping + offset
    return min(now, max(latest, start + _WARM_UP))


class SimulatedMachine:
    """A node whose containers use what they are told to.

    Args:
        overhead: what the node uses besides its containers.
        housekeeping: seconds between two measurements of one container; 0 measures at every scrape.
    """

    def __init__(self, overhead: Usage, *, housekeeping: float = 10.0) -> None:
        self.overhead = overhead
        self.housekeeping = housekeeping
        self.pods: dict[tuple[str, str], PodUsage] = {}
        self.fixed: Reading | None = None
        self.quirks = Quirks()
        self._order: list[Container] = []
        self._count = 0
        self._gone_ns = 0
        self._cached: tuple[float, bytes] | None = None

    def run_pod(self, namespace: str, name: str, containers: Iterable[tuple[str, Usage]]) -> None:
        """Start a pod's containers."""
        pod = PodUsage(namespace, name, {}, pod_labels(namespace, name))
        for container, usage in containers:
            labels = container_labels(namespace, name, container)
            self._count += 1
            pod.containers[container] = Container(pod, container, usage, self._count * _GOLDEN % 1, labels)
        self.pods[namespace, name] = pod
        self._changed()

    def stop_pod(self, namespace: str, name: str, now: float) -> None:
        """Stop a pod; what it used stays in the node's counter."""
        pod = self.pods.pop((namespace, name), None)
        if pod is not None:
            self._gone_ns += sum(container.usage.at(now).cpu_ns for container in pod.containers.values())
            self._changed()

    def set_usage(self, namespace: str, pod: str, container: str, usage: Usage) -> None:
        """Let a container use this from now on; with a later start it is one that has been restarted."""
        self.pods[namespace, pod].containers[container].usage = usage
        self._cached = None

    def restart(self, namespace: str, pod: str, container: str, usage: Usage, now: float) -> None:
        """Replace a container by a new one; what the old one used stays in the node's counter."""
        self._gone_ns += self.pods[namespace, pod].containers[container].usage.at(now).cpu_ns
        self.set_usage(namespace, pod, container, usage)

    def set_node(self, reading: Reading | None) -> None:
        """Report exactly this about the node; None reports the sum of its parts again."""
        self.fixed = reading
        self._cached = None

    def set_quirks(self, quirks: Quirks) -> None:
        """Let what is reported be wrong in these ways from now on; ``Quirks()`` takes them all back."""
        self.quirks = quirks
        self._cached = None

    def body(self, now: float) -> bytes:
        """Return the body of /metrics/resource; scrapers that ask within a moment get the same bytes."""
        if self._cached is None or not 0 <= now - self._cached[0] < self.housekeeping / 20:
            self._cached = (now, self._render(now))
        return self._cached[1]

    def node_reading(self, now: float) -> Reading:
        """Return the node's own measurement: overhead, all containers, and those that are gone."""
        if self.fixed is not None:
            return self.fixed
        time = measured_at(now, self.housekeeping, 0.0, self.overhead.start)
        _, cpu_ns, memory = self.overhead.at(time)
        for container in self._order:
            reading = container.usage.at(time)
            cpu_ns += reading.cpu_ns
            memory += reading.memory
        return Reading(int(time * 1000), cpu_ns + self._gone_ns, memory)

    def _render(self, now: float) -> bytes:
        now = self.quirks.measured(now)
        running = [container for container in self._order if container.usage.start + _WARM_UP <= now]
        found = {id(container): container.reading(now, self.housekeeping) for container in running}
        rows = [Row(container.labels, found[id(container)], container.usage.start) for container in running]
        whole = (pod for pod in self.pods.values() if all(id(c) in found for c in pod.containers.values()))
        pods = sorted((Row(pod.labels, pod.reading(found)) for pod in whole if pod.containers), key=_labels)
        quirks = self.quirks
        return render(quirks.containers(rows, now), quirks.pods(pods), quirks.node(self.node_reading(now)))

    def _changed(self) -> None:
        containers = (container for pod in self.pods.values() for container in pod.containers.values())
        self._order = sorted(containers, key=attrgetter("labels"))
        self._cached = None


_labels = attrgetter("labels")
