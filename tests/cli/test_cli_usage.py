"""What the Metrics API says, as rows."""

from __future__ import annotations

from kubevitals.cli.usage import NodeRow, PodRow, Snapshot, node_rows, pod_rows


def node(name, cpu="4", memory="16Gi"):
    return {"metadata": {"name": name}, "status": {"allocatable": {"cpu": cpu, "memory": memory}}}


def use(name, cpu, memory):
    usage = {"cpu": cpu, "memory": memory}
    return {"metadata": {"name": name}, "timestamp": "2026-01-01T00:00:10Z", "usage": usage}


def pod(name, *containers):
    found = [{"name": c, "usage": {"cpu": cpu, "memory": memory}} for c, cpu, memory in containers]
    return {"metadata": {"namespace": "ns", "name": name}, "containers": found}


def test_nodes_are_joined_with_their_metrics():
    """A node without metrics keeps its capacity; metrics without a node are passed over."""
    rows = node_rows([node("a"), node("b", "500m", "1Gi")], [use("a", "250m", "64Mi"), use("gone", "1", "1")])
    assert rows == (
        NodeRow("a", 4.0, 16 << 30, 0.25, 64 << 20, 1767225610.0),
        NodeRow("b", 0.5, 1 << 30),
    )


def test_pods_come_busiest_first():
    """A pod's use is the sum over its containers; the order is by CPU."""
    rows = pod_rows([pod("idle", ("c", "1m", "1Mi")), pod("busy", ("x", "1", "2Mi"), ("y", "500m", "3Mi"))])
    assert rows == (
        PodRow("ns", "busy", 1.5, 5 << 20, ("x", "y")),
        PodRow("ns", "idle", 0.001, 1 << 20, ("c",)),
    )


def test_a_snapshot_is_complete_when_every_node_was_measured():
    """Neither a node without metrics nor the absence of pods is complete."""
    measured, waiting = NodeRow("a", 4.0, 1, 1.0, 1, 1.0), NodeRow("b", 4.0, 1)
    row = PodRow("ns", "p", 1.0, 1, ())
    assert Snapshot((measured,), (row,)).complete
    assert not Snapshot((measured, waiting), (row,)).complete
    assert not Snapshot((measured,), ()).complete
    assert not Snapshot().complete
