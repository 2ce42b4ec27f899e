"""Histograms that cost little."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as LibraryHistogram

from kubevitals.telemetry import promtext
from kubevitals.telemetry.histograms import DEFAULT_BUCKETS, Histogram, KubeletRequests, Timed

SECONDS = "metrics_server_kubelet_request_duration_seconds"


@given(st.lists(st.tuples(st.sampled_from([*DEFAULT_BUCKETS, 0.0, 0.3, 11.0]), st.integers(1, 3)), max_size=20))
def test_a_histogram_counts_as_the_library_does(observed: list[tuple[float, int]]) -> None:
    """Buckets, sum and count are those of prometheus_client, and many equal values count at once."""
    registry = CollectorRegistry()
    theirs = LibraryHistogram("h", "d", buckets=DEFAULT_BUCKETS, registry=registry)
    ours = Histogram("h", "d", DEFAULT_BUCKETS)

    for value, times in observed:
        ours.of().observe(value, times)
        for _ in range(times):
            theirs.observe(value)

    mine = {(s.name, s.labels.get("le")): s.value for metric in ours.collect() for s in metric.samples}
    for metric in registry.collect():
        for sample in metric.samples:
            if sample.name == "h_sum":
                assert abs(mine["h_sum", None] - sample.value) < 1e-9
            elif sample.name != "h_created":
                bound = sample.labels.get("le")
                assert mine[sample.name, bound and promtext.go_float(float(bound))] == sample.value


def test_a_labelled_histogram_has_series_for_what_was_observed() -> None:
    """Each combination of label values has buckets of its own; none is printed before it is used."""
    histogram = Histogram("h", "d", (1.0,), ("a", "b"))
    unused = "".join(text for metric in histogram.collect() for text in promtext.family(metric))

    histogram.of("x", "y").observe(0.5)
    histogram.of("x", "y").observe(2.0)
    (metric,) = histogram.collect()

    assert unused == ""
    assert list(promtext.family(metric))[1:] == [
        'h_bucket{a="x",b="y",le="1"} 1\n',
        'h_bucket{a="x",b="y",le="+Inf"} 2\n',
        'h_sum{a="x",b="y"} 2.5\n',
        'h_count{a="x",b="y"} 2\n',
    ]


def test_a_timed_event_counts_once_in_both_families() -> None:
    """The counter under its own name always equals the histogram's count."""
    timed = Timed(("attempts", "d"), ("seconds", "d"), (1.0,), ("result",))
    timed.of("good").observe(0.5)
    timed.of("good").observe(5.0)

    lines = "".join(text for metric in timed.collect() for text in promtext.family(metric)).splitlines()

    assert 'attempts{result="good"} 2' in lines
    assert 'seconds_count{result="good"} 2' in lines
    assert "# TYPE attempts counter" in lines


def test_each_node_has_a_histogram_and_a_moment() -> None:
    """A node's series are its buckets, sum, count and the whole second of its last request."""
    requests = KubeletRequests()
    requests.observe('a"b', 0.02, 1_763_831_640.9)
    requests.observe('a"b', 20.0, 1_763_831_655.1)

    lines = "".join(requests.text()).splitlines()

    assert f'{SECONDS}_bucket{{node="a\\"b",le="0.01"}} 0' in lines
    assert f'{SECONDS}_bucket{{node="a\\"b",le="10"}} 1' in lines
    assert f'{SECONDS}_bucket{{node="a\\"b",le="+Inf"}} 2' in lines
    assert f'{SECONDS}_sum{{node="a\\"b"}} 20.02' in lines
    assert f'{SECONDS}_count{{node="a\\"b"}} 2' in lines
    assert 'metrics_server_kubelet_last_request_time_seconds{node="a\\"b"} 1.763831655e+09' in lines


def test_a_forgotten_node_leaves_no_series() -> None:
    """Forgetting removes both families of a node; forgetting it again is no error."""
    requests = KubeletRequests()
    requests.observe("a", 1.0, 1.0)
    requests.observe("b", 1.0, 1.0)

    requests.forget("a")
    requests.forget("a")

    text = "".join(requests.text())
    assert '"a"' not in text
    assert '"b"' in text


def test_without_nodes_nothing_is_printed() -> None:
    """No request, no lines."""
    assert list(KubeletRequests().text()) == []


def test_many_nodes_come_in_pieces_that_tolerate_change() -> None:
    """The text comes in several pieces, and nodes may go while it is being read."""
    requests = KubeletRequests()
    for i in range(600):
        requests.observe(f"node-{i}", 1.0, 1.0)

    pieces = []
    for piece in requests.text():
        pieces.append(piece)
        requests.forget("node-599")

    assert len(pieces) == 8
    assert "".join(pieces).count("_count{") == 600
