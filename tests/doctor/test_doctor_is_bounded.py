"""However large the cluster, the doctor asks few kubelets, and says how few."""

from __future__ import annotations

import random
import time

from tests.doctor.clinic import printed, report_of
from tests.whole.world import RESOLUTION, serving

from kubevitals.doctor.finding import Hop
from kubevitals.simulator.cluster import Cluster, Plan
from kubevitals.simulator.faults import KubeletFault

MOST = 25  # kubelets, each asked for its metrics and its configuration
PLAN = Plan(nodes=1000, pods=0, housekeeping=0, shared_address=True)


async def test_a_thousand_nodes_without_metrics() -> None:
    """Nodes that fail for one reason are one finding on one screen, after a look at a few of them."""
    async with Cluster(PLAN, now=time.time, random=random.random) as cluster:
        for kubelet in cluster.fleet:
            kubelet.fault = KubeletFault.UNAUTHORIZED
        report = await report_of(cluster)
        assert sum(kubelet.requests for kubelet in cluster.fleet) <= 2 * MOST
        assert len(report.others) < 5
        assert len(printed(report).splitlines()) < 60


async def test_a_thousand_nodes_that_are_well() -> None:
    """All is well, and of how many kubelets that is known is said."""
    async with Cluster(PLAN, now=time.time, random=random.random) as cluster:
        async with serving(cluster, resolution=25 * RESOLUTION) as world:
            await world.cluster.wait_available()
            report = await report_of(cluster)
        data = next(walked for walked in report.hops if walked.hop == Hop.DATA)
        assert "of 1,000 kubelets asked" in data.words
