"""Four times as much takes four times as many steps: instructions are counted, not time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.steps import steps

from kubevitals.api.encoding import encode
from kubevitals.api.list_options import list_options
from kubevitals.api.negotiation import Choice
from kubevitals.api.request import Attributes
from kubevitals.api.resources import Resources
from kubevitals.model import Node, Pod
from kubevitals.scraper.exposition import Decoder
from kubevitals.selectors import parse_labels
from kubevitals.simulator.payload import Row, container_labels, render
from kubevitals.simulator.workload import Reading
from kubevitals.store.inventory import Inventory
from kubevitals.store.labels import LabelPool
from kubevitals.store.points import Points

T0 = 1_790_000_000_000  # ms
FEW, TIMES = 60, 4
TOLERANCE = 1.2  # a step more here and there for a logarithm or a slice that is not full


def body(pods: int, cycle: int, node: int = 0) -> bytes:
    """What a kubelet with so many pods of two containers answers."""
    reading = Reading(T0 + cycle * 15_000, (100 + cycle) * 10**9, 1 << 24)
    names = [("app", f"web-{node}-{number}") for number in range(pods)]
    rows = [Row(container_labels("ns", pod, name), reading, 1.7e9) for name in ("app", "proxy") for _, pod in names]
    return render(rows, [], reading)


def decoded_strictly(pods: int) -> Callable[[], object]:
    text = body(pods, 0)
    return lambda: Decoder().decode(text, requested_ms=T0)


def decoded_by_memory(pods: int) -> Callable[[], object]:
    decoder = Decoder()
    decoder.decode(body(pods, 0), requested_ms=T0)
    text = body(pods, 1)
    return lambda: decoder.decode(text, requested_ms=T0)


def absorbed(pods: int, *, others: bool) -> Callable[[], object]:
    decoder, points = Decoder(), Points(resolution=15.0)
    points.absorb("n", decoder.decode(body(pods, 0), requested_ms=T0), T0)
    batch = decoder.decode(body(pods, 1, node=int(others)), requested_ms=T0)
    return lambda: points.absorb("n", batch, T0 + 15_000)


def cluster(nodes: int) -> Resources:
    """So many nodes of five pods, scraped twice."""
    inventory, points, pool = Inventory(), Points(resolution=15.0), LabelPool()
    inventory.replace_nodes([Node(f"n{node}") for node in range(nodes)])
    names = [f"web-{node}-{number}" for node in range(nodes) for number in range(5)]
    labels = [pool.get(b'{"app":"a%d"}' % (number % (nodes // 2))) for number in range(len(names))]
    inventory.replace_pods([Pod("ns", name, each) for name, each in zip(names, labels, strict=True)])
    for node in range(nodes):
        decoder = Decoder()
        for cycle in (0, 1):
            points.absorb(f"n{node}", decoder.decode(body(5, cycle, node), requested_ms=T0), T0 + cycle * 15_000)
    return Resources(inventory, points, parse_labels(""))


def listed(nodes: int, resource: str, choice: Choice, *, again: bool, selector: str = "") -> Callable[[], object]:
    resources = cluster(nodes)
    asked = Attributes("list", "/", True, resource=resource, version="v1beta1")
    options = list_options({"labelSelector": selector} if selector else {})

    def read() -> int:
        return sum(map(len, encode(resources.list_of(asked, options), choice)))

    if again:
        read()
    return read


JSON, PROTOBUF, YAML = Choice(), Choice("protobuf"), Choice("yaml")
WORK: dict[str, Callable[[int], Callable[[], object]]] = {
    "decode strictly": decoded_strictly,
    "decode by memory": decoded_by_memory,
    "absorb the same pods": lambda size: absorbed(size, others=False),
    "absorb other pods": lambda size: absorbed(size, others=True),
    "list pods": lambda size: listed(size, "pods", JSON, again=False),
    "list pods again": lambda size: listed(size, "pods", JSON, again=True),
    "list pods in protobuf": lambda size: listed(size, "pods", PROTOBUF, again=False),
    "list pods in YAML": lambda size: listed(size, "pods", YAML, again=False),
    "list nodes": lambda size: listed(size, "nodes", JSON, again=False),
    "list pods by a label": lambda size: listed(size, "pods", JSON, again=True, selector="app in (a1,a2)"),
}


@pytest.mark.parametrize("work", WORK)
def test_the_cost_grows_with_the_size(work: str) -> None:
    """Neither the decoder nor the store, a list or a selector takes more than its share of a larger cluster."""
    few, many = (steps(WORK[work](size)) for size in (FEW, FEW * TIMES))
    assert many < TIMES * few * TOLERANCE


def test_a_selector_does_not_look_at_pods() -> None:
    """Pods that share their labels cost nothing when these do not match."""
    few, many = (steps(listed(size, "pods", JSON, again=True, selector="app=none")) for size in (FEW, FEW * TIMES))
    pods = (TIMES - 1) * FEW * 5
    assert many - few < 5 * pods


def test_operations_are_counted() -> None:
    """Work that is quadratic would be found."""

    def quadratic(size: int) -> Callable[[], object]:
        return lambda: [None for _ in range(size) for _ in range(size)]

    few, many = (steps(quadratic(size)) for size in (FEW, FEW * TIMES))
    assert many > TIMES * few * TOLERANCE * 2
