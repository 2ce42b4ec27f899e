"""The machine on which the Deployment kube-system/metrics-server of a simulated cluster really runs.

It does what the Deployment controller, a kubelet and the EndpointSlice controller do: a container's flags become the
server's, a change of the template replaces the pod, a pod that passes its readiness probe is an endpoint.
"""

from __future__ import annotations

import asyncio
import base64
import io
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from kubevitals import logs, settings
from kubevitals.app import Server
from kubevitals.errors import KubevitalsError
from kubevitals.quantity import format_time
from kubevitals.simulator import controlobjects, endpoints
from kubevitals.simulator.cluster import Cluster
from kubevitals.simulator.kinds import CONFIG_MAPS, DEPLOYMENTS, ENDPOINT_SLICES, PODS, REPLICA_SETS, SERVICES, Object
from kubevitals.simulator.registry import Event
from kubevitals.simulator.roles import SYSTEM
from kubevitals.simulator.templates import SERVICE

NODE = "worker-1"
POD = controlobjects.POD
RESOLUTION = 0.4  # seconds
_EVERY = 0.05  # seconds between probes
_UNVERIFIED = ("--kubelet-tls-pin", "--kubelet-insecure-tls")  # by the cluster's authority
_OWN_FLAGS = ("--cert-dir=", "--kubelet-certificate-authority=")  # that name files in the container


@dataclass
class _Running:
    server: Server
    task: asyncio.Task[None]


class Machine:
    """Runs the server of a cluster by its Deployment.

    Args:
        cluster: whose Deployment.
        address: the loopback address that is the pod's.

    Attributes:
        held: makes of the pod what it is while something keeps it from running, None when there is no pod then.
        told: the address that the cluster is told to be the pod's, where it is another than the one it has.
        age: seconds that the pod is said to have run; little here is about its first minute.
        resolution: seconds between scrapes, whatever the flags say.
    """

    def __init__(self, cluster: Cluster, address: str) -> None:
        self.cluster = cluster
        self.address = address
        self.held: Callable[[Object], Object | None] | None = None
        self.told = ""
        self.age = 3600.0
        self.resolution = RESOLUTION
        self.log = io.StringIO()
        self._spec: Object | None = None  # of the template that runs
        self._running: _Running | None = None
        self._changed = asyncio.Event()
        for kind in (DEPLOYMENTS, SERVICES, CONFIG_MAPS):
            cluster.registry[kind].listeners.append(self._wake)

    def _wake(self, _: Event | None) -> None:
        self._changed.set()

    # --- life -----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow the Deployment for the time of a with block."""
        async with asyncio.TaskGroup() as group:
            follower = group.create_task(self._follow(group), name="machine")
            try:
                yield
            finally:
                follower.cancel()
                await asyncio.wait([follower])
                await self._stop()

    async def _follow(self, group: asyncio.TaskGroup) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=_trusting(), force_close=True)) as session:
            while True:
                self._changed.clear()
                await self._settle(group)
                self._report(ready=await self._ready(session))
                with suppress(TimeoutError):
                    async with asyncio.timeout(_EVERY):
                        await self._changed.wait()

    async def _settle(self, group: asyncio.TaskGroup) -> None:
        """Let what runs be what the Deployment says."""
        wanted = self._template()
        if wanted != self._spec or self.held is not None:
            await self._stop()
            self._spec = wanted
        if self._running is None and wanted is not None and self.held is None:
            self._start(wanted, group)

    def _template(self) -> Object | None:
        found = self.cluster.registry[DEPLOYMENTS].get(f"{SYSTEM}/{SERVICE}")
        return found["spec"]["template"] if found else None

    def _start(self, template: Object, group: asyncio.TaskGroup) -> None:
        logs.setup(format="text", verbosity=0, stream=self.log)
        try:
            options = {"resolution": self.resolution, "reload_every": 0.1}
            server = Server(settings.parse(self._flags(template)), environ={}, **options)  # type: ignore[arg-type]
        except (KubevitalsError, OSError) as error:
            self.log.write(f"{error}\n")
            return
        self._running = _Running(server, group.create_task(server.run(), name="metrics server"))

    async def _stop(self) -> None:
        if self._running is not None:
            self._running.server.stop()
            await asyncio.wait([self._running.task])
            self._running = None

    def _flags(self, template: Object) -> list[str]:
        """Return the container's flags, with the files and addresses of this machine for those of a container."""
        [container] = template["spec"]["containers"]
        flags = list(container.get("args") or ())
        config = self.cluster.files.server
        return [
            *(flag for flag in flags if not flag.startswith(_OWN_FLAGS)),
            *self._authority(template, flags),
            f"--cert-dir={self.cluster.files.directory / 'certificates'}",
            f"--bind-address={self._address(template)}",
            *(f"--{use}kubeconfig={config}" for use in ("", "authentication-", "authorization-")),
        ]

    def _authority(self, template: Object, flags: Sequence[str]) -> list[str]:
        """Return the flag for the kubelets' authority; a pod has the cluster's where its flags say nothing else."""
        named = [flag.partition("=")[2] for flag in flags if flag.startswith(_OWN_FLAGS[1])]
        if not named and any(flag.startswith(_UNVERIFIED) for flag in flags):
            return []
        return [f"{_OWN_FLAGS[1]}{self._mounted(template, named[-1]) if named else self.cluster.files.ca}"]

    def _mounted(self, template: Object, path: str) -> Path:
        """Return the file that a container sees at a path: a key of a ConfigMap that is mounted."""
        [container] = template["spec"]["containers"]
        place, _, key = path.rpartition("/")
        volume = next(mount["name"] for mount in container["volumeMounts"] if mount["mountPath"] == place)
        source = next(item["configMap"]["name"] for item in template["spec"]["volumes"] if item["name"] == volume)
        data = self.cluster.registry.get(CONFIG_MAPS, source, SYSTEM)["data"]
        file = self.cluster.files.directory / f"mounted-{base64.b16encode(path.encode()).decode()}"
        file.write_text(data[key])
        return file

    def _address(self, template: Object) -> str:
        return self.cluster.nodes.address(NODE) if template["spec"].get("hostNetwork") else self.address

    async def _ready(self, session: aiohttp.ClientSession) -> bool:
        if self._running is None or self._spec is None:
            return False
        url = f"https://{self._address(self._spec)}:{self._running.server.port}/readyz"
        try:
            async with session.get(url, timeout=aiohttp.ClientTimeout(total=5)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    # --- what the cluster sees of it ------------------------------------------------------------------------

    def _report(self, *, ready: bool) -> None:
        self.cluster.logs[SYSTEM, POD] = self.log.getvalue()
        pod = self._pod(self._spec, ready=ready) if self._spec is not None else None
        if pod is not None and self.held is not None:
            pod = self.held(pod)
        if self._spec is not None:
            self._apply(REPLICA_SETS, self._replica_set(self._spec))
        if pod is not None:
            self._apply(PODS, pod)
        elif self.cluster.registry[PODS].get(f"{SYSTEM}/{POD}") is not None:
            self.cluster.registry.delete(PODS, POD, SYSTEM)
        self._apply_slice(ready=ready)

    def _apply(self, kind: controlobjects.Kind, item: Object) -> None:
        """Store an object if it is another than the one there."""
        metadata = item["metadata"]
        known = self.cluster.registry[kind].get(f"{metadata['namespace']}/{metadata['name']}")
        if known is None or any(known.get(key) != value for key, value in item.items() if key != "metadata"):
            self.cluster.registry.apply(kind, item)

    def _replica_set(self, template: Object) -> Object:
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": SERVICE, "controller": True}
        metadata = {"namespace": SYSTEM, "name": controlobjects.REPLICA_SET, "ownerReferences": [owner]}
        return {"metadata": metadata, "spec": {"replicas": 1, "template": template}}

    def _pod(self, template: Object, *, ready: bool) -> Object:
        known = self.cluster.registry[PODS].get(f"{SYSTEM}/{POD}")
        started = (known["status"].get("startTime") if known else None) or self._started()
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": controlobjects.REPLICA_SET, "controller": True}
        metadata = {"namespace": SYSTEM, "name": POD, "labels": template["metadata"]["labels"]}
        status = {
            "phase": "Running",
            "podIP": self._address(template) if template["spec"].get("hostNetwork") else self.told or self.address,
            "hostIP": self.cluster.nodes.address(NODE),
            "startTime": started,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [self._container_status(started, ready=ready)],
        }
        metadata |= {"ownerReferences": [owner], "creationTimestamp": started}
        return {"metadata": metadata, "spec": template["spec"] | {"nodeName": NODE}, "status": status}

    def _started(self) -> str:
        return format_time(int((self.cluster.registry.now() - self.age) * 1000))

    def _container_status(self, started: str, *, ready: bool) -> Object:
        if self._running:
            return {"name": SERVICE, "ready": ready, "restartCount": 0, "state": {"running": {"startedAt": started}}}
        waiting = {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"}
        return {"name": SERVICE, "ready": False, "restartCount": 3, "state": {"waiting": waiting}}

    def _apply_slice(self, *, ready: bool) -> None:
        service = self.cluster.registry[SERVICES].get(f"{SYSTEM}/{SERVICE}")
        if service is None:
            for known in endpoints.slices(self.cluster.registry, SYSTEM, SERVICE):
                self.cluster.registry.delete(ENDPOINT_SLICES, known["metadata"]["name"], SYSTEM)
            return
        pod = self.cluster.registry[PODS].get(f"{SYSTEM}/{POD}")
        labels = pod["metadata"]["labels"] if pod else {}
        selected = pod is not None and service["spec"]["selector"].items() <= labels.items()
        [port] = service["spec"]["ports"]
        found: list[Object] = []
        ports: list[Object] = []
        if pod is not None and selected and pod["status"].get("podIP"):
            target = {"kind": "Pod", "namespace": SYSTEM, "name": POD}
            conditions = {"ready": ready, "serving": ready, "terminating": False}
            address = [pod["status"]["podIP"]]
            found = [{"addresses": address, "conditions": conditions, "nodeName": NODE, "targetRef": target}]
            ports = [{"name": port.get("name", ""), "port": number} for number in _numbers(pod, port["targetPort"])]
        metadata = {"namespace": SYSTEM, "name": f"{SERVICE}-q8x4d", "labels": {endpoints.OF_SERVICE: SERVICE}}
        self._apply(ENDPOINT_SLICES, {"metadata": metadata, "addressType": "IPv4", "endpoints": found, "ports": ports})


def _numbers(pod: Object, wanted: str | int) -> Sequence[int]:
    """Return the port that a Service's targetPort is on a pod; nothing when it has none of that name."""
    if isinstance(wanted, int):
        return [wanted]
    named = (port for container in pod["spec"]["containers"] for port in container.get("ports") or ())
    return [port["containerPort"] for port in named if port.get("name") == wanted][:1]


def _trusting() -> ssl.SSLContext:
    """A probe does not verify."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
