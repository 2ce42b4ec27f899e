"""``python -m bench.informer``: what it costs to know of 150,000 running pods.

The pages and events of an API server go through the real reflector into the real inventory; only the network is
left out. Times are CPU of this process and depend on the machine. Memory is PSS, as the kernel counts it, after
the garbage is gone; what a list needs only while it is read counts as far as it is not given back.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from kubevitals.informer.reflector import Reflector
from kubevitals.informer.resources import running_pods
from kubevitals.informer.sink import Sink
from kubevitals.model import Pod
from kubevitals.store.inventory import Inventory
from kubevitals.store.labels import LabelPool

PODS, PAGE, NAMESPACES, REPLICAS = 150_000, 500, 100, 10
EVENTS = 20_000
CHUNK = 64 * 1024

Params = Sequence[tuple[str, str]]

_OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": True, "blockOwnerDeletion": True}
_FIELDS: dict[str, object] = {
    "f:metadata": {
        "f:generateName": {},
        "f:labels": {".": {}, "f:app": {}, "f:pod-template-hash": {}, "f:team": {}, "f:tier": {}},
        "f:ownerReferences": {".": {}, 'k:{"uid":"5a1e3d2c-8f0b-4a57-9c11-0d2b6a7f4e99"}': {}},
    }
}


def pss() -> int:
    """Return this process's memory in bytes: its own pages, and its share of those it shares."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def metadata(number: int) -> dict[str, object]:
    """Return a pod of a Deployment as the API server sends its metadata: 950 bytes, half of them managed fields."""
    group = number // REPLICAS
    team, app, revision = f"team-{number * NAMESPACES // PODS:03}", f"service-{group:05}", f"{group:08x}c"
    moment = 1_780_000_000 + group * 100 + number % REPLICAS // 4
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
    fields = {"apiVersion": "v1", "time": created, "fieldsType": "FieldsV1", "fieldsV1": _FIELDS}
    return {
        "name": f"{app}-{revision}-{number:05x}",
        "generateName": f"{app}-{revision}-",
        "namespace": team,
        "uid": f"5a1e3d2c-8f0b-4a57-9c11-{number:012x}",
        "resourceVersion": str(1_000_000 + number),
        "creationTimestamp": created,
        "labels": {"app": app, "pod-template-hash": revision, "team": team, "tier": "backend"},
        "ownerReferences": [{**_OWNER, "name": f"{app}-{revision}", "uid": f"0d2b6a7f-4e99-4a57-9c11-{group:012x}"}],
        "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", **fields}],
    }


def partial(number: int) -> dict[str, object]:
    """Return a pod's metadata as an object of its own."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata(number)}


def compact(value: object) -> bytes:
    """Return JSON as Go writes it."""
    return json.dumps(value, separators=(",", ":")).encode()


def page(start: int, gone: int) -> bytes:
    """Return the page that begins with this pod, without every ``gone``-th pod (0: all are there)."""
    following = str(start + PAGE) if start + PAGE < PODS else ""
    items = [partial(number) for number in range(start, start + PAGE) if not gone or number % gone]
    list_meta = {"resourceVersion": "9", "continue": following}
    return compact({"kind": "PartialObjectMetadataList", "metadata": list_meta, "items": items})


def events() -> Iterable[bytes]:
    """Return pods that change twice, go, and come back, all over the cluster."""
    for turn in range(EVENTS // 4):
        item = partial(turn * 7919 % PODS)
        for kind in ("MODIFIED", "MODIFIED", "DELETED", "ADDED"):
            yield compact({"type": kind, "object": item})


class Meter:
    """Notes the CPU time between two turns of the event loop: the longest, and all."""

    def __init__(self) -> None:
        self.longest = self.spent = 0.0
        self._mark = 0.0

    def restart(self) -> None:
        """Leave out what was done until now."""
        self._mark = time.process_time()

    def lap(self) -> None:
        """Count what was done until now."""
        took = time.process_time() - self._mark
        self.spent += took
        self.longest = max(self.longest, took)
        self.restart()

    async def watch(self) -> None:
        """Count every turn."""
        while True:
            self.lap()
            await asyncio.sleep(0)


class Cluster:
    """An API server that lists pods and then has its events; making them up is not measured."""

    def __init__(self, lines: Iterable[bytes] = (), gone: int = 0) -> None:
        self.meter = Meter()
        self.events_seconds = 0.0
        self.over = asyncio.Event()
        self._lines = list(lines)
        self._gone = gone

    @asynccontextmanager
    async def chunks(self, path: str, params: Params, **_: object) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a page."""
        self.meter.lap()
        body = page(int(dict(params).get("continue", "0")), self._gone)
        self.meter.restart()
        yield self._pieces(body)

    async def _pieces(self, body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), CHUNK):
            await asyncio.sleep(0)
            yield body[start : start + CHUNK]

    @asynccontextmanager
    async def lines(self, path: str, params: Params, **_: object) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a watch."""
        yield self._events()

    async def _events(self) -> AsyncIterator[bytes]:
        began = time.process_time()
        for line in self._lines:
            yield line
        self.events_seconds = time.process_time() - began
        self.over.set()
        await asyncio.Event().wait()


async def follow(cluster: Cluster, inventory: Inventory, pool: LabelPool) -> None:
    """Run a reflector until it has seen everything."""
    sink = Sink(
        inventory.replace_pods,
        inventory.upsert_pod,
        lambda pod: inventory.remove_pod(pod.namespace, pod.name),
        inventory.stage_pods,
    )
    reflector: Reflector[Pod] = Reflector(cluster, running_pods(pool.get), sink)
    cluster.meter.restart()
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(cluster.meter.watch())
        running = tasks.create_task(reflector.run())
        await reflector.synced.wait()
        watching.cancel()
        await cluster.over.wait()
        running.cancel()


def show(what: str, amount: float, unit: str) -> None:
    """Print one figure."""
    print(f"  {what:<34} {amount:8.1f} {unit}")


async def main() -> None:
    """Measure and print."""
    inventory, pool = Inventory(), LabelPool()
    page(0, 0)
    gc.collect()
    before = pss()
    lists = {"first list": Cluster(), "list again, one pod in 100 gone": Cluster(gone=100)}
    held = []
    for cluster in lists.values():
        await follow(cluster, inventory, pool)
        gc.collect()
        held.append(pss() - before)
    watched = Cluster(events())
    await follow(watched, inventory, pool)
    began = time.process_time()
    gc.collect()
    collecting = time.process_time() - began

    size = sum(map(len, (page(start, 0) for start in (0, PODS - PAGE)))) // (2 * PAGE)
    print(f"{PODS} pods, {size} bytes each, in pages of {PAGE}; {REPLICAS} pods have labels alike")
    for (name, cluster), memory in zip(lists.items(), held, strict=True):
        print(f" {name}")
        show("memory held afterwards, per pod", memory / PODS, "bytes")
        show("CPU per page", cluster.meter.spent / (PODS / PAGE) * 1e3, "ms")
        show("longest hold of the event loop", cluster.meter.longest * 1e3, "ms")
    print(" afterwards")
    show("one event of a watch", watched.events_seconds / EVENTS * 1e6, "µs")
    show("a full garbage collection", collecting * 1e3, "ms")


if __name__ == "__main__":
    asyncio.run(main())
