"""The pods of the cluster's own servers: the API server's, and that of the metrics server it leads to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kubevitals.simulator import controlobjects, endpoints
from kubevitals.simulator.kinds import DEPLOYMENTS, ENDPOINT_SLICES, ENDPOINTS, PODS, REPLICA_SETS, Object
from kubevitals.simulator.nodes import Nodes
from kubevitals.simulator.pods import Pods
from kubevitals.simulator.registry import Registry
from kubevitals.simulator.roles import SYSTEM
from kubevitals.simulator.templates import SERVICE
from kubevitals.simulator.workload import wave

_MIB = 1 << 20
_AGE = 3600.0  # seconds that these pods have run
_API_SERVER = (0.12, 400 * _MIB)  # cores and bytes
_SERVER = (0.01, 40 * _MIB)


class ControlPlane:
    """Adds these pods, which run on a simulated node as others do, and takes them away.

    Args:
        registry: where the objects go.
        nodes: where the pods run.
        pods: runs them.
        now: the wall clock.
        random: for loads.
    """

    def __init__(
        self, registry: Registry, nodes: Nodes, pods: Pods, *, now: Callable[[], float], random: Callable[[], float]
    ) -> None:
        self._registry = registry
        self._nodes = nodes
        self._pods = pods
        self._now = now
        self._random = random
        self._where = ("", "", 0)  # node, host and port of the metrics server

    def add_api_server(self, node: str) -> None:
        """Let the API server be a static pod of a simulated node: ``kube-apiserver-NODE`` in ``kube-system``."""
        started = self._now() - _AGE
        self._run(controlobjects.api_server_pod(node, self._nodes.address(node), started), _API_SERVER)

    def add_server(self, node: str, host: str, port: int, args: Sequence[str] = ()) -> None:
        """Let the server at host and port be a pod of a simulated node, and that of the Service metrics-server.

        Args:
            node: where.
            host: its address, which becomes the pod's.
            port: its port, which becomes the container's port ``https``.
            args: what the container is started with, as its Deployment says.
        """
        self._where = (node, host, port)
        started = self._now() - _AGE
        self._run(controlobjects.server_pod(node, host, port, args, started), _SERVER)
        for kind, item in controlobjects.workloads(port, args, started):
            self._registry.apply(kind, item)
        self.set_server_ready(ready=True)

    def set_server_ready(self, *, ready: bool) -> None:
        """Let the metrics server's pod pass its readiness probe or not: the Service leads only to one that does."""
        pod = self.server_pod()
        conditions = controlobjects.conditions(self._now(), ready=ready)
        statuses = [status | {"ready": ready} for status in pod["status"]["containerStatuses"]]
        status = pod["status"] | {"conditions": conditions, "containerStatuses": statuses}
        self._registry.update(PODS, {**pod, "status": status})
        for kind, item in controlobjects.endpoints(*self._where, ready=ready):
            self._registry.apply(kind, item)

    def server_pod(self) -> Object:
        """Return the metrics server's pod."""
        return self._registry.get(PODS, controlobjects.POD, SYSTEM)

    def remove_server(self) -> None:
        """Take away what ``add_server`` added, as far as it is still there."""
        owned = ((ENDPOINTS, SERVICE), (DEPLOYMENTS, SERVICE), (REPLICA_SETS, controlobjects.REPLICA_SET))
        slices = [
            (ENDPOINT_SLICES, item["metadata"]["name"]) for item in endpoints.slices(self._registry, SYSTEM, SERVICE)
        ]
        for kind, name in (*owned, (PODS, controlobjects.POD), *slices):
            if self._registry[kind].get(f"{SYSTEM}/{name}") is not None:
                self._registry.delete(kind, name, SYSTEM)

    def _run(self, pod: Object, size: tuple[float, int]) -> None:
        [container] = pod["spec"]["containers"]
        usage = wave(self._now() - _AGE, *size, self._random)
        self._pods.run_object(pod, {container["name"]: usage})
