"""``kubevitals doctor``: which hop between kubectl and the kubelets is broken, why, and what mends it."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable

import click
from rich.console import Console

from kubevitals.cli import diagnosis
from kubevitals.cli.cluster_options import ClusterOptions, cluster_options, connected
from kubevitals.doctor.evidence import Evidence, some
from kubevitals.doctor.looker import Looker
from kubevitals.doctor.reading import Progress, gather
from kubevitals.doctor.redact import Redactor, without_tokens
from kubevitals.doctor.report import Report, examine
from kubevitals.doctor.scope import WHOLE, Scope
from kubevitals.doctor.subjects import missing
from kubevitals.errors import ApiServerError, KubevitalsError, UsageError
from kubevitals.kube.client import ApiClient

_NODE = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")  # it becomes part of a path
_PLACED = re.compile(r"(?:[a-z0-9][a-z0-9-]*/)?[a-z0-9][a-z0-9.-]*")
_USAGE = "say what to look at: doctor, doctor node NAME, doctor pod NAMESPACE/NAME, or doctor hpa NAMESPACE/NAME"


@click.command(epilog="Exit codes: 0 healthy, 1 something was found, 2 it could not look.")
@click.argument("subject", nargs=-1, metavar="[node NAME | pod NAMESPACE/NAME | hpa NAMESPACE/NAME]")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="How to print the result.")
@click.option("--redact", is_flag=True, help="Replace names of nodes, hosts and users, and addresses.")
@cluster_options
def doctor(subject: tuple[str, ...], output: str, redact: bool, cluster: ClusterOptions) -> None:
    """Find out why there are no metrics, with any provider; reads, and changes nothing."""
    try:
        code = asyncio.run(_examine(cluster, subject, output, redact))
    except KubevitalsError as error:
        problems = error.problems if isinstance(error, UsageError) else [str(error)]
        for problem in problems:
            click.echo(f"{click.get_current_context().find_root().info_name}: {problem}", err=True)
        code = 2
    sys.exit(code)


async def _examine(cluster: ClusterOptions, subject: tuple[str, ...], output: str, redact: bool) -> int:
    async with connected(cluster) as client:
        scope = scope_of(subject, client.config.namespace)
        with diagnosis.progress(Console(stderr=True)) as tell:
            evidence = await look(client, scope, tell)
    if problem := missing(evidence, scope):
        raise UsageError([problem])
    report = examine(evidence, scope=scope)
    show(report, output, redactor(evidence) if redact else without_tokens, Console())
    return 0 if report.healthy else 1


async def look(client: ApiClient, scope: Scope, tell: Progress) -> Evidence:
    """Return what is to be seen of the cluster.

    Args:
        client: of its API server.
        scope: the subject.
        tell: told what is being looked at.

    Raises:
        ApiServerError: there is no API server to ask, or it lets nobody in.
    """
    return await gather(Looker(client), scope, await _clock(client), tell)


async def _clock(client: ApiClient) -> float:
    found = await client.clock()
    if found is None:
        raise ApiServerError("the API server's answer carries no date; is there a proxy in between?")
    return found


def scope_of(subject: tuple[str, ...], namespace: str) -> Scope:
    """Return what the arguments name.

    Args:
        subject: such as ``("node", "worker-1")``; nothing for the whole pipeline.
        namespace: where a pod or autoscaler is that comes without one.

    Raises:
        UsageError: they name nothing that can be looked at.
    """
    match subject:
        case ():
            return WHOLE
        case ("node" | "nodes", name) if _NODE.fullmatch(name):
            return Scope(node=name)
        case ("pod" | "pods", name) if _PLACED.fullmatch(name):
            return Scope(pod=_placed(name, namespace))
        case ("hpa", name) if _PLACED.fullmatch(name):
            return Scope(hpa=_placed(name, namespace))
        case _:
            raise UsageError([_USAGE])


def _placed(name: str, namespace: str) -> tuple[str, str]:
    before, slash, after = name.rpartition("/")
    return (before, after) if slash else (namespace, name)


def redactor(evidence: Evidence) -> Redactor:
    """Return what takes the names of this cluster out of a text."""
    nodes = some(evidence.nodes)
    names = [node.metadata.name for node in nodes]
    hosts = [address for node in nodes for address in node.addresses() if address not in names]
    return Redactor({"node": names, "host": hosts, "user": [evidence.user]})


def show(report: Report, output: str, clean: Callable[[str], str], console: Console) -> None:
    """Print a report, as text or JSON, with every text in it passed through ``clean``."""
    if output == "json":
        console.file.write(diagnosis.as_json(report, clean))
    else:
        diagnosis.print_text(report, clean, console)
