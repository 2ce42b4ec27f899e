"""Where a pod runs that two kubelets report."""

from __future__ import annotations

import pytest

from kubevitals.app.bindings import Bindings
from kubevitals.errors import ApiStatusError, ApiUnreachable


class Cluster:
    """An API server and a store with disputes."""

    def __init__(self, *pods, fault=None):
        self.pods = list(pods)
        self.fault = fault
        self.paths = []
        self.bound = {}

    async def get(self, path):
        self.paths.append(path)
        if self.fault is not None:
            raise self.fault
        return b'{"kind":"Pod","metadata":{"name":"x"},"spec":{"nodeName":"node-7","containers":[]}}'

    def disputed(self):
        return [pod for pod in self.pods if pod not in self.bound]

    def bind(self, namespace, name, node):
        self.bound[namespace, name] = node


async def settled(cluster):
    await Bindings(cluster, cluster, 1.0).settle()
    return cluster.bound


async def test_the_api_server_says_where_a_pod_runs():
    """Each pod in question is asked about by name, once."""
    cluster = Cluster(("shop", "web-0"), ("a b", "x/y"))
    assert await settled(cluster) == {("shop", "web-0"): "node-7", ("a b", "x/y"): "node-7"}
    assert cluster.paths == ["/api/v1/namespaces/shop/pods/web-0", "/api/v1/namespaces/a%20b/pods/x%2Fy"]
    await settled(cluster)
    assert len(cluster.paths) == 2


async def test_a_pod_that_is_gone_runs_nowhere():
    """It is not asked about for ever."""
    cluster = Cluster(("shop", "web-0"), fault=ApiStatusError(404, "NotFound", "not found"))
    assert await settled(cluster) == {("shop", "web-0"): ""}


@pytest.mark.parametrize("fault", [ApiUnreachable("away"), ApiStatusError(403, "Forbidden", "no")])
async def test_what_cannot_be_asked_is_asked_later(fault, caplog):
    """One line in the log for as long as it lasts, and the next look tries again."""
    cluster = Cluster(("shop", "web-0"), ("shop", "web-1"), fault=fault)
    bindings = Bindings(cluster, cluster, 1.0)
    await bindings.settle()
    await bindings.settle()
    assert cluster.bound == {}
    assert len(cluster.paths) == 2
    assert len(caplog.records) == 1
    cluster.fault = None
    await bindings.settle()
    assert len(cluster.bound) == 2


async def test_a_crowd_is_asked_about_in_parts():
    """Two nodes that report each other's pods do not make thousands of requests at once."""
    cluster = Cluster(*(("shop", f"web-{number}") for number in range(200)))
    assert len(await settled(cluster)) == 50
    assert len(await settled(cluster)) == 100
