"""``--kubeconfig``, ``--context`` and ``--namespace``, for every command that looks at a cluster as kubectl does."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from kubevitals import __version__
from kubevitals.errors import ConfigError, UsageError
from kubevitals.kube.client import ApiClient
from kubevitals.kube.config import (
    SERVICE_ACCOUNT,
    ClusterConfig,
    kubeconfig_paths,
    load_in_cluster,
    load_kubeconfig,
)

_DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What the command line says about the cluster; empty where it says nothing."""

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a click command, which gets them as one argument, ``cluster``: ClusterOptions."""

    @click.option("--kubeconfig", default="", metavar="FILE", help="Kubeconfig; else KUBECONFIG or ~/.kube/config.")
    @click.option("--context", default="", metavar="NAME", help="Context of the kubeconfig; else the current one.")
    @click.option("-n", "--namespace", default="", metavar="NAME", help="Namespace; else the context's.")
    @functools.wraps(command)
    def with_options(kubeconfig: str, context: str, namespace: str, **others: Any) -> Any:
        return command(cluster=ClusterOptions(kubeconfig, context, namespace), **others)

    return with_options


def cluster_config(
    options: ClusterOptions,
    *,
    now: Callable[[], float],
    environ: Mapping[str, str],
    service_account: Path = SERVICE_ACCOUNT,
) -> ClusterConfig:
    """Return the cluster, identity and namespace that kubectl would take.

    That is a kubeconfig's, or in a pod without one, the service account's. The namespace is never empty.

    Args:
        options: what the command line says.
        now: seconds since the epoch.
        environ: KUBECONFIG, HOME, and what Kubernetes tells pods.
        service_account: the directory of the service account's files.

    Raises:
        UsageError: there is no kubeconfig, it lacks the context, or cannot be used.
    """
    paths = kubeconfig_paths(options.kubeconfig, environ)
    named = bool(options.kubeconfig or options.context or environ.get("KUBECONFIG"))
    in_pod = not named and "KUBERNETES_SERVICE_HOST" in environ and not any(path.exists() for path in paths)
    try:
        if in_pod:
            found = load_in_cluster(environ, service_account, now=now)
            found = replace(found, namespace=_of_pod(service_account))
        else:
            tty = sys.stdin.isatty()
            found = load_kubeconfig(paths, options.context, now=now, environ=environ, interactive=tty)
    except ConfigError as error:
        raise UsageError([str(error)]) from None
    return replace(found, namespace=options.namespace or found.namespace or _DEFAULT_NAMESPACE)


def _of_pod(service_account: Path) -> str:
    try:
        return (service_account / "namespace").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


@contextlib.asynccontextmanager
async def connected(options: ClusterOptions) -> AsyncIterator[ApiClient]:
    """Yield a client of the cluster that this process' environment and the options name; see ``cluster_config``.

    ``client.config.namespace`` is the namespace to look at.

    Raises:
        UsageError: as ``cluster_config``.
    """
    now = time.time  # noqa: TID251 - a command is composed here, its clock included
    config = cluster_config(options, now=now, environ=os.environ)
    async with ApiClient(config, user_agent=f"kubevitals/{__version__}") as client:
        yield client
