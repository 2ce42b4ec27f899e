"""What single rooms cost: decoding, storing and answering, without a server around them.

Each figure is the median of several runs of process CPU time. Absolute times depend on the machine; compare ratios.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable

from bench.body import Body
from bench.cluster import CREATED, Plan, node_name, pods_of
from kubevitals.api.encoding import encode
from kubevitals.api.list_options import list_options
from kubevitals.api.negotiation import Choice
from kubevitals.api.request import Attributes
from kubevitals.api.resources import Resources
from kubevitals.api.status import Status
from kubevitals.model import Labels, Node, Pod
from kubevitals.scraper.exposition import Decoder
from kubevitals.selectors import parse_labels
from kubevitals.store.inventory import Inventory
from kubevitals.store.points import Points

PLAN = Plan(nodes=200)
_T0 = int(CREATED * 1000)
_CYCLE = 15_000  # ms
_RUNS = 7
_OFTEN = 100


def median_ms(work: Callable[[], object], *, before: Callable[[], object] = lambda: None, runs: int = _RUNS) -> float:
    """Return the median CPU time of one run, in milliseconds; ``before`` is called before each, and not measured."""
    times = []
    for _ in range(runs):
        before()
        gc.collect()
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times)


def bodies(node: int, plan: Plan, count: int) -> list[bytes]:
    """Return what a kubelet answers in so many cycles."""
    body = Body(node, plan, 10_000)
    return [body.at(_T0 + cycle * _CYCLE) for cycle in range(1, count + 1)]


def decode_ms(texts: list[bytes]) -> tuple[float, float]:
    """Return what decoding costs for the first time, by the strict parser, and for every later one, by memory."""
    strict = median_ms(lambda: [Decoder().decode(text, requested_ms=_T0) for text in texts]) / len(texts)
    decoder = Decoder()
    decoder.decode(texts[-1], requested_ms=_T0)
    return strict, median_ms(lambda: [decoder.decode(text, requested_ms=_T0) for text in texts], runs=31) / len(texts)


class Store:
    """A cluster of PLAN's size as the server holds it, measured anew by ``cycle``."""

    def __init__(self) -> None:
        self.points, inventory = Points(resolution=15.0), Inventory()
        labels = [Labels(b'{"app":"app-%d"}' % app, {"app": f"app-{app}"}) for app in range(10)]
        inventory.replace_nodes([Node(node_name(node), labels[0]) for node in range(PLAN.nodes)])
        found = [pod for node in range(PLAN.nodes) for pod in pods_of(node, PLAN)]
        inventory.replace_pods(
            [Pod(pod.namespace, pod.name, labels[int(pod.app[-1])], "2026-01-02T03:04:05Z") for pod in found]
        )
        self.resources = Resources(inventory, self.points, parse_labels(""))
        self._bodies = [Body(node, PLAN, 10_000) for node in range(PLAN.nodes)]
        self._decoders = [Decoder() for _ in self._bodies]
        self._cycles = 0
        self.cycle()
        self.cycle()

    def cycle(self) -> None:
        """Scrape every node once."""
        self._cycles += 1
        now = _T0 + self._cycles * _CYCLE
        for node, (body, decoder) in enumerate(zip(self._bodies, self._decoders, strict=True)):
            self.points.absorb(node_name(node), decoder.decode(body.at(now), requested_ms=now), now)

    def list_ms(self, choice: Choice, *, fresh: bool) -> float:
        """Return what the list of all pods costs; ``fresh``: for the first time after a cycle."""
        asked = Attributes("list", "", resource_request=True, version="v1beta1", resource="pods")

        def answer() -> None:
            for _ in encode(self.resources.list_of(asked, list_options({})), choice):
                pass

        return median_ms(answer, before=self.cycle if fresh else lambda: None)

    def get_ms(self) -> float:
        """Return what one node costs."""
        name = node_name(1)
        asked = Attributes("get", "", resource_request=True, version="v1beta1", resource="nodes", name=name)

        def answer() -> None:
            found = self.resources.get(asked)
            assert not isinstance(found, Status), "every node is measured"
            for _ in encode(found, Choice()):
                pass

        def some() -> None:
            for _ in range(_OFTEN):
                answer()

        return median_ms(some) / _OFTEN


def store_ms() -> float:
    """Return what storing one node's batch costs."""
    decoder, points = Decoder(), Points(resolution=15.0)
    batches = [decoder.decode(text, requested_ms=_T0) for text in bodies(0, PLAN, 282)]
    for batch in batches[:2]:
        points.absorb("node", batch, _T0)
    left = iter(batches[2:])

    def absorb() -> None:
        for _ in range(40):
            points.absorb("node", next(left), _T0)

    return median_ms(absorb) / 40


def main() -> None:
    """Measure and print."""
    version = sys.version.split()[0]
    print(f"{PLAN.nodes} nodes × {PLAN.pods} pods × {PLAN.containers} containers, Python {version}; CPU, medians")
    for pods in (PLAN.pods, 110):
        texts = bodies(0, Plan(1, pods), 20)
        strict, remembered = decode_ms(texts)
        what = f"decode {pods} pods ({len(texts[0]) / 1000:.0f} kB)"
        _say(f"{what}, strictly", strict)
        _say(f"{what}, by memory", remembered)
    _say("store it", store_ms())
    store = Store()
    for name, choice in (("JSON", Choice()), ("protobuf", Choice("protobuf"))):
        pods = PLAN.nodes * PLAN.pods
        _say(f"list {pods:,} pods in {name}, each, first", store.list_ms(choice, fresh=True) / pods)
        _say(f"list {pods:,} pods in {name}, each, again", store.list_ms(choice, fresh=False) / pods)
    _say("answer one node", store.get_ms())
    print(flush=True)


def _say(what: str, milliseconds: float) -> None:
    print(f"  {what:<48} {milliseconds * 1000:8.1f} µs")
