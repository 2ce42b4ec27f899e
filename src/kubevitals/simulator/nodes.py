"""Nodes of the simulated cluster: each an object, an address and a kubelet with a certificate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kubevitals.simulator import pki, templates
from kubevitals.simulator.fleet import Fleet
from kubevitals.simulator.host import Facts
from kubevitals.simulator.kinds import NODES
from kubevitals.simulator.kubelet import PATH, Kubelet
from kubevitals.simulator.machine import Machine, SimulatedMachine
from kubevitals.simulator.registry import Registry
from kubevitals.simulator.templates import NodeFacts
from kubevitals.simulator.workload import wave

GIB = 1 << 30
_SIZES = ((4, 16 * GIB), (8, 32 * GIB), (16, 64 * GIB))
_PER_CERTIFICATE = 32  # nodes that share one, as a thousand TLS contexts would take much memory
_SHARED_ADDRESS = "127.0.0.1"
_UP_SINCE = 24 * 3600.0
_AGE = 30 * 24 * 3600.0
_OVERHEAD_CORES, _OVERHEAD_MEMORY = 0.02, 900 << 20  # a part of a core for each core, and bytes


class Nodes:
    """Adds and removes nodes.

    Args:
        registry: where their objects go.
        fleet: their kubelets.
        authority: signs the kubelets' certificates.
        now: the wall clock.
        random: for the nodes' own load.
        housekeeping: seconds between two measurements of one container.
    """

    def __init__(
        self,
        registry: Registry,
        fleet: Fleet,
        authority: pki.Authority,
        *,
        now: Callable[[], float],
        random: Callable[[], float],
        housekeeping: float,
    ) -> None:
        self._registry = registry
        self._fleet = fleet
        self._authority = authority
        self._now = now
        self._random = random
        self._housekeeping = housekeeping
        self._addresses: dict[str, str] = {}
        self._taken = 0  # addresses given away
        self._workers = 0

    async def add_many(self, count: int, *, shared: bool = False) -> list[str]:
        """Add simulated nodes without pods, and return their names.

        Args:
            count: how many.
            shared: put them all on one address, where the path in their annotation tells them apart.
        """
        names = [f"worker-{self._workers + i + 1}" for i in range(count)]
        self._workers += count
        for at in range(0, count, _PER_CERTIFICATE):
            part = names[at : at + _PER_CERTIFICATE]
            self._certify({name: _SHARED_ADDRESS if shared else self._free_address() for name in part})
            for i, name in enumerate(part, at):
                cores, memory = _SIZES[i % len(_SIZES)]
                await self._start(name, self._machine(cores), cores, memory, shared=shared)
        return names

    async def add(
        self, name: str, *, cores: int = 4, memory: int = 16 * GIB, labels: Mapping[str, str] | None = None
    ) -> Kubelet:
        """Add one simulated node without pods."""
        self._certify({name: self._free_address()})
        return await self._start(name, self._machine(cores), cores, memory, labels=labels)

    async def add_host(self, facts: Facts, machine: Machine) -> Kubelet:
        """Add this machine."""
        self._certify({facts.name: self._free_address()})
        kubelet = await self._start(facts.name, machine, facts.cores, facts.memory)
        item = self._registry.get(NODES, facts.name)
        info = item["status"]["nodeInfo"] | {"osImage": facts.system, "kernelVersion": facts.kernel}
        self._registry.update(NODES, {**item, "status": item["status"] | {"nodeInfo": info}})
        return kubelet

    async def remove(self, name: str) -> None:
        """Remove a node's object and stop its kubelet."""
        self._registry.delete(NODES, name)
        address = self._addresses.pop(name)
        if address not in self._addresses.values():
            await self._fleet.abandon(address)
        self._fleet.remove(name)

    def address(self, name: str) -> str:
        """Return a node's address."""
        return self._addresses[name]

    def set_ready(self, name: str, *, ready: bool) -> None:
        """Set a node's Ready condition."""
        item = self._registry.get(NODES, name)
        self._registry.update(NODES, templates.with_readiness(item, self._now(), ready=ready))

    async def stop_kubelet(self, name: str) -> None:
        """Refuse connections to a node's address, and cut off those that are open."""
        await self._fleet.stop(self._addresses[name])

    async def start_kubelet(self, name: str) -> None:
        """Accept connections to a node's address again."""
        await self._fleet.start(self._addresses[name])

    async def certify(self, name: str, pair: pki.KeyPair) -> None:
        """Give one kubelet a certificate of the caller's choice; its connections are cut off."""
        await self._fleet.recertify(self._addresses[name], pair)

    async def recertify(self, name: str) -> None:
        """Give one kubelet a certificate of the cluster's authority again."""
        await self.certify(name, self._serving([self._addresses[name]]))

    async def decertify(self, name: str) -> None:
        """Let one kubelet have no certificate, as one whose request waits for approval."""
        await self._fleet.decertify(self._addresses[name])

    def renew_certificates(self, authority: pki.Authority) -> None:
        """Give every kubelet a new certificate of this authority, for connections from now on."""
        self._authority = authority
        self._fleet.renew(self._serving)

    def _machine(self, cores: int) -> SimulatedMachine:
        overhead = wave(self._now() - _UP_SINCE, _OVERHEAD_CORES * cores, _OVERHEAD_MEMORY, self._random)
        return SimulatedMachine(overhead, housekeeping=self._housekeeping)

    def _free_address(self) -> str:
        """Return the next of the addresses in 127.0.0.0/8, all of which are this machine."""
        self._taken += 1
        rest, last = divmod(self._taken, 250)
        second, third = divmod(rest, 250)
        return f"127.{second + 1}.{third}.{last + 1}"

    def _certify(self, addresses: Mapping[str, str]) -> None:
        self._addresses |= addresses
        unique = list(dict.fromkeys(addresses.values()))
        self._fleet.certify(unique, self._serving(unique))

    def _serving(self, addresses: Sequence[str]) -> pki.KeyPair:
        names = [name for name, address in self._addresses.items() if address in addresses]
        return self._authority.serving(f"system:node:{names[0]}", [*addresses, *names])

    async def _start(
        self,
        name: str,
        machine: Machine,
        cores: int,
        memory: int,
        *,
        shared: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> Kubelet:
        address = self._addresses[name]
        kubelet = self._fleet.add(name, machine, address, shared=shared)
        await self._fleet.start(address)
        path = f"/metrics/nodes/{name}{PATH}" if shared else ""
        facts = NodeFacts(name, address, cores, memory, self._fleet.port, metrics_path=path, labels=labels or {})
        item = templates.node(facts, self._now())
        created = templates.created(self._now() - _AGE)
        self._registry.create(NODES, {**item, "metadata": item["metadata"] | created})
        return kubelet
