"""The whole measurement: every size, every run, our server and perhaps another one."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import machine, measure
from bench.client import Address, Client
from bench.cluster import Plan
from bench.fleet import Paths, allow_open_files
from bench.measure import Extent, Figures
from bench.options import Options
from bench.results import Results, Size, collect
from bench.server import Server, ours
from bench.watching import Fleet, fleet, known_fleet


def measure_all(options: Options) -> Iterator[Results]:
    """Measure everything that the options ask for, and yield what there is after each size.

    Raises:
        BenchError: a server does not do what is needed to measure it.
    """
    allow_open_files(max(options.nodes))
    results: Results = {
        "taken": round(time.time()),
        "machine": machine.facts(),
        "extent": {
            "resolution": options.resolution,
            "cycles": options.cycles,
            "runs": options.runs,
            "samples": options.samples,
        },
        "sizes": [],
    }
    for nodes in options.nodes[:1] if options.against else options.nodes:
        with _fleet(options, nodes) as found:
            results["sizes"].append(_size(options, found))
            yield results


@contextmanager
def _fleet(options: Options, nodes: int) -> Iterator[Fleet]:
    """Use the fleet that runs, or run one."""
    if options.against and options.fleet is not None:
        found = known_fleet(options.fleet)
        try:
            yield found
        finally:
            found.close()
        return
    plan = Plan(nodes, options.pods, options.containers)
    with tempfile.TemporaryDirectory(prefix="kubevitals-bench-") as directory:
        _say(f"{nodes:,} nodes: starting the fleet")
        with fleet(plan, Path(directory), housekeeping=housekeeping(options.resolution)) as started:
            yield started


def housekeeping(resolution: float) -> float:
    """Return how often containers are measured, in seconds: every 10, as kubelets do, but once per cycle at least."""
    return min(10.0, resolution * 2 / 3)


def _size(options: Options, found: Fleet) -> Size:
    extent = Extent(options.resolution, options.cycles, options.samples)
    plan, runs = found.plan, range(1, options.runs + 1)
    figures = {"ours": collect([_run(found, extent, f"{plan.nodes:,} nodes, run {run}") for run in runs])}
    if options.against:
        other = Server("other", _other(options, found.paths), options.pid)
        figures["other"] = collect([_run_other(other, found, extent, run) for run in runs])
    return {"nodes": plan.nodes, "pods": plan.pods, "containers": plan.containers, "figures": figures}


def _run(found: Fleet, extent: Extent, title: str) -> Figures:
    """Measure a new server of ours."""
    found.forget("ours")
    with tempfile.NamedTemporaryFile(prefix="kubevitals-bench-", suffix=".log") as log:
        began = time.monotonic()
        with ours(found.paths, extent.resolution, Path(log.name)) as (server, child):
            _say(f"{title}: first cycle")
            figures = measure.first_cycle(server, found, extent, began, child.require)
            client = Client(server.address)
            try:
                figures |= measure.wait_complete(client, found, extent, began)
                return figures | _steady_and_answers(server, client, found, extent, title)
            finally:
                client.close()


def _run_other(server: Server, found: Fleet, extent: Extent, run: int) -> Figures:
    client = Client(server.address)
    try:
        return _steady_and_answers(server, client, found, extent, f"the other server, run {run}")
    finally:
        client.close()


def _steady_and_answers(server: Server, client: Client, found: Fleet, extent: Extent, title: str) -> Figures:
    _say(f"{title}: steady state")
    figures: Figures = {"pace": machine.pace()}
    figures |= measure.steady(server, client, found, extent)
    _say(f"{title}: answers")
    figures |= measure.answers(server, client, found, extent)
    return figures | measure.listed(server, client, found, extent)


def _other(options: Options, paths: Paths) -> Address:
    certificate = options.certificate or paths.front_proxy
    return Address(options.against, options.ca, certificate, options.key)


def _say(text: str) -> None:
    """Tell whoever waits how far it is; results go to standard output, this does not."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
