"""This machine as a node: its true CPU and memory, and its processes as pods."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

from kubevitals.simulator.payload import render
from kubevitals.simulator.processes import Groups, Origin, Process, kubernetes_name, unit_of
from kubevitals.simulator.workload import Reading

_GONE = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError)
_PROC = Path("/proc")


class Facts(NamedTuple):
    """What does not change: name, cores, bytes of memory, operating system and kernel."""

    name: str
    cores: int
    memory: int
    system: str
    kernel: str


class _Sample(NamedTuple):
    time: float
    cpu: float
    memory: int
    processes: list[Process]


class HostMachine:
    """A node that reports about this machine.

    Args:
        now: the wall clock, in seconds since the epoch.
        interval: seconds between measurements.
    """

    def __init__(self, *, now: Callable[[], float], interval: float) -> None:
        self._now = now
        self._interval = interval
        self._origins: dict[int, Origin] = {}
        self._groups = Groups()
        self._node: Reading | None = None

    def body(self, now: float) -> bytes:
        """Return the body of /metrics/resource, as last measured."""
        containers, pods = self._groups.rows()
        return render(containers, pods, self._node)

    def pods(self) -> dict[tuple[str, str], list[str]]:
        """Return the containers of every pod, by (namespace, name)."""
        return self._groups.pods()

    def start(self, namespace: str, pod: str) -> float:
        """Return when a pod started, in seconds since the epoch."""
        return self._groups.start(namespace, pod)

    async def run(self, measured: Callable[[], None]) -> None:
        """Measure again and again, and call ``measured`` each time."""
        while True:
            await self.measure()
            measured()
            await asyncio.sleep(self._interval)

    async def measure(self) -> None:
        """Measure once; reading every process takes a while, so it is done beside the loop."""
        sample = await asyncio.to_thread(self._sample)
        self._groups.absorb(sample.processes, sample.time)
        self._node = Reading(int(sample.time * 1000), round(sample.cpu * 1e9), sample.memory)

    def _sample(self) -> _Sample:
        processes = list(self._processes())
        self._origins = {process.origin.pid: process.origin for process in processes}
        return _Sample(self._now(), busy_seconds(), working_set(), processes)

    def _processes(self) -> Iterator[Process]:
        for process in psutil.process_iter():
            with contextlib.suppress(*_GONE), process.oneshot():
                memory = process.memory_info()
                if not memory.rss:  # a thread of the kernel, or a process that has ended
                    continue
                spent = process.cpu_times()
                shared = min(getattr(memory, "shared", 0), memory.rss)
                yield Process(self._origin(process), spent.user + spent.system, memory.rss, shared)

    def _origin(self, process: psutil.Process) -> Origin:
        """Return what does not change about a process; asked for once, as it costs most."""
        known = self._origins.get(process.pid)
        started = process.create_time()
        if known is not None and known.started == started:
            return known
        name = process.name()
        uid = process.uids().real
        return Origin(
            process.pid,
            started,
            process.username(),
            uid,
            _executable(process, name),
            name,
            _unit(process.pid),
        )


def facts() -> Facts:
    """Return what does not change about this machine."""
    return Facts(
        kubernetes_name(socket.gethostname().partition(".")[0]),
        psutil.cpu_count() or 1,
        psutil.virtual_memory().total,
        _system(),
        platform.release(),
    )


def busy_seconds() -> float:
    """Return the CPU time all cores have spent since the start of the machine, without idling and waiting."""
    spent = psutil.cpu_times()
    kinds = ("user", "nice", "system", "irq", "softirq", "steal")
    return float(sum(getattr(spent, kind, 0.0) for kind in kinds))


def working_set() -> int:
    """Return the bytes in use that cannot be given up at once: all but free memory and inactive page cache.

    This is how kubelets measure a node: usage of the root control group less its inactive files.
    """
    try:
        lines = (_PROC / "meminfo").read_text().splitlines()
        found = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
        return found["MemTotal"] - found["MemFree"] - found["Inactive(file)"]
    except (OSError, KeyError, ValueError, IndexError):
        memory = psutil.virtual_memory()
        return int(memory.total - memory.available)


def _executable(process: psutil.Process, name: str) -> str:
    """Return the file a process runs; its name where that is not allowed to know."""
    try:
        return Path(process.exe()).name or name
    except _GONE:
        return name


def _unit(pid: int) -> str:
    try:
        return unit_of((_PROC / str(pid) / "cgroup").read_text())
    except OSError:
        return ""


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()
