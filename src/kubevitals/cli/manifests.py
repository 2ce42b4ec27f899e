"""``kubevitals manifests``: the objects that run the server in a cluster, as YAML on standard output."""

from __future__ import annotations

from typing import Any

import click

from kubevitals.manifests import Options, page

_DEFAULT = Options()


@click.command()
@click.option("--namespace", default=_DEFAULT.namespace, show_default=True, help="Namespace of the server.")
@click.option("--name", default=_DEFAULT.name, show_default=True, help="Name of the server's objects.")
@click.option("--image", default=_DEFAULT.image, show_default=True, help="Container image.")
@click.option("--replicas", type=click.IntRange(1), default=_DEFAULT.replicas, show_default=True, help="Pods.")
@click.option("--kubelet-insecure-tls", is_flag=True, help="Do not verify the kubelets' certificates. For tests only.")
@click.option("--host-network", is_flag=True, help="Run in the nodes' network, on port 4443 instead of 10250.")
@click.option(
    "--metric-resolution", default=_DEFAULT.metric_resolution, show_default=True, help="Time between two scrapes."
)
@click.option("--arg", multiple=True, metavar="FLAG", help="Further flag of serve, such as --arg=--v=2; repeatable.")
@click.option("--events", is_flag=True, help="Publish Events about nodes that cannot be scraped.")
@click.option("--pins", is_flag=True, help="Accept only the certificate that each kubelet showed first.")
@click.option(
    "--insecure-skip-tls-verify", is_flag=True, help="Let the API server accept any certificate of the server."
)
def manifests(**chosen: Any) -> None:
    """Print the Kubernetes objects that run this server in a cluster, as YAML, in the order of installation.

    Without options they are those of a cluster with one server that verifies kubelets and is verified. kubectl
    applies them: kubevitals manifests | kubectl apply -f -
    """
    click.echo(page(Options(**chosen)), nl=False)
