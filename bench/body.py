"""The body of a kubelet's /metrics/resource, made cheaply: the simulator renders it once, then only numbers change.

Pure. A body is the same throughout a housekeeping period, as a kubelet measures no more often.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter

from bench.cluster import CONTAINERS, CREATED, Plan, PodName, pods_of
from kubevitals.simulator.payload import Row, container_labels, number, pod_labels, render
from kubevitals.simulator.workload import Reading

_NANO = 10**9
_GZIP = 31  # zlib's word for a gzip header and trailer around the largest window
_FRUGAL = 6  # zlib's memory level; the usual one takes so much that the system clears fresh pages for each body
_STEPS = 97  # a prime: so many different loads and moments of measurement there are
_PHASES = 8  # so many different beginnings of a housekeeping period there are among the nodes
_CPU_LINE = re.compile(rb"(?m)^(\w+_cpu_usage_seconds_total(?:{[^}]*})?) \S+ \d+$")
_MEMORY_LINE = re.compile(rb"(?m)^(\w+_memory_working_set_bytes(?:{[^}]*})?) \S+ \d+$")


class Body:
    """One node's bodies. Each line has one of a number of loads, whose texts all nodes share.

    Args:
        node: its number.
        plan: the cluster.
        housekeeping_ms: milliseconds between two measurements of a container; each has its own moment in them.
    """

    __slots__ = ("_housekeeping", "_offset", "_pick", "_template")

    def __init__(self, node: int, plan: Plan, housekeeping_ms: int) -> None:
        pods = pods_of(node, plan)
        names = CONTAINERS[: plan.containers]
        labels = sorted(container_labels(pod.namespace, pod.name, name) for pod in pods for name in names)
        self._template = _template(labels, pods)
        self._housekeeping = housekeeping_ms
        self._offset = node % _PHASES * housekeeping_ms // _PHASES
        steps = [(node * 31 + row * 7919) % _STEPS for row in range(len(labels) + 1 + len(pods))]
        # In the order of lines: CPU and memory of the containers, of the node, and of the pods.
        cut = len(labels)
        families = (steps[:cut], steps[cut : cut + 1], steps[cut + 1 :])
        self._pick = itemgetter(*[step + half for part in families for half in (0, _STEPS) for step in part])

    def period(self, now_ms: int) -> int:
        """Return the number of the housekeeping period, within which a body stays the same."""
        return (now_ms - self._offset) // self._housekeeping

    def at(self, now_ms: int) -> bytes:
        """Return the body."""
        texts = _texts(self.period(now_ms) * self._housekeeping + self._offset, self._housekeeping)
        body: bytes = self._template % self._pick(texts)
        return body


@lru_cache(maxsize=4 * _PHASES)
def _texts(now: int, housekeeping: int) -> tuple[bytes, ...]:
    """Return what follows the labels of a line: for each load the CPU and a timestamp, then the same of memory."""
    elapsed = now - int(CREATED * 1000)
    times = [now - step * housekeeping // _STEPS for step in range(_STEPS)]
    # Rates are 1000 ns and more per millisecond; no text ends with 0, which Go would not print.
    used = [_NANO * (1 + step) + 7 + (1000 * (2 + step) + 10 * step) * elapsed for step in range(_STEPS)]
    amounts = [((20 + (5 * step + now // housekeeping) % _STEPS) << 20) + 4096 * step for step in range(_STEPS)]
    cpu = [b"%d.%09d %d" % (ns // _NANO, ns % _NANO, time) for ns, time in zip(used, times, strict=True)]
    memory = [b"%b %d" % (number(float(n)).encode(), time) for n, time in zip(amounts, times, strict=True)]
    return (*cpu, *memory)


def compress(body: bytes) -> bytes:
    """Return a body as gzip, at zlib's fastest level."""
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP, _FRUGAL)
    return packer.compress(body) + packer.flush()


def _template(labels: Sequence[str], pods: Sequence[PodName]) -> bytes:
    """Return a rendered body with places for the numbers of each line that has a timestamp."""
    some = Reading(1, _NANO, 4096)
    rows = [Row(each, some, CREATED + place) for place, each in enumerate(labels)]
    pod_rows = [Row(each, some) for each in sorted(pod_labels(pod.namespace, pod.name) for pod in pods)]
    text = render(rows, pod_rows, some)
    return _MEMORY_LINE.sub(rb"\1 %b", _CPU_LINE.sub(rb"\1 %b", text))
