"""What the server tells of its own work."""

from __future__ import annotations

from array import array

from kubevitals.app.overview import node_entries, withheld_entries
from kubevitals.errors import ScrapeError
from kubevitals.model import Batch, DroppedPod, Layout, NodePoint, PodRows
from kubevitals.scraper.certificate import Certificate
from kubevitals.scraper.status import failed, succeeded
from kubevitals.store.points import Points

NOW = 1_790_000_000.0


def test_every_node_has_an_entry_with_its_state() -> None:
    """Ok, failing with cause and remedy, or unknown; and what its certificate says."""
    error = ScrapeError("san_ip", "names no address", "Renew it.")
    statuses = {
        "a": succeeded(None, "a", "10.0.0.1", Batch(warnings=("odd",), node_reason="cpu is 0"), NOW - 5),
        "b": failed(None, "b", "10.0.0.2", error, NOW - 60, expected=False),
        "gone": failed(None, "gone", "10.0.0.4", error, NOW, expected=False),
    }
    certificates = {"b": Certificate("f" * 64, "system:node:b", "own", ("DNS:b",), 0.0, NOW + 1.5 * 86400)}
    assert list(node_entries(["a", "b", "c"], statuses, certificates, NOW)) == [
        {
            "name": "a",
            "state": "ok",
            "since": "2026-09-21T14:13:15Z",
            "address": "10.0.0.1",
            "lastSuccess": "2026-09-21T14:13:15Z",
            "nodeWithheld": "cpu is 0",
            "remarks": ["odd"],
        },
        {
            "name": "b",
            "state": "failing",
            "since": "2026-09-21T14:12:20Z",
            "address": "10.0.0.2",
            "cause": "san_ip",
            "detail": "names no address",
            "remedy": "Renew it.",
            "expected": False,
            "certificate": {
                "subject": "system:node:b",
                "issuer": "own",
                "names": ["DNS:b"],
                "fingerprint": f"sha256:{'f' * 64}",
                "notAfter": "2026-09-23T02:13:20Z",
                "daysLeft": 1.5,
            },
        },
        {"name": "c", "state": "unknown"},
    ]


def test_what_is_withheld_has_a_reason() -> None:
    """Nodes and pods that a kubelet reports and that have no usage."""
    points = Points(resolution=15.0)
    layout = Layout((PodRows("shop", "web-0", 0, 1, ("app",)),), 1)
    columns = array("q", [1_000]), array("Q", [1]), array("Q", [1]), array("q", [0])
    batch = Batch(layout, *columns, NodePoint(1_000, 1, 1), dropped=(DroppedPod("data", "db-0", "memory is 0"),))
    points.absorb("n", batch, 1_000)
    assert list(withheld_entries(points)) == [
        {"kind": "Node", "name": "n", "reason": "the node was first seen in this scrape"},
        {"kind": "Pod", "namespace": "data", "name": "db-0", "reason": "memory is 0"},
        {"kind": "Pod", "namespace": "shop", "name": "web-0", "reason": "container app was first seen in this scrape"},
    ]
