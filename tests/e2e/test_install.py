"""What ``kubevitals manifests`` and the chart give, installed with kubectl: its rights suffice, rivals are named."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.chart.chart import Helm
from tests.chart.tools import CACHE, CARRIERS, provide
from tests.e2e import objects
from tests.e2e.installing import Manifest, Site, adapted, printed
from tests.kubectl.binaries import UnavailableError
from tests.processes import eventually

pytestmark = pytest.mark.e2e

NAME = "v1beta1.metrics.k8s.io"  # of the APIService that is disputed


def from_manifests() -> list[Manifest]:
    """The objects of the command."""
    return printed("--metric-resolution=10s")


def from_chart() -> list[Manifest]:
    """The objects of the Helm chart."""
    try:
        helm = provide(max(CARRIERS), CACHE)
    except UnavailableError as reason:
        pytest.skip(str(reason))
    values = {"fullnameOverride": objects.NAME}
    with TemporaryDirectory() as home:
        rendered = Helm(helm, Path(home)).template(values, f"--namespace={objects.NAMESPACE}", release=objects.NAME)
    return rendered.objects


@pytest.mark.parametrize("source", [from_manifests, from_chart])
def test_an_installation_needs_no_more_than_its_own_rights(site: Site, source: Callable[[], list[Manifest]]) -> None:
    """Both versions are served and verified, kubectl top shows numbers, nothing is refused, and nothing is to do."""
    manifests = source()
    server = site.new_server(source.__name__, manifests, in_a_hurry=False)
    with site.installed(adapted(manifests, server.port)) as file, site.serving(server):
        for version in objects.VERSIONS:
            eventually(partial(site.verified, version), within=90, needs=(server.process,))
        site.wait_metrics(within=90)
        assert [row[:2] for row in site.rows("top", "nodes")] == [
            ["node-a", "1500m"], ["node-b", "620m"], ["node-c", "90m"],
        ]  # fmt: skip
        assert len(site.rows("top", "pods", "-A")) == 4
        assert [line for line in server.log.splitlines() if "orbidden" in line or line[0] in "WE"] == []
        assert site.diff(file) == ""


def test_another_provider_of_the_api_is_named(site: Site) -> None:
    """Who applies another registration over ours takes the API; the log tells who, and when it is ours again."""
    ours = printed()
    server = site.new_server("disputed", ours)
    with site.installed(adapted(ours, server.port)) as file, site.serving(server):
        eventually(lambda: site.verified("v1beta1"), within=60, needs=(server.process,))
        registration = next(each for each in ours if each["metadata"]["name"] == NAME)
        other = {"namespace": "monitoring", "name": "adapter", "port": 443}
        site.apply([registration | {"spec": registration["spec"] | {"service": other}}])
        words = (f'apiservice="{NAME}"', 'service="monitoring/adapter"', "Remove one of the two providers")
        eventually(lambda: server.says("An APIService is another provider's", *words), within=30)
        assert site.registration("v1beta1")["service"]["name"] == "adapter"
        site.apply_again(file)
        eventually(lambda: server.says("An APIService points to our Service again", words[0]), within=30)
        eventually(lambda: site.verified("v1beta1"), within=60)
