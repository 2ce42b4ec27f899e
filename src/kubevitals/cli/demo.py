"""``kubevitals demo``: a cluster on this machine, with this machine in it, and a live look at what it uses."""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import click
from rich.console import Console

from kubevitals import logs, settings
from kubevitals.app import Server
from kubevitals.cli.duration import Duration
from kubevitals.cli.screens import Hints
from kubevitals.cli.show import Show
from kubevitals.errors import KubevitalsError
from kubevitals.kube.client import ApiClient
from kubevitals.kube.config import load_kubeconfig
from kubevitals.simulator.cluster import Cluster, Plan

_HOST = "127.0.0.1"
_PATIENCE = 60.0  # seconds until the first numbers must be there
_CHURN = 6.0  # seconds between changes among the simulated pods
_FILES, _FILES_PER_NODE = 256, 4  # open at one time: for a node a listener, two ends of a connection, and some air
_PRINTED_WIDTH = 160  # columns where the output is no terminal, so that nothing is cut
_TIMES = ("--metric-resolution=10s", "--kubelet-request-timeout=5s")
_LINES = 10  # of the server's log that explain a failure
_COMMANDS = (
    "kubectl top nodes",
    "kubectl top pods -A --sort-by=cpu",
    "kubectl top pods -n shop -l app=cart --containers",
)


class StartServer(Protocol):
    """Runs a metrics server in this process while its context is entered; yields its host and port."""

    def __call__(self, argv: Sequence[str], *, resolution: float) -> AbstractAsyncContextManager[tuple[str, int]]:
        """Start with these flags, and ``resolution`` seconds between scrapes, which may be fewer than flags allow."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for; ``resolution`` and ``patience`` in seconds."""

    nodes: int = 3
    pods: int = 8
    resolution: float = 2.0
    once: bool = False
    patience: float = _PATIENCE


@click.command()
@click.option("--nodes", type=click.IntRange(0, 5000), default=3, show_default=True, help="Simulated nodes.")
@click.option("--pods", type=click.IntRange(0, 250), default=8, show_default=True, help="Pods on each of them.")
@click.option("--resolution", type=Duration(), default="2s", show_default=True, help="Time between scrapes.")
@click.option("--once", is_flag=True, help="Print the tables once, when the first numbers are there, and end.")
def demo(nodes: int, pods: int, resolution: float, once: bool) -> None:
    """Run a small cluster here, with this machine as one of its nodes, and watch what it uses.

    The metrics server is the real one: it scrapes kubelets over TLS, and answers through an API server's
    aggregation layer, where kubectl can be used on it meanwhile.
    """
    options = Options(nodes, pods, resolution, once)
    try:
        code = asyncio.run(_until_terminated(options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("kubevitals: the demo has ended, and its cluster with it.", err=True)
        code = 0
    except BaseExceptionGroup as group:
        code = _explain(group)
    sys.exit(code)


async def _until_terminated(options: Options) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    width = None if sys.stdout.isatty() else _PRINTED_WIDTH
    return await run(options, start_server, Console(width=width))


async def run(options: Options, start: StartServer, console: Console) -> int:
    """Run the demo until it is cancelled, or until its tables are printed; return the exit code.

    Args:
        options: what to show.
        start: runs the metrics server.
        console: where to show it.
    """
    _allow_open_files(_FILES + options.nodes * _FILES_PER_NODE)
    now = time.time  # noqa: TID251 - the demo is composed here, its clock included
    async with contextlib.AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(Cluster(_plan(options), now=now, random=random.random))
        log = cluster.files.directory / "kubevitals.log"
        stack.enter_context(_logging_to(log))
        flags = [*cluster.serve_flags(), f"--secure-port={_free_port()}", *_TIMES]
        cluster.register(*await stack.enter_async_context(start(flags, resolution=options.resolution)))
        config = load_kubeconfig([cluster.files.admin], now=now, environ={})
        client = await stack.enter_async_context(ApiClient(config, user_agent="kubevitals-demo"))
        hints = Hints(str(cluster.files.admin), _COMMANDS)
        show = Show(client, console, _title(options), cluster.host_name, hints, now)
        if not options.once:
            await show.forever()
        snapshot = await show.once(options.patience)
        if not snapshot.complete:
            _complain(options.patience, snapshot.problem, log)
            return 1
        console.print("That was one look. Without --once the cluster stays, and kubectl can be used on it.")
        return 0
    raise AssertionError("unreachable")


def _plan(options: Options) -> Plan:
    return Plan(
        nodes=options.nodes,
        pods=options.pods,
        host=True,
        housekeeping=min(10.0, options.resolution / 2),  # else two scrapes would find the same measurement
        churn=0.0 if options.once else _CHURN,
        check_interval=5.0,
    )


def _title(options: Options) -> str:
    return f"kubevitals demo: this machine and {options.nodes} simulated nodes, a scrape every {options.resolution:g}s"


@contextlib.asynccontextmanager
async def start_server(argv: Sequence[str], *, resolution: float) -> AsyncIterator[tuple[str, int]]:
    """Run the metrics server beside the body; see ``StartServer``.

    Raises:
        ExceptionGroup: the server could not start, or ended by itself.
    """
    server = Server(settings.parse(argv), resolution=resolution)
    started = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run(started.set), name="metrics server")
        await started.wait()
        try:
            yield _HOST, server.port
        finally:
            server.stop()


@contextlib.contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Keep what is logged out of the screen."""
    with path.open("w", encoding="utf-8") as stream:
        logs.setup(format="text", verbosity=0, stream=stream)
        try:
            yield
        finally:
            logs.setup(format="text", verbosity=0, stream=sys.stderr)


def _complain(patience: float, problem: str, log: Path) -> None:
    """Say why there are no tables; the log is gone when the demo has ended, so its end is shown."""
    click.echo(f"kubevitals: not every node had metrics after {patience:.0f} s. {problem}".rstrip(), err=True)
    lines = log.read_text(encoding="utf-8").splitlines()
    troubles = [line for line in lines if line.startswith(("W", "E"))]
    for line in troubles[-_LINES:]:
        click.echo(f"  {line}", err=True)


def _explain(group: BaseExceptionGroup[BaseException]) -> int:
    """Say what ended the demo, if it was foreseen.

    Raises:
        BaseExceptionGroup: it was not.
    """
    foreseen, unforeseen = group.split(KubevitalsError)
    if unforeseen is not None or foreseen is None:
        raise group
    for error in foreseen.exceptions:
        click.echo(f"kubevitals: {error}", err=True)
    return 1


def _allow_open_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


def _free_port() -> int:
    """Return a port nobody listens on; the flags do not allow to leave the choice to the system."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
    return port
