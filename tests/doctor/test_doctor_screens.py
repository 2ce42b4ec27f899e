"""The doctor looks at the simulated cluster, and what it prints is compared letter by letter."""

from __future__ import annotations

import random
import time

import pytest
from tests.doctor.clinic import printed, report_of, same_as_golden

from kubevitals.simulator.cluster import Cluster, Plan


@pytest.fixture
async def cluster():
    """Two nodes, and no provider."""
    async with Cluster(Plan(nodes=2, pods=2), now=time.time, random=random.random) as running:
        yield running


async def test_without_a_provider(cluster):
    """D01: nothing is installed."""
    report = await report_of(cluster)
    assert report.first.check.id == "D01"
    assert same_as_golden("D01", printed(report))


async def test_an_api_service_that_leads_nowhere(cluster):
    """D04: an APIService is left over from a provider that was removed."""
    cluster.register("127.0.0.1", 1)
    cluster.registry.delete(*_service())
    report = await report_of(cluster)
    assert report.first.check.id == "D04"
    assert same_as_golden("D04", printed(report))


def _service():
    from kubevitals.simulator.kinds import SERVICES

    return SERVICES, "metrics-server", "kube-system"
