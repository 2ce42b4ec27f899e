"""``make bench``: what the rooms cost, on this machine, without a cluster.

Each figure is the median of several runs of process CPU time. Absolute times depend on the machine; compare ratios.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable

from kubevitals.api.encoding import Answer, encode
from kubevitals.api.negotiation import Choice
from kubevitals.model import Labels, Node, NodeUsage, Pod, PodUsage
from kubevitals.scraper.exposition import Decoder
from kubevitals.store.points import Points

NODES, PODS, CONTAINERS = 200, 30, 2
T0 = 1_790_000_000_000  # ms


def body(cycle: int, pods: int = PODS) -> bytes:
    """A kubelet's answer: so many pods of CONTAINERS containers, as kubelets since 1.29 print it."""
    rows = [(f"c{c}", f"ns-{p % 5}", f"app-{p:03}") for p in range(pods) for c in range(CONTAINERS)]
    at = T0 + cycle * 15_000
    lines = []
    for family, kind, value in (
        ("container_cpu_usage_seconds_total", "counter", f"{100.5 + cycle} {at}"),
        ("container_memory_working_set_bytes", "gauge", f"1.2345678e+07 {at}"),
        ("container_start_time_seconds", "gauge", "1.789e+09"),
    ):
        lines.append(f"# HELP {family} text\n# TYPE {family} {kind}\n")
        lines += [f'{family}{{container="{c}",namespace="{n}",pod="{p}"}} {value}\n' for c, n, p in rows]
    lines.append(f"# TYPE node_cpu_usage_seconds_total counter\nnode_cpu_usage_seconds_total {1000.5 + cycle} {at}\n")
    lines.append(f"# TYPE node_memory_working_set_bytes gauge\nnode_memory_working_set_bytes 1.2345678e+09 {at}\n")
    return "".join(lines).encode()


def median_ms(work: Callable[[], object], runs: int = 7) -> float:
    """Return the median CPU time of one run, in milliseconds."""
    times = []
    for _ in range(runs):
        gc.collect()
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times)


def decode_ms(pods: int) -> tuple[float, float]:
    """Return what decoding costs for the first time, by the strict parser, and for every later one, by memory."""
    texts = [body(cycle, pods) for cycle in range(20)]
    strict = median_ms(lambda: [Decoder().decode(text, requested_ms=T0) for text in texts]) / len(texts)
    decoder = Decoder()
    decoder.decode(texts[-1], requested_ms=T0)
    return strict, median_ms(lambda: [decoder.decode(text, requested_ms=T0) for text in texts], runs=31) / len(texts)


def main() -> None:
    """Measure and print."""
    text, later = body(0), body(1)

    points, decoders = Points(resolution=15.0), [Decoder() for _ in range(NODES)]
    for content in (text, later):
        for number, each in enumerate(decoders):
            points.absorb(f"n{number}", each.decode(content, requested_ms=T0), T0)
    batches = iter([decoders[0].decode(body(cycle), requested_ms=T0) for cycle in range(2, 282)])
    absorb = median_ms(lambda: [points.absorb("n0", next(batches), T0) for _ in range(40)]) / 40

    labels = Labels(b'{"app":"web","pod-template-hash":"5d4f"}', {"app": "web", "pod-template-hash": "5d4f"})
    pods = [Pod(f"ns-{p % 5}", f"app-{p:03}", labels, "2026-01-02T03:04:05Z") for p in range(PODS)] * NODES
    found = [(pod, points.pod_usage(pod.namespace, pod.name)) for pod in pods]
    items = [(pod, usage) for pod, usage in found if isinstance(usage, PodUsage)]
    usage = points.node_usage("n1")
    assert isinstance(usage, NodeUsage)
    assert len(items) == NODES * PODS

    print(f"{NODES} nodes × {PODS} pods × {CONTAINERS} containers, Python {sys.version.split()[0]}; CPU, medians")
    for pods_each in (PODS, 110):
        strict, remembered = decode_ms(pods_each)
        what = f"decode {pods_each} pods ({len(body(0, pods_each)) / 1000:.0f} kB)"
        print(f"  {what + ', strictly':<39} {strict * 1000:8.0f} µs")
        print(f"  {what + ', by memory':<39} {remembered * 1000:8.0f} µs")
    print(f"  store it                                {absorb * 1000:8.0f} µs")
    for name, choice in (("JSON", Choice()), ("protobuf", Choice("protobuf"))):
        answer = Answer("PodMetrics", "v1beta1", items, resource_version="1")
        each = median_ms(lambda answer=answer, choice=choice: encode(answer, choice)) / len(items)
        print(f"  answer one pod in {name:<9}             {each * 1000:8.1f} µs")
    single = Answer("NodeMetrics", "v1beta1", [(Node("n1", labels), usage)], single=True, resource_version="1")
    one = median_ms(lambda: [encode(single, Choice()) for _ in range(100)]) / 100
    print(f"  answer one node                         {one * 1000:8.1f} µs")


main()
