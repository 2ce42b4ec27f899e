"""A cluster with fixed values, for golden screens and the pictures in the documents."""

from __future__ import annotations

from kubevitals.top.model import Amounts, Bounds, Container, Node, NodeUse, Pod, PodUse, Use, plus, plus_if_all

NOW = 1_767_225_600.0
DAY = 86_400.0
MI = 1 << 20
GI = 1 << 30
MILLI = 10**6


def amounts(millicores: int | None, mebibytes: int | None) -> Amounts:
    cpu = None if millicores is None else millicores * MILLI
    return Amounts(cpu, None if mebibytes is None else mebibytes * MI)


def use(millicores: int, mebibytes: int, age: float = 9, window: float = 15) -> Use:
    return Use(millicores * MILLI, mebibytes * MI, NOW - age, int(window * 1e9))


NODES = (
    Node("control-plane", amounts(2000, 3915), NOW - 90 * DAY),
    Node("worker-1", amounts(4000, 15890), NOW - 90 * DAY),
    Node("worker-2", amounts(8000, 31780), NOW - 21 * DAY),
    Node("worker-3", amounts(8000, 31780), NOW - 70),
)
NODE_USES = (
    NodeUse("control-plane", use(212, 2770, 12)),
    NodeUse("worker-1", use(3630, 14270, 7)),
    NodeUse("worker-2", use(5104, 16020, 4, 14.7)),
)


def pod(
    namespace: str,
    name: str,
    node: str,
    owner: str,
    age: float,
    *containers: tuple[str, Bounds],
    phase: str = "Running",
) -> Pod:
    found = tuple(Container(*each) for each in containers)
    requests = [container.bounds.requests for container in found]
    limits = [container.bounds.limits for container in found]
    return Pod(
        namespace, name, node, phase, owner, NOW - age, found,
        Bounds(plus(requests), plus_if_all(limits)), Bounds(plus(requests), plus(limits)),
    )  # fmt: skip


def bounds(
    cpu_request: int | None, memory_request: int | None, cpu_limit: int | None, memory_limit: int | None
) -> Bounds:
    return Bounds(amounts(cpu_request, memory_request), amounts(cpu_limit, memory_limit))


_PROXY = ("proxy", bounds(50, 64, 200, 128))
PODS = (
    pod("data", "postgres-0", "worker-2", "StatefulSet/postgres", 40 * DAY,
        ("postgres", bounds(1000, 8192, 4000, 12288)), ("exporter", bounds(20, 32, None, 64))),
    pod("kube-system", "coredns-7c65d6cfc9-6wbzx", "control-plane", "Deployment/coredns", 90 * DAY,
        ("coredns", bounds(100, 70, None, 170))),
    pod("kube-system", "kube-proxy-x8k2v", "worker-1", "DaemonSet/kube-proxy", 90 * DAY,
        ("kube-proxy", Bounds())),
    pod("shop", "cart-5d8f7c9b6d-7hqzt", "worker-1", "Deployment/cart", 3 * DAY,
        ("cart", bounds(500, 256, 1000, 512)), _PROXY),
    pod("shop", "cart-5d8f7c9b6d-m4x2n", "worker-2", "Deployment/cart", 3 * DAY,
        ("cart", bounds(500, 256, 1000, 512)), _PROXY),
    pod("shop", "checkout-6b9d8f4c75-wz9kl", "worker-1", "Deployment/checkout", 31,
        ("checkout", bounds(250, 128, 500, 256))),
    pod("shop", "report-29012340-b7xq2", "worker-1", "Job/report-29012340", 7200,
        ("report", bounds(2000, 1024, None, 12000))),
)  # fmt: skip
POD_USES = (
    PodUse("data", "postgres-0", (("postgres", use(2310, 9870, 4, 14.7)), ("exporter", use(3, 21, 4, 14.7)))),
    PodUse("kube-system", "coredns-7c65d6cfc9-6wbzx", (("coredns", use(4, 24, 12)),)),
    PodUse("kube-system", "kube-proxy-x8k2v", (("kube-proxy", use(1, 31, 7)),)),
    PodUse("shop", "cart-5d8f7c9b6d-7hqzt", (("cart", use(741, 347, 7)), ("proxy", use(38, 71, 7)))),
    PodUse("shop", "cart-5d8f7c9b6d-m4x2n", (("cart", use(412, 301, 4, 14.7)), ("proxy", use(22, 66, 4, 14.7)))),
    PodUse("shop", "report-29012340-b7xq2", (("report", use(1980, 11210, 7)),)),
)
