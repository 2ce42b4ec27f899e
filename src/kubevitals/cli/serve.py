"""``kubevitals serve``: flags to settings, signals to a clean end."""

from __future__ import annotations

import asyncio
import importlib
import os
import resource
import signal
import sys
from collections.abc import Callable

import click

from kubevitals import __version__, logs, settings
from kubevitals.app import Server, heap
from kubevitals.errors import KubevitalsError, UsageError

_log = logs.get(__name__)

# The flags are pflag's, which reads them by other rules than click: they are passed on untouched.
_UNTOUCHED = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}


@click.command(context_settings=_UNTOUCHED, add_help_option=False)
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
def serve(argv: tuple[str, ...]) -> None:
    """Serve the Metrics API to a cluster; takes the flags of metrics-server."""
    if settings.wants_help(argv):
        click.echo(settings.usage())
        return
    if settings.wants_version(argv):
        click.echo(f"kubevitals v{__version__}")
        return
    chosen = settings.parse(argv)
    logs.setup(format="json" if chosen.logging_format == "json" else "text", verbosity=chosen.v, stream=sys.stderr)
    for warning in chosen.warnings:
        _log.warning("A flag has no effect", cause=warning)
    for alarm in chosen.alarms:
        _log.error("A flag has no effect", cause=alarm)
    _allow_open_files()
    heap.return_large_blocks(os.environ)
    sys.exit(_run(chosen))


def _allow_open_files() -> None:
    """Take all the descriptors there are to be had: every node keeps one connection open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _run(chosen: settings.Settings) -> int:
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(_serve(chosen))
        except BaseExceptionGroup as group:
            _explain(group)
            return 1
        except UsageError:
            raise
        except KubevitalsError as error:
            _log.error("Cannot start", cause=error)
            return 2
    return 0


async def _serve(chosen: settings.Settings) -> None:
    server = Server(chosen, settled=heap.settle)
    loop = asyncio.get_running_loop()

    def first() -> None:
        server.stop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, os._exit, 1)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, first)
    await server.run()


def _explain(group: BaseExceptionGroup[BaseException]) -> None:
    """Log why a part that should run for ever ended; the process ends with it, and is started again from outside."""
    _, unforeseen = group.split(KubevitalsError)
    for error in group.exceptions:
        _log.error("A part of the server ended, and the server with it", cause=error, type=type(error).__name__)
    if unforeseen is not None:
        _log.v(1, "Where it came from", trace=logs.trace(unforeseen))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where it is installed: scrapes then cost about an eighth less."""
    try:
        found: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        return None
    return found
