"""A large cluster on one machine: no cycle is missed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.fleet import large_fleet
from tests.e2e.world import World, world
from tests.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

NODES, PODS, CONTAINERS = 1000, 30, 2
RESOLUTION = 15
CYCLES = 4
TOO_LONG = 1.8 * RESOLUTION  # between two scrapes of a node: a missed cycle makes it two resolutions


@pytest.fixture(scope="module")
def crowd(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A cluster of 1,000 nodes with 30 pods of 2 containers each."""
    fleet, folder = large_fleet(NODES, PODS, CONTAINERS), tmp_path_factory.mktemp("crowd")
    flags = (f"--metric-resolution={RESOLUTION}s",)
    with world(assets, folder, fleet, flags=flags, controllers=False) as running:
        yield running


def test_no_cycle_is_missed(crowd: World) -> None:
    """Each kubelet is read once per cycle for four cycles, nothing fails, and kubectl shows all."""
    crowd.wait_metrics(within=90)
    scrapes = crowd.kubelets.scrapes
    done = {node.name: len(scrapes[node.name]) for node in crowd.nodes}
    eventually(
        lambda: all(len(scrapes[name]) >= count + CYCLES for name, count in done.items()),
        within=(CYCLES + 1.5) * RESOLUTION,
        every=1,
        needs=(crowd.server.process,),
    )
    gaps = [
        later.time - earlier.time
        for name, count in done.items()
        for earlier, later in itertools.pairwise(scrapes[name][max(0, count - 1) :])
    ]
    assert max(gaps) < TOO_LONG
    assert _failures(crowd) == []
    nodes = crowd.rows("top", "nodes")
    assert len(nodes) == NODES
    assert not [row for row in nodes if "<unknown>" in row]
    assert len(crowd.rows("top", "pods", "-A")) == NODES * PODS


def _failures(running: World) -> list[str]:
    text = running.server.as_front_proxy().get("/metrics")
    counted = (line for line in text.splitlines() if line.startswith("metrics_server_kubelet_request_total{"))
    return [line for line in counted if 'success="false"' in line and not line.endswith((" 0", " 0.0"))]
