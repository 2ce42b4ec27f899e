"""Kubelet bodies in, batches out; every sample payload beside this file is a case."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubevitals.errors import ExpositionError
from kubevitals.model import NO_LAYOUT
from kubevitals.scraper import exposition
from kubevitals.scraper.exposition import Decoder

SAMPLES = Path(__file__).parent / "samples"
WARNINGS = {
    "container_series_without_identity": exposition.UNNAMED,
    "crlf": exposition.CARRIAGE_RETURNS,
    "duplicate_series": exposition.REPEATED,
    "empty_payload": exposition.EMPTY,
    "kubelet_reports_scrape_error": exposition.SCRAPE_ERROR,
    "negative_timestamp_ignored": exposition.NEGATIVE_START,
    "no_known_series": exposition.NOTHING_KNOWN,
    "no_timestamps": exposition.NO_TIMESTAMPS,
    "pod_series_without_container_series": exposition.ONLY_PODS,
    "pre_1.18.1_metric_names": exposition.OLD_NAMES,
}
NOW = 1_790_000_000_000


def cases(want):
    found = []
    for path in sorted(SAMPLES.glob("*.expected.json")):
        case = json.loads(path.read_text())
        if case.get("format") == "text" and want(case["expect"]["error"] or {}):
            found.append(pytest.param(case, id=case["input"]))
    return found


def decode(case, decoder=None):
    return (decoder or Decoder()).decode(
        (SAMPLES / case["input"]).read_bytes(),
        requested_ms=case["request_time_ms"],
        content_type=case["http"]["content_type"],
    )


def rows(batch):
    return [
        {
            "namespace": pod.namespace,
            "pod": pod.name,
            "container": container,
            "timestamp_ms": batch.time_ms[row],
            "cpu_nanoseconds": batch.cpu_ns[row],
            "memory_bytes": batch.memory[row],
            "start_ns": batch.start_ns[row],
        }
        for pod in batch.layout.pods
        for row, container in zip(range(pod.start, pod.stop), pod.containers, strict=True)
    ]


def expected_rows(case):
    return [
        {key: value for key, value in point.items() if key not in ("cpu_seconds", "start_time")}
        | {"start_ns": start_ns(point["start_time"])}
        for point in case["expect"]["containers"]
    ]


def start_ns(seconds):
    # The samples keep what was printed; a start before 2000 is an age, which counts as unknown here.
    return int(seconds * 1e9) if seconds and seconds > 946_684_800 else 0


@pytest.mark.parametrize("case", cases(lambda error: not error))
def test_sample_gives_its_container_points(case):
    """Every readable sample gives exactly the container points that are expected of it."""
    assert rows(decode(case)) == expected_rows(case)


@pytest.mark.parametrize("case", cases(lambda error: not error))
def test_sample_gives_its_node_point_or_a_reason(case):
    """Every readable sample gives the expected node point, or none and a reason."""
    batch = decode(case)
    node = case["expect"]["node"]

    if node is None:
        assert batch.node is None
        assert batch.node_reason
    else:
        assert batch.node == (node["timestamp_ms"], node["cpu_nanoseconds"], node["memory_bytes"])
        assert batch.node_reason == ""


@pytest.mark.parametrize("case", cases(lambda error: not error))
def test_sample_drops_its_incomplete_pods_with_reasons(case):
    """Every pod that has series but no usable point is named with the reason."""
    dropped = {(pod.namespace, pod.name): pod.reason for pod in decode(case).dropped}
    expected = {(pod["namespace"], pod["pod"]): pod["reason"] for pod in case["expect"]["dropped_pods"]}

    assert dropped.keys() == expected.keys()
    assert [key for key in expected if not expected[key].startswith(dropped[key])] == []


@pytest.mark.parametrize("case", cases(lambda error: not error))
def test_sample_gives_its_warnings(case):
    """Every oddity that was tolerated is told; an incomplete node is told by its reason instead."""
    expected = {WARNINGS[word] for word in case["expect"]["warnings"] if word != "node_incomplete"}

    assert set(decode(case).warnings) == expected


@pytest.mark.parametrize("case", cases(lambda error: error.get("kind", "http").partition("_")[0] != "http"))
def test_broken_sample_fails_with_its_kind(case):
    """Every unreadable sample fails as a whole, with the expected cause and a remedy."""
    with pytest.raises(ExpositionError) as raised:
        decode(case)

    assert raised.value.cause == case["expect"]["error"]["kind"]
    assert raised.value.remedy


@pytest.mark.parametrize("case", cases(lambda error: not error))
def test_layout_is_sorted_and_covers_every_row(case):
    """Pods come in order of namespace and name, containers in name order, rows without a gap."""
    layout = decode(case).layout

    assert sorted(pod[:2] for pod in layout.pods) == [pod[:2] for pod in layout.pods]
    assert all(sorted(pod.containers) == list(pod.containers) for pod in layout.pods)
    assert [0, *(pod.stop for pod in layout.pods)] == [*(pod.start for pod in layout.pods), layout.rows]
    assert all(before.stop == after.start for before, after in pairwise(layout.pods))


CPU = 'container_cpu_usage_seconds_total{container="c",namespace="ns",pod="%s"} %s 1789999998000\n'
MEMORY = 'container_memory_working_set_bytes{container="c",namespace="ns",pod="%s"} %s 1789999998000\n'


def body(pods, cpu="1.5"):
    lines = [line % (pod, value) for pod in pods for line, value in ((CPU, cpu), (MEMORY, "4096"))]
    return "".join(lines).encode()


def test_layout_stays_the_same_object_while_names_do_not_change():
    """Unchanged names give the same layout object, whatever the numbers and the order of lines."""
    decoder = Decoder()
    first = decoder.decode(body(["a", "b"]), requested_ms=NOW)
    second = decoder.decode(body(["b", "a"], cpu="2.5"), requested_ms=NOW)

    assert second.layout is first.layout
    assert list(second.cpu_ns) == [2_500_000_000, 2_500_000_000]


def test_layout_is_new_when_names_change():
    """A pod that comes or goes gives another layout."""
    decoder = Decoder()
    first = decoder.decode(body(["a", "b"]), requested_ms=NOW)
    second = decoder.decode(body(["a"]), requested_ms=NOW)

    assert [pod.name for pod in second.layout.pods] == ["a"]
    assert second.layout is not first.layout


def test_no_containers_give_the_layout_of_nothing():
    """A body without usable containers has the layout that all nodes without containers share."""
    assert Decoder().decode(b"", requested_ms=NOW).layout is NO_LAYOUT


def test_layout_survives_a_body_that_cannot_be_read():
    """One broken body in between does not cost the layout."""
    decoder = Decoder()
    first = decoder.decode(body(["a"]), requested_ms=NOW)
    with pytest.raises(ExpositionError):
        decoder.decode(b"<html>\n", requested_ms=NOW)

    assert decoder.decode(body(["a"]), requested_ms=NOW).layout is first.layout


def test_names_that_nodes_share_are_one_string():
    """Two nodes' layouts share the strings of namespaces and container names."""
    one, two = (Decoder().decode(body(["a"]), requested_ms=NOW).layout.pods[0] for _ in range(2))

    assert one.namespace is two.namespace
    assert one.containers[0] is two.containers[0]


def test_a_container_with_only_a_start_time_withholds_its_pod():
    """A container that is just starting has no CPU yet: no partial sum of its pod is served."""
    start = b'container_start_time_seconds{container="new",namespace="ns",pod="a"} 1.7899995e+09\n'
    batch = Decoder().decode(body(["a"]) + start, requested_ms=NOW)

    assert batch.layout.pods == ()
    assert [tuple(pod) for pod in batch.dropped] == [("ns", "a", "container new: no cpu")]


@pytest.mark.parametrize(
    ("line", "warned"),
    [
        ("scrape_error 1", True),
        ("resource_scrape_error 1", True),
        ("resource_scrape_error 1 1789999998000", True),
        ("scrape_error 0", False),
        ("scrape_error", False),
    ],
)
def test_scrape_error_is_a_warning(line, warned):
    """A kubelet that admits trouble with its stats is believed, in old and new words."""
    batch = Decoder().decode(body(["a"]) + line.encode() + b"\n", requested_ms=NOW)

    assert (exposition.SCRAPE_ERROR in batch.warnings) is warned


def test_comments_may_hold_any_bytes():
    """Bytes that are no UTF-8 are tolerated in HELP lines, where they change no number."""
    batch = Decoder().decode(b"# HELP x caf\xe9\n  # \xff\n" + body(["a"]), requested_ms=NOW)

    assert batch.layout.rows == 1


@pytest.mark.parametrize("broken", [b"a\0b 1\n", b"# \0\n", b'x{a="\xff"} 1\n'])
def test_zero_bytes_and_broken_utf8_fail_the_body(broken):
    """What is no text is no exposition, also in families that are not used."""
    with pytest.raises(ExpositionError) as raised:
        Decoder().decode(body(["a"]) + broken, requested_ms=NOW)

    assert raised.value.cause == "parse"


def test_an_error_names_a_content_type_that_is_no_text():
    """A web page in the kubelet's place is called one."""
    with pytest.raises(ExpositionError) as raised:
        Decoder().decode(b"<html>", requested_ms=NOW, content_type="Text/HTML; charset=utf-8")

    assert raised.value.detail.startswith("the body is text/html: ")


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_the_order_of_lines_does_not_matter(data):
    """Shuffled lines of a real body give the same batch."""
    lines = (SAMPLES / "v1.28.txt").read_bytes().splitlines(keepends=True)
    shuffled = data.draw(st.permutations(lines))

    assert Decoder().decode(b"".join(shuffled), requested_ms=NOW) == Decoder().decode(b"".join(lines), requested_ms=NOW)


@given(st.integers(min_value=0, max_value=25_000))
@settings(max_examples=60, deadline=None)
def test_a_cut_body_never_gives_a_changed_number(length):
    """Wherever a body is cut, what is still believed are points that the whole body has, too."""
    whole = (SAMPLES / "30-pods.txt").read_bytes()
    try:
        batch = Decoder().decode(whole[:length], requested_ms=NOW)
    except ExpositionError:
        return
    points = {tuple(row.values())[:6] for row in rows(Decoder().decode(whole, requested_ms=NOW))}
    assert {tuple(row.values())[:6] for row in rows(batch)} <= points
