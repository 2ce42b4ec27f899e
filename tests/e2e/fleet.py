"""What the kubelets are given to report: nodes, pods and containers with a constant use. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

MI = 1 << 20


@dataclass(frozen=True)
class Container:
    """A container that uses ``millicores`` of CPU and ``memory`` bytes, always."""

    name: str
    millicores: int
    memory: int


@dataclass(frozen=True)
class Pod:
    """A running pod."""

    namespace: str
    name: str
    containers: tuple[Container, ...]
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Node:
    """A node, the loopback address of its kubelet, and what it uses in all, its pods included."""

    name: str
    address: str
    millicores: int
    memory: int
    pods: tuple[Pod, ...] = field(default=())


def small_fleet() -> tuple[Node, ...]:
    """Three nodes with pods in two namespaces; memory is once no multiple of a KiB."""
    web = tuple(
        Pod(
            "team-a",
            f"web-{number}",
            (Container("app", 150, 64 * MI), Container("sidecar", 25, 16 * MI + 123)),
            (("app", "web"), ("tier", "front")),
        )
        for number in (1, 2)
    )
    db = Pod("team-b", "db-0", (Container("postgres", 740, 512 * MI),), (("app", "db"),))
    idle = Pod("team-b", "idle", (Container("pause", 1, 3 * MI),))
    return (
        Node("node-a", "127.10.0.1", 1500, 2048 * MI, (web[0], db)),
        Node("node-b", "127.10.0.2", 620, 1024 * MI, (web[1], idle)),
        Node("node-c", "127.10.0.3", 90, 300 * MI),
    )


def large_fleet(nodes: int, pods: int, containers: int) -> tuple[Node, ...]:
    """``nodes`` × ``pods`` × ``containers``, over ten namespaces, addresses from 127.20.0.1 upwards."""
    boxes = tuple(Container(f"box-{number}", 5 + number, (10 + number) * MI) for number in range(containers))
    return tuple(
        Node(
            f"node-{number:04d}",
            f"127.20.{number // 250}.{number % 250 + 1}",
            1000 + number,
            (2000 + number) * MI,
            tuple(
                Pod(f"many-{pod % 10}", f"pod-{number:04d}-{pod:02d}", boxes, (("app", f"app-{pod % 7}"),))
                for pod in range(pods)
            ),
        )
        for number in range(nodes)
    )
