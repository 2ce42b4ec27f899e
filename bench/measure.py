"""One run with one server: its first cycle, its steady state, and how fast it answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.client import Client, throughput
from bench.cluster import node_name, pod
from bench.latency import Latencies
from bench.process import BenchError, Memory, cpu_seconds, memory
from bench.requests import BASE, LISTS, NODE, POD, Request
from bench.rhythm import Phase, regularity
from bench.server import Server, own_counts
from bench.watching import Fleet

Figures = dict[str, float]
"""By name, in seconds, bytes, mcore or pieces; the names are those of ``bench.table``."""

_START = 120.0  # seconds for a server to ask its first kubelet
_CONNECTIONS, _THROUGHPUT_SECONDS = 8, 3.0


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured: seconds between cycles, cycles of steady state, most samples of one kind of request."""

    resolution: float
    cycles: int
    samples: int


def first_cycle(server: Server, fleet: Fleet, extent: Extent, began: float, check: Callable[[], None]) -> Figures:
    """Return what a server that was just started costs until every node was scraped once.

    Args:
        server: ours.
        fleet: what it scrapes.
        extent: how much to measure.
        began: when it was started, in seconds of CLOCK_MONOTONIC.
        check: raises when it has ended.

    Raises:
        BenchError: it asks no kubelet.
    """
    asked = fleet.wait(server.scraper, lambda pulse: pulse.scrapes > 0, until=began + _START, check=check)
    if asked is None:
        raise BenchError(f"the server has asked no kubelet within {_START:g} s")
    before = cpu_seconds(server.pid)
    nodes, first = fleet.plan.nodes, fleet.scrapes(server.scraper).times[0]
    fleet.wait(server.scraper, lambda pulse: pulse.scrapes >= nodes, until=first + extent.resolution, check=check)
    after = cpu_seconds(server.pid)
    times = fleet.scrapes(server.scraper).between(first, first + extent.resolution)
    return {
        "start_seconds": first - began,
        "start_cpu": before,
        "first_seconds": times.times[-1] - first,
        "first_cpu": after - before,
        "first_missed": nodes - len(set(times.nodes)),
        "first_peak": memory(server.pid).peak,
    }


def wait_complete(client: Client, fleet: Fleet, extent: Extent, began: float) -> Figures:
    """Wait until the usage of every node is served; return when that was, and which scrapes failed until then.

    Raises:
        BenchError: it takes too long.
    """
    until = time.monotonic() + 5 * extent.resolution + 10
    while time.monotonic() < until:
        served = client.get(f"{BASE}/nodes").body.count(b'"usage":')
        if served == fleet.plan.nodes:
            return {"served_seconds": time.monotonic() - began, "first_failed": own_counts(client).failed}
        time.sleep(min(0.25, extent.resolution / 10))
    raise BenchError(f"only {served} of {fleet.plan.nodes} nodes are served after five cycles")


def steady(server: Server, client: Client, fleet: Fleet, extent: Extent) -> Figures:
    """Return what some whole cycles cost, during which nothing else is asked."""
    resolution, cycles = extent.resolution, extent.cycles
    phase = _seen(fleet, server, resolution)
    own = own_counts(client)
    time.sleep(phase.until(time.monotonic(), 0.7 * phase.length))
    past = fleet.pulse(server.scraper).scrapes
    start, cpu, fleet_cpu = time.monotonic(), cpu_seconds(server.pid), cpu_seconds(fleet.pid)
    time.sleep(cycles * resolution)
    end, cpu, fleet_cpu = time.monotonic(), cpu_seconds(server.pid) - cpu, cpu_seconds(fleet.pid) - fleet_cpu
    held: Memory = memory(server.pid)
    scrapes = fleet.scrapes(server.scraper, past).between(start, end)
    found = regularity(scrapes, fleet.plan.nodes, cycles, resolution)
    later = own_counts(client)
    return {
        "cpu_cycle": cpu / cycles,
        "cpu_mcore": 1000 * cpu / (end - start),
        "fleet_mcore": 1000 * fleet_cpu / (end - start),
        "pss": held.pss,
        "rss": held.rss,
        "peak": held.peak,
        "cycle_seconds": (later.seconds - own.seconds) / max(1.0, later.cycles - own.cycles),
        "missed": found.missed,
        "late": found.late,
        "longest": found.longest,
        "failed": later.failed - own.failed,
    }


def answers(server: Server, client: Client, fleet: Fleet, extent: Extent) -> Figures:
    """Return how fast requests are answered, each list in a cycle of its own."""
    phase = _seen(fleet, server, extent.resolution)
    some = fleet.plan.nodes // 2
    node, found = node_name(some), pod(some * fleet.plan.pods)
    latencies = Latencies(client, phase, extent.samples)
    get_node, get_pod = NODE.format(node=node), POD.format(pod=found)
    before: tuple[str, Request] | None = None
    for name, wanted in LISTS.items():
        # A server that renders ahead what was listed before does so while it scrapes.
        heavy = before is not None and before[0].startswith("pods")
        latencies.during_cycle("get_node_listed" if heavy else "get_node_cycle", get_node)
        if before:
            latencies.list_next(*before)
        latencies.list_first(name, wanted)
        latencies.idle({"get_node": get_node, "get_pod": get_pod})
        before = name, wanted
    assert before is not None
    latencies.during_cycle("get_node_listed", get_node)
    latencies.list_next(*before)
    latencies.wait_quiet()
    seconds = min(_THROUGHPUT_SECONDS, max(0.2, phase.quiet_left(time.monotonic())))
    rate = throughput(server.address, get_node, connections=_CONNECTIONS, seconds=seconds)
    return latencies.figures() | {"get_node_rate": rate}


def listed(server: Server, client: Client, fleet: Fleet, extent: Extent) -> Figures:
    """Return what whole cycles cost in each of which all pods are listed once, as JSON."""
    phase, request = _seen(fleet, server, extent.resolution), LISTS["pods"]
    for warm in (True, False):  # the first one makes that each list measured was asked for in the cycle before
        time.sleep(phase.until(time.monotonic(), phase.margin))
        start, cpu = time.monotonic(), cpu_seconds(server.pid)
        for cycle in range(1 if warm else extent.cycles):
            client.get(request.path)
            if not warm:
                time.sleep(max(0.0, start + (cycle + 1) * extent.resolution - time.monotonic()))
    return {"listed_mcore": 1000 * (cpu_seconds(server.pid) - cpu) / (time.monotonic() - start)}


def _seen(fleet: Fleet, server: Server, resolution: float) -> Phase:
    return fleet.phase(server.scraper, resolution)
