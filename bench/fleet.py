"""The fleet: kubelets and an API server in a process of their own, and the files that lead a server to them.

``python -m bench.fleet DIRECTORY --nodes N …`` runs one until its standard input ends, and prints one line of JSON
when it is ready.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib
import resource
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.apiserver import ApiServer
from bench.cluster import Plan
from bench.kubelets import Kubelets
from bench.process import BenchError
from bench.record import Record
from kubevitals.simulator import pki, templates
from kubevitals.simulator.files import Files

SCRAPERS = ("ours", "other")
_OTHER_FILES = 100  # descriptors for everything but nodes, in either process
_HOSTS = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Facts:
    """Where a fleet is and what it consists of."""

    url: str
    directory: str
    nodes: int
    pods: int
    containers: int
    pid: int


class Paths:
    """The files of a fleet.

    Args:
        directory: where they are.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca = directory / "ours" / "ca.crt"
        self.front_proxy = directory / "front-proxy.pem"
        self.serving_certificate = directory / "serving.crt"
        self.serving_key = directory / "serving.key"
        self.facts = directory / "fleet.json"

    def kubeconfig(self, scraper: str) -> Path:
        """The kubeconfig of one scraper, whose token says who it is."""
        return self.directory / scraper / "metrics-server.kubeconfig"

    def flags(self, scraper: str) -> list[str]:
        """The flags with which a metrics server finds the fleet and may be asked by its front proxy."""
        config = self.kubeconfig(scraper)
        return [
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            f"--kubelet-certificate-authority={self.ca}",
            "--kubelet-preferred-address-types=InternalIP",
            "--kubelet-use-node-status-port",
            "--bind-address=127.0.0.1",
            f"--tls-cert-file={self.serving_certificate}",
            f"--tls-private-key-file={self.serving_key}",
        ]


async def run(plan: Plan, directory: Path, *, housekeeping: float, ready: Callable[[Facts], None]) -> None:
    """Run a fleet until it is cancelled.

    Args:
        plan: what it consists of.
        directory: where its files go.
        housekeeping: seconds between two measurements of one container.
        ready: called with the fleet's whereabouts once everything listens.
    """
    authority, front_proxy = pki.Authority("kubernetes", now=time.time), pki.Authority("front-proxy-ca", now=time.time)
    tokens = {name: secrets.token_hex(16) for name in SCRAPERS}
    records = {name: Record() for name in SCRAPERS}
    by_token = {tokens[name].encode(): record for name, record in records.items()}
    kubelets = Kubelets(plan, authority, by_token, housekeeping=housekeeping)
    kubelets.start()
    api = ApiServer(plan, kubelets.port, (authority.pem, front_proxy.pem), records)
    try:
        url = await api.start(authority.serving("kube-apiserver", _HOSTS), authority.pem)
        _write_files(Paths(directory), url, authority, front_proxy, tokens)
        facts = Facts(url, str(directory), plan.nodes, plan.pods, plan.containers, _own_pid())
        Paths(directory).facts.write_bytes(msgspec.json.encode(facts))
        gc.collect()
        gc.freeze()
        ready(facts)
        await asyncio.Event().wait()
    finally:
        kubelets.stop()
        await api.stop()


def allow_open_files(nodes: int) -> None:
    """Take all the descriptors there are to be had, here and in processes that are started.

    Raises:
        BenchError: they are too few, as every node keeps a connection open.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most != resource.RLIM_INFINITY and most < nodes + _OTHER_FILES:
        raise BenchError(f"{nodes} nodes need {nodes + _OTHER_FILES} open files, and {most} are allowed (ulimit -Hn)")


def _own_pid() -> int:
    return int(Path("/proc/self").resolve().name)


def _write_files(
    paths: Paths, url: str, authority: pki.Authority, front_proxy: pki.Authority, tokens: dict[str, str]
) -> None:
    for name, token in tokens.items():
        folder = paths.directory / name
        folder.mkdir(parents=True, exist_ok=True)
        files = Files(folder)
        files.write(url, authority.pem, authority.client("admin", ["system:masters"]))
        files.write_token(token)
    proxy, serving = front_proxy.client(templates.FRONT_PROXY_NAME), authority.serving("metrics-server", _HOSTS)
    for path, content in (
        (paths.front_proxy, proxy.certificate + proxy.key),
        (paths.serving_certificate, serving.certificate),
        (paths.serving_key, serving.key),
    ):
        path.touch(mode=0o600)
        path.write_bytes(content)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where it is installed: the fleet then costs less."""
    try:
        found: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        return None
    return found


async def _until_input_ends(plan: Plan, directory: Path, housekeeping: float) -> None:
    """Run a fleet until whoever started it closes our standard input, or is gone."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)

    def wait() -> None:
        sys.stdin.read()
        with contextlib.suppress(RuntimeError):  # the loop may have ended meanwhile
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait, daemon=True).start()

    def ready(facts: Facts) -> None:
        print(msgspec.json.encode(facts).decode(), flush=True)

    async with asyncio.TaskGroup() as group:
        fleet = group.create_task(run(plan, directory, housekeeping=housekeeping, ready=ready))
        await ended.wait()
        fleet.cancel()


def main() -> None:
    """Run a fleet for another process."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet")
    parser.add_argument("directory", type=Path)
    for name, default in (("nodes", 100), ("pods", 30), ("containers", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--housekeeping", type=float, default=10.0)
    chosen = parser.parse_args()
    allow_open_files(chosen.nodes)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        plan = Plan(chosen.nodes, chosen.pods, chosen.containers)
        runner.run(_until_input_ends(plan, chosen.directory, chosen.housekeeping))


if __name__ == "__main__":
    main()
