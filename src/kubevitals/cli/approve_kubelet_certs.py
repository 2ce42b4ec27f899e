"""``kubevitals approve-kubelet-certs``: what kubelets ask for beside what their nodes are, and a question."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

import click
from rich.console import Console

from kubevitals.cli import certificate_screen as screen
from kubevitals.cli.cluster_options import ClusterOptions, cluster_options, connected
from kubevitals.errors import ApiServerError, UsageError
from kubevitals.kubeletcerts import approving, bootstrap, reading
from kubevitals.kubeletcerts.approving import Outcome
from kubevitals.kubeletcerts.bootstrap import Bootstrap
from kubevitals.kubeletcerts.reading import Examined, Pending
from kubevitals.quoting import quote

_PRINTED_WIDTH = 160  # columns where the output is no terminal
_NO_QUESTION = "-o json is for programs, which cannot be asked: add --yes, or --dry-run to look only"
_NOT_ASKED = "standard input is no terminal to ask on: add --yes to approve these, or --dry-run to look only"


@click.command("approve-kubelet-certs")
@click.argument("nodes", nargs=-1, metavar="[NODE]...")
@click.option("-y", "--yes", is_flag=True, help="Approve without a question.")
@click.option("--dry-run", is_flag=True, help="Show what would be approved, and end.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@cluster_options
def approve_kubelet_certs(
    cluster: ClusterOptions, nodes: tuple[str, ...], yes: bool, dry_run: bool, output: str
) -> None:
    """Approve the serving certificates that kubelets ask for, after a look at each.

    Shows every pending request for the signer kubernetes.io/kubelet-serving, of these nodes or of all. One whose
    requester is not the node, or whose names and addresses are not the node's own, is refused with the reason; the
    newest of each node that is in order is approved after a question.

    Exit code 0: all is approved, or nothing was pending. 1: something was refused, or not approved. 2: it could
    not look.
    """
    if output == "json" and not yes and not dry_run:
        raise UsageError([_NO_QUESTION])
    pending, state = _look(cluster, nodes)
    chosen = [] if dry_run else [each for each in pending.requests if each.approvable]
    if output == "table":
        _show(pending, state)
    agreed = yes or not chosen or _confirmed(len(chosen), len(pending.requests))
    outcomes = asyncio.run(_approve(cluster, chosen)) if agreed and chosen else []
    if output == "json":
        click.echo(screen.as_json(pending, outcomes))
    for outcome in outcomes:
        click.echo(screen.told(outcome), err=outcome.state != "approved" or output == "json")
    if not agreed:
        _end_unapproved()
    sys.exit(_code(pending.requests, chosen, outcomes))


def _look(cluster: ClusterOptions, nodes: Sequence[str]) -> tuple[Pending, Bootstrap]:
    try:
        return asyncio.run(_read(cluster, nodes))
    except ApiServerError as error:
        raise UsageError([str(error)]) from None


async def _read(cluster: ClusterOptions, nodes: Sequence[str]) -> tuple[Pending, Bootstrap]:
    async with connected(cluster) as client:
        pending = await reading.pending(client)
        known = {*pending.nodes, *(each.node for each in pending.requests)}
        if unknown := [name for name in nodes if name not in known]:
            raise UsageError([f"there is no node {quote(name)}" for name in unknown])
        pending = reading.limited(pending, nodes)
        state = Bootstrap() if pending.requests else await bootstrap.sample(client, pending.nodes)
        return pending, state


async def _approve(cluster: ClusterOptions, chosen: Sequence[Examined]) -> list[Outcome]:
    async with connected(cluster) as client:
        return await approving.approve(client, chosen)


def _show(pending: Pending, state: Bootstrap) -> None:
    console = Console(width=None if sys.stdout.isatty() else _PRINTED_WIDTH, highlight=False)
    now = time.time()  # noqa: TID251 - a command is composed here, its clock included
    console.print(screen.shown(pending, now) if pending.requests else screen.nothing(state))


def _confirmed(count: int, of: int) -> bool:
    """Ask; without a terminal nobody can answer, and nothing is approved."""
    return sys.stdin.isatty() and click.confirm(f"Approve {count} of {of}?", default=False, err=True)


def _end_unapproved() -> NoReturn:
    if not sys.stdin.isatty():
        raise UsageError([_NOT_ASKED])
    click.echo("Nothing was approved.", err=True)
    sys.exit(1)


def _code(requests: Sequence[Examined], chosen: Sequence[Examined], outcomes: Sequence[Outcome]) -> int:
    """Return 0 only if nothing is refused, and all that was chosen is approved."""
    approved = sum(outcome.state == "approved" for outcome in outcomes)
    return int(any(each.refusals for each in requests) or approved < len(chosen))
