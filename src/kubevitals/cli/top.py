"""``kubevitals top``: what nodes, pods and containers use, beside what they asked for."""

from __future__ import annotations

import asyncio
import functools
import signal
import sys
from collections.abc import Callable
from typing import Any

import click

from kubevitals.cli.cluster_options import ClusterOptions, cluster_options, connected
from kubevitals.cli.duration import Duration
from kubevitals.cli.top_show import Output, Show
from kubevitals.errors import ApiServerError, UsageError
from kubevitals.top.totals import GROUPS
from kubevitals.top.wish import CONTAINERS, NODES, PODS, Wish

_ALIASES = {"node": "nodes", "no": "nodes", "pod": "pods", "po": "pods", "container": "containers"}


class _Tables(click.Group):
    """Takes the names that kubectl takes."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, _ALIASES.get(cmd_name, cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return (command.name if command else name), command, rest


@click.group(cls=_Tables)
def top() -> None:
    """Show what nodes, pods or containers use, beside what they asked for.

    Works with any server of the Metrics API, and needs no more than a kubeconfig.
    """


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        (
            click.argument("names", nargs=-1, metavar="[NAME]..."),
            click.option("-l", "--selector", "labels", default="", metavar="LABELS", help="Only those with labels."),
            click.option("--sort-by", default="", metavar="COLUMN", help="Column in small letters: cpu, memory, ..."),
            click.option("--sum", "total", is_flag=True, help="Add a line with the total."),
            click.option("--no-headers", is_flag=True, help="Leave out the headings."),
            click.option(
                "-o", "--output", "form", type=click.Choice(["wide", "json", "yaml", "csv"]), help="Form of the output."
            ),
            click.option("-w", "--watch", is_flag=True, help="Go on until Ctrl-C, with curves of CPU."),
            click.option(
                "--interval", type=Duration(), default="15s", show_default=True, help="Between readings with --watch."
            ),
        )
    ):
        command = option(command)
    return cluster_options(command)


def _of_pods(command: Callable[..., Any]) -> Callable[..., Any]:
    everywhere = click.option("-A", "--all-namespaces", is_flag=True, help="Pods of all namespaces.")
    fields = click.option("--field-selector", "fields", default="", metavar="FIELDS", help="Only pods with fields.")
    return everywhere(fields(_common(command)))


@top.command()
@_common
@click.option("--no-requests", is_flag=True, help="Leave out requests and limits, for which all pods are read.")
def nodes(no_requests: bool, **given: Any) -> None:
    """Show nodes: use, requests and limits of their pods, in percent of what can be allocated."""
    _run(NODES, bounds=not no_requests, **given)


@top.command()
@_of_pods
@click.option("--containers", is_flag=True, help="One line for each container, as top containers.")
@click.option("--by", type=click.Choice(GROUPS), help="Add up by namespace, owner or node.")
def pods(containers: bool, by: str | None, **given: Any) -> None:
    """Show pods: use, in percent of requests and limits."""
    _run(CONTAINERS if containers else PODS, by=by or "", **given)


@top.command()
@_of_pods
def containers(**given: Any) -> None:
    """Show containers: use, in percent of requests and limits."""
    _run(CONTAINERS, **given)


def _run(
    what: str,
    *,
    cluster: ClusterOptions,
    form: str | None,
    watch: bool,
    interval: float,
    no_headers: bool,
    all_namespaces: bool = False,
    **wanted: Any,
) -> None:
    """Read and show, once or again and again, and end with the exit code."""
    if watch and form in ("json", "yaml", "csv"):
        raise UsageError([f"--watch draws tables: -o {form} does not go with it"])
    wish = functools.partial(Wish, what, wide=form == "wide", **wanted)
    wish(namespace=cluster.namespace or "default").check() if not all_namespaces else wish().check()
    output = Output(form or "", not no_headers, click.get_current_context().find_root().info_name or "kubevitals")

    async def work() -> int:
        async with connected(cluster) as client:
            show = Show(client, wish(namespace="" if all_namespaces else client.config.namespace), output)
            return await (_until_stopped(show, interval) if watch else show.once())

    try:
        code = asyncio.run(work())
    except ApiServerError as error:
        code = output.complain(error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = 0 if watch else 130
    sys.exit(code)


async def _until_stopped(show: Show, interval: float) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await show.forever(interval)
