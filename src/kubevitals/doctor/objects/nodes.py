"""Nodes. Pure."""

from __future__ import annotations

import msgspec

from kubevitals.doctor.objects.base import Conditions, Meta, Object


class NodeAddress(Object, frozen=True):
    """An address of a node, and its type."""

    type: str = ""
    address: str = ""


class Taint(Object, frozen=True):
    """What keeps pods away from a node."""

    key: str = ""
    effect: str = ""


class NodeSpec(Object, frozen=True):
    """``spec`` of a node."""

    pod_cidrs: tuple[str, ...] | None = msgspec.field(name="podCIDRs", default=())
    taints: tuple[Taint, ...] | None = ()


class NodeInfo(Object, frozen=True):
    """What runs on a node."""

    container_runtime_version: str = ""
    kubelet_version: str = ""
    os_image: str = ""
    operating_system: str = ""


class KubeletEndpoint(Object, frozen=True):
    """Where a kubelet listens."""

    port: int = msgspec.field(name="Port", default=10250)


class DaemonEndpoints(Object, frozen=True):
    """Where a node's daemons listen."""

    kubelet_endpoint: KubeletEndpoint = KubeletEndpoint()


class NodeStatus(Conditions, frozen=True):
    """``status`` of a node."""

    addresses: tuple[NodeAddress, ...] | None = ()
    node_info: NodeInfo = NodeInfo()
    daemon_endpoints: DaemonEndpoints = DaemonEndpoints()
    allocatable: dict[str, str] = msgspec.field(default_factory=dict)


class Node(Object, frozen=True):
    """A node."""

    metadata: Meta = Meta()
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def ready(self) -> bool:
        """Whether its Ready condition is true."""
        found = self.status.condition("Ready")
        return found is not None and found.status == "True"

    @property
    def kubelet_port(self) -> int:
        """Where its kubelet listens, as the node says."""
        return self.status.daemon_endpoints.kubelet_endpoint.port

    def addresses(self, *types: str) -> list[str]:
        """Return its addresses, of some types or of all."""
        return [found.address for found in self.status.addresses or () if not types or found.type in types]
