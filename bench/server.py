"""The servers that are measured, and what they tell about themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.client import Address, Client
from bench.fleet import Paths
from bench.process import BenchError, Child, free_port

_SHORTEST = 10.0  # seconds; ``kubevitals serve`` refuses a shorter resolution


class Server(NamedTuple):
    """A running server: which scraper of the fleet it is, where it is, and its process."""

    scraper: str
    address: Address
    pid: int


class Own(NamedTuple):
    """What a server has counted: cycles and their seconds in all, and scrapes that failed."""

    cycles: float
    seconds: float
    failed: float


@contextmanager
def ours(paths: Paths, resolution: float, log: Path) -> Iterator[tuple[Server, Child]]:
    """Run ``kubevitals serve`` on a fleet.

    Args:
        paths: of the fleet.
        resolution: seconds.
        log: where its log goes.
    """
    port = free_port()
    flags = [*paths.flags("ours"), f"--secure-port={port}"]
    if resolution < _SHORTEST:
        argv = ["-m", "bench.quick", str(resolution), *flags]
    else:
        argv = ["-m", "kubevitals", "serve", f"--metric-resolution={resolution}s", *flags]
        argv.append(f"--kubelet-request-timeout={min(10.0, resolution * 0.9):g}s")
    with Child("kubevitals", [sys.executable, *argv], log) as child:
        address = Address(f"https://127.0.0.1:{port}", paths.ca, paths.front_proxy)
        yield Server("ours", address, child.pid), child


def own_counts(client: Client) -> Own:
    """Return what a server's own metrics say.

    Raises:
        BenchError: it does not show them.
    """
    answer = client.get("/metrics")
    if answer.status != 200:
        raise BenchError(f"the server answers /metrics with {answer.status}: {answer.body[:200]!r}")
    lines = answer.body.splitlines()
    return Own(
        _sum(lines, b"metrics_server_manager_tick_duration_seconds_count"),
        _sum(lines, b"metrics_server_manager_tick_duration_seconds_sum"),
        _sum(lines, b'metrics_server_kubelet_request_total{success="false"}'),
    )


def _sum(lines: list[bytes], start: bytes) -> float:
    return sum(float(line.split()[1]) for line in lines if line.startswith(start + b" "))
