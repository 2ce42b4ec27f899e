"""What the benchmark makes up, and what it concludes."""

from __future__ import annotations

import gzip
import json
import os

import pytest
from bench.body import Body, compress
from bench.cluster import Plan, address, node_items, pod, pod_items, pods_of
from bench.latency import percentile
from bench.process import BenchError, cpu_seconds, memory
from bench.results import Results, collect, columns, load, save
from bench.rhythm import Scrapes, quiet, regularity
from bench.table import table

from kubevitals.informer.objects import decode_pod_list
from kubevitals.model import Labels
from kubevitals.scraper.exposition import Decoder

PLAN = Plan(nodes=3)
NOW = 1_795_000_000_000  # ms


def test_a_body_is_one_that_kubelets_send():
    """Every pod of the node is in it with all its containers, and nothing is withheld or odd."""
    text = Body(1, PLAN, 10_000).at(NOW)
    batch = Decoder().decode(gzip.decompress(compress(text)), requested_ms=NOW)
    assert {(p.namespace, p.name) for p in batch.layout.pods} == {(p.namespace, p.name) for p in pods_of(1, PLAN)}
    assert {p.containers for p in batch.layout.pods} == {("app", "proxy")}
    assert (batch.dropped, batch.warnings, batch.node_reason) == ((), (), "")
    assert batch.node is not None


def test_counters_grow_with_their_own_timestamps():
    """A cycle later every counter and timestamp has moved on, and no timestamp lies in the future."""
    body, decoder = Body(1, PLAN, 10_000), Decoder()
    first, second = (decoder.decode(body.at(at), requested_ms=at) for at in (NOW, NOW + 15_000))
    assert all(after > before for before, after in zip(first.cpu_ns, second.cpu_ns, strict=True))
    assert all(after > before for before, after in zip(first.time_ms, second.time_ms, strict=True))
    assert len(set(second.time_ms)) > len(second.time_ms) / 2
    assert max(second.time_ms) <= NOW + 15_000


def test_a_body_stays_as_it_is_within_a_housekeeping_period():
    """A kubelet that is asked twice in a moment answers the same."""
    body = Body(1, PLAN, 10_000)
    start = NOW // 10_000 * 10_000 + 10_000
    moments = range(start, start + 20_000, 500)
    assert len({body.at(ms) for ms in moments}) == len({body.period(ms) for ms in moments}) == 3


def test_no_two_pods_or_nodes_are_alike():
    """Names and addresses are unique up to 5,000 nodes of 30 pods."""
    pods = [pod(serial) for serial in range(150_000)]
    assert len({(p.namespace, p.name) for p in pods}) == len(pods)
    assert len({address(node) for node in range(5000)}) == 5000


def test_the_selected_app_is_a_tenth_of_its_namespace():
    """A namespace has a twentieth of all pods, and the label leaves a tenth of these."""
    found = [p for p in map(pod, range(30_000)) if p.namespace == "ns-07"]
    assert len(found) == 1500
    assert sum(p.app == "app-3" for p in found) == 150


def test_items_of_lists_are_objects():
    """Nodes and pods are JSON objects with the names that the kubelets report."""
    nodes = [json.loads(item) for item in node_items(PLAN, 10250)]
    assert [item["status"]["addresses"][0]["address"] for item in nodes] == [address(node) for node in range(3)]
    items = b'{"metadata":{"resourceVersion":"1"},"items":[' + b",".join(pod_items(PLAN)) + b"]}"
    page = decode_pod_list(items, labels=lambda text: Labels(text, json.loads(text)))
    assert [(p.namespace, p.name) for p in page.items] == [pod(serial)[:2] for serial in range(90)]


def test_the_quiet_phase_is_what_scrapes_leave():
    """Scrapes from 2 s to 5 s of each 15 s leave the 12 s that begin at 5 s."""
    phase = quiet([17.0, 18.5, 20.0, 32.0, 34.0], 15.0)
    assert (phase.start, phase.length) == (5.0, 12.0)
    assert phase.active(18.0)
    assert not phase.active(21.0)
    assert phase.quiet_left(18.0) == 0
    assert phase.quiet_left(21.0) == 12.0 - 1.0 - phase.margin
    assert phase.until(18.0, 0.0) == 2.0


def test_what_is_missed_or_late_is_noticed():
    """A node without its second scrape missed one; a gap of more than 1.6 resolutions is late."""
    scrapes = Scrapes([0, 1, 0, 0, 1], [0.0, 1.0, 15.0, 30.0, 31.0])
    assert regularity(scrapes, 2, 3, 15.0) == (1, 1, 30.0)
    assert regularity(Scrapes([0], [0.0]), 2, 1, 15.0) == (1, 0, 0.0)


def test_a_percentile_is_a_value_that_was_seen():
    """Of a hundred values the 99th is the 99th percentile, of a few it is the largest."""
    assert percentile([float(value) for value in range(1, 101)], 99) == 99.0
    assert percentile([3.0, 1.0, 2.0], 99) == 3.0
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0


def test_results_are_medians_and_come_back_from_their_file(tmp_path):
    """What is kept is what was measured, in a column per size and server."""
    runs = [{"pss": 3.0, "failed": 0.0}, {"pss": 1.0, "failed": 2.0}, {"pss": 2.0}]
    results: Results = {
        "taken": 1,
        "machine": {"kubevitals": "0", "revision": "", "python": "3", "openssl": "", "processor": "", "cores": 1}
        | {"system": "", "kernel": ""},
        "extent": {"resolution": 15, "runs": 3, "cycles": 1, "samples": 1},
        "sizes": [
            {"nodes": n, "pods": 30, "containers": 2, "figures": {"ours": collect(runs), "other": collect(runs[:1])}}
            for n in (100, 1000)
        ],
    }
    save(results, tmp_path / "new" / "results.json")
    assert load(tmp_path / "new" / "results.json") == results
    found = [(column.nodes, column.server, column.medians["pss"]) for column in columns(results)]
    assert found == [(100, "ours", 2.0), (100, "other", 3.0), (1000, "ours", 2.0), (1000, "other", 3.0)]
    assert "upstream" in table(results)


def test_a_process_that_is_gone_cannot_be_measured():
    """This process has cost something; one that is no more is a BenchError."""
    assert cpu_seconds(os.getpid()) > 0
    assert memory(os.getpid()).pss > 0
    gone = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(gone, 0)
    with pytest.raises(BenchError, match=r"^process \d+ cannot be measured: it is gone$"):
        cpu_seconds(gone)
    with pytest.raises(BenchError, match=r"^the memory of process \d+ cannot be read"):
        memory(gone)
