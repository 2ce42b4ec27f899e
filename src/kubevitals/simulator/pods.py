"""Pods of the simulated cluster: each an object, and containers that a kubelet reports about."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from kubevitals.quantity import parse_memory
from kubevitals.simulator import templates
from kubevitals.simulator.fleet import Fleet
from kubevitals.simulator.host import HostMachine
from kubevitals.simulator.kinds import NAMESPACES, NODES, PODS, Object
from kubevitals.simulator.machine import SimulatedMachine
from kubevitals.simulator.registry import Event, Registry
from kubevitals.simulator.workload import APPS, DAEMONS, App, Usage, wave
from kubevitals.simulator.writes import suffix

_MIB = 1 << 20
_OLDEST = 6 * 3600.0  # seconds since the oldest simulated container started
_MOST_CPU, _MOST_MEMORY = 0.5, 0.6  # parts of a node that its pods take together on average
_STRIDE = 5  # how far apart in the list of apps the choices of two nodes begin


class _Placement(NamedTuple):
    """Where a simulated pod runs, and its containers' mean cores and bytes."""

    node: str
    app: App
    sizes: dict[str, tuple[float, int]]


class Pods:
    """Adds and removes pods.

    Args:
        registry: where their objects go.
        fleet: the kubelets that report about them.
        now: the wall clock.
        random: for names and loads.
    """

    def __init__(
        self, registry: Registry, fleet: Fleet, *, now: Callable[[], float], random: Callable[[], float]
    ) -> None:
        self._registry = registry
        self._fleet = fleet
        self._now = now
        self._random = random
        self._placements: dict[tuple[str, str], _Placement] = {}
        self._filled = 0
        registry[PODS].listeners.append(self._follow)
        registry[NODES].listeners.append(self._collect)

    def run(
        self,
        node: str,
        namespace: str,
        name: str,
        containers: Mapping[str, Usage],
        *,
        labels: Mapping[str, str] | None = None,
        requests: Mapping[str, tuple[float, int]] | None = None,
    ) -> Object:
        """Run a pod on a simulated node, and return its object.

        Args:
            node: where.
            namespace: created unless it exists.
            name: of the pod.
            containers: what each of them uses.
            labels: of the pod.
            requests: cores and bytes by container.
        """
        self.ensure_namespace(namespace)
        started = min(usage.start for usage in containers.values())
        item = templates.pod(
            namespace, name, node, list(containers), labels=labels or {}, started=started, requests=requests
        )
        return self.run_object(item, containers)

    def run_object(self, pod: Object, containers: Mapping[str, Usage]) -> Object:
        """Run a pod that is written out on the simulated node it names; ``containers`` says what each of them uses."""
        metadata = pod["metadata"]
        self.machine(pod["spec"]["nodeName"]).run_pod(metadata["namespace"], metadata["name"], containers.items())
        return self._registry.create(PODS, pod)

    def run_apps(self, node: str, count: int) -> None:
        """Fill a simulated node with pods; together they leave it some air."""
        first = self._filled * _STRIDE
        self._filled += 1
        apps = [*DAEMONS, *(APPS[(first + i) % len(APPS)] for i in range(count))][:count]
        cpu, memory = self._shares(node, apps)
        for app in apps:
            sizes = {name: (cores * cpu, int(mib * _MIB * memory)) for name, cores, mib in app.containers}
            self._place(_Placement(node, app, sizes), self._now() - _OLDEST * self._random())

    def delete(self, namespace: str, name: str) -> None:
        """Delete a pod's object; its containers stop with it."""
        self._registry.delete(PODS, name, namespace)

    def of(self, node: str) -> list[Object]:
        """Return the pods of a node."""
        return [pod for pod in self._registry[PODS].items() if pod["spec"].get("nodeName") == node]

    def machine(self, node: str) -> SimulatedMachine:
        """Return what a simulated node's kubelet reports about."""
        machine = self._fleet[node].machine
        assert isinstance(machine, SimulatedMachine), "a real machine runs what it runs"
        return machine

    def ensure_namespace(self, name: str) -> None:
        """Create a namespace unless it exists."""
        if self._registry[NAMESPACES].get(f"/{name}") is None:
            self._registry.create(NAMESPACES, templates.namespace(name))

    def _shares(self, node: str, apps: Sequence[App]) -> tuple[float, float]:
        """Return what to multiply the apps' cores and memory by, so that all of them fit on a node."""
        capacity = self._registry.get(NODES, node)["status"]["capacity"]
        cores = sum(cores for app in apps for _, cores, _ in app.containers) or 1.0
        memory = sum(mib for app in apps for _, _, mib in app.containers) * _MIB or 1
        return (
            min(1.0, _MOST_CPU * int(capacity["cpu"]) / cores),
            min(1.0, _MOST_MEMORY * parse_memory(capacity["memory"]) / memory),
        )

    def _place(self, placement: _Placement, started: float) -> None:
        app, sizes = placement.app, placement.sizes
        usages = {name: wave(started, cores, memory, self._random) for name, (cores, memory) in sizes.items()}
        labels = {"app": app.name, "app.kubernetes.io/name": app.name}
        name = self._name(app)
        self.run(placement.node, app.namespace, name, usages, labels=labels, requests=sizes)
        self._placements[app.namespace, name] = placement

    def _name(self, app: App) -> str:
        """Return a name as a DaemonSet or Deployment gives it, and nobody has."""
        template = "" if app in DAEMONS else f"-{zlib.crc32(app.name.encode()):08x}"
        while True:
            name = f"{app.name}{template}-{suffix(self._random)}"
            if self._registry[PODS].get(f"{app.namespace}/{name}") is None:
                return name

    def _follow(self, event: Event | None) -> None:
        """Stop the containers of a pod that was deleted, by whomever."""
        if event is None or event.type != "DELETED":
            return
        metadata, node = event.item["metadata"], event.item["spec"].get("nodeName", "")
        key = (metadata["namespace"], metadata["name"])
        self._placements.pop(key, None)
        if node in self._fleet and isinstance(self._fleet[node].machine, SimulatedMachine):
            self.machine(node).stop_pod(*key, self._now())

    def _collect(self, event: Event | None) -> None:
        """Delete the pods of a node that is gone, as the pod garbage collector does."""
        if event is None or event.type != "DELETED":
            return
        for pod in self.of(event.item["metadata"]["name"]):
            self.delete(pod["metadata"]["namespace"], pod["metadata"]["name"])

    # --- change ---------------------------------------------------------------------------------------------

    async def churn(self, interval: float) -> None:
        """Replace a simulated pod, or restart one of its containers, about every ``interval`` seconds."""
        while True:
            await asyncio.sleep(interval * (0.5 + self._random()))
            if self._placements:
                self.change()

    def change(self) -> None:
        """Replace one simulated pod by a new one, or restart one of its containers."""
        keys = sorted(self._placements)
        namespace, name = keys[int(self._random() * len(keys))]
        placement = self._placements[namespace, name]
        if self._random() < 0.5:
            self.delete(namespace, name)
            self._place(placement, self._now())
        else:
            container, size = next(iter(placement.sizes.items()))
            self.restart(placement.node, namespace, name, container, wave(self._now(), *size, self._random))

    def restart(self, node: str, namespace: str, name: str, container: str, usage: Usage) -> None:
        """Replace a container by a new one, which uses what is given."""
        self.machine(node).restart(namespace, name, container, usage, self._now())


class HostPods:
    """Keeps the pods of this machine's node those that were measured.

    Args:
        registry: where their objects go.
        pods: the cluster's pods.
        node: this machine's name.
        machine: what is measured.
    """

    def __init__(self, registry: Registry, pods: Pods, node: str, machine: HostMachine) -> None:
        self._registry = registry
        self._pods = pods
        self._node = node
        self._machine = machine
        self._seen: set[tuple[str, str]] = set()

    def sync(self) -> None:
        """Create, change and delete objects; a pod counts once it was measured twice, as many live for moments."""
        found = self._machine.pods()
        known = {(p["metadata"]["namespace"], p["metadata"]["name"]): p for p in self._pods.of(self._node)}
        for key in known.keys() - found.keys():
            self._pods.delete(*key)
        for key, containers in found.items():
            if (not self._seen or key in self._seen) and _containers(known.get(key)) != containers:
                self._put(*key, containers)
        self._seen = set(found)

    def _put(self, namespace: str, name: str, containers: Sequence[str]) -> None:
        self._pods.ensure_namespace(namespace)
        started = self._machine.start(namespace, name)
        item = templates.pod(namespace, name, self._node, containers, labels={"app": name}, started=started)
        self._registry.apply(PODS, item)


def _containers(pod: Object | None) -> list[str]:
    return [container["name"] for container in pod["spec"]["containers"]] if pod else []
