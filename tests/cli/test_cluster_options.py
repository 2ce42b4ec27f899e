"""Which cluster, identity and namespace a command looks at."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from kubevitals.cli.cluster_options import ClusterOptions, cluster_config, cluster_options
from kubevitals.errors import UsageError

IN_POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
CONFIG = """
clusters: [{name: c, cluster: {server: "http://api"}}]
contexts:
- {name: one, context: {cluster: c, namespace: shop}}
- {name: bare, context: {cluster: c}}
current-context: one
"""


@pytest.fixture
def kubeconfig(tmp_path):
    path = tmp_path / "config"
    path.write_text(CONFIG)
    return str(path)


def config(options=ClusterOptions(), environ=None, **more):  # noqa: B008 - it cannot be changed
    return cluster_config(options, now=lambda: 0.0, environ=environ or {}, **more)


@pytest.mark.parametrize(
    ("context", "asked", "namespace"), [("", "", "shop"), ("bare", "", "default"), ("", "data", "data")]
)
def test_the_namespace_is_the_flags_or_the_contexts(kubeconfig, context, asked, namespace):
    """The flag wins over the context, and without either it is ``default``, as with kubectl."""
    found = config(ClusterOptions(kubeconfig, context, asked))
    assert (found.server, found.namespace) == ("http://api", namespace)


def test_a_pod_needs_no_kubeconfig(tmp_path):
    """In a pod the service account says where the cluster is, and which namespace is meant."""
    (tmp_path / "token").write_text("t")
    (tmp_path / "namespace").write_text("monitoring\n")
    found = config(environ=IN_POD, service_account=tmp_path)
    assert (found.server, found.namespace) == ("https://10.96.0.1:443", "monitoring")


def test_a_kubeconfig_wins_in_a_pod(kubeconfig, tmp_path):
    """Who names a kubeconfig means it, in a pod too."""
    found = config(environ=IN_POD | {"KUBECONFIG": kubeconfig}, service_account=tmp_path)
    assert found.server == "http://api"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ClusterOptions("/nowhere/config"), "/nowhere/config"),
        (ClusterOptions(), "no kubeconfig found"),
    ],
)
def test_a_kubeconfig_that_is_not_there_is_bad_input(options, message):
    """It is told as one problem of what was typed."""
    with pytest.raises(UsageError, match=message):
        config(options)


def test_a_context_that_is_not_there_is_bad_input(kubeconfig):
    """The contexts there are are named."""
    with pytest.raises(UsageError, match=r'no entry named "two" \(known: bare, one\)'):
        config(ClusterOptions(kubeconfig, "two"))


def test_the_decorator_hands_over_one_value():
    """A command gets the three options as one argument, beside its own."""

    @click.command()
    @cluster_options
    @click.argument("what")
    def look(cluster, what):
        click.echo(f"{what} {cluster}")

    result = CliRunner().invoke(look, ["--context", "c", "-n", "ns", "nodes"])
    assert result.output == f"nodes {ClusterOptions('', 'c', 'ns')}\n"
