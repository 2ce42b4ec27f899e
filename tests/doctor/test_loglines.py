"""What the logs of five generations of metrics-server, and of kubevitals, say of nodes, callers and containers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.doctor.kubelets import NO_SAN, UNKNOWN_CA, get, klog

from kubevitals.doctor.loglines import decreases, refusals, troubled

LOOKUP = "dial tcp: lookup node-2 on 10.96.0.10:53: no such host"
SUMMARY = "stats/summary?only_cpu_and_memory=true"
OF_03 = (
    f"E0517 06:24:25.123456       1 manager.go:111] unable to fully collect metrics: [unable to fully scrape metrics "
    f"from source kubelet_summary:node-1: unable to fetch metrics from Kubelet node-1 (192.168.1.1): Get "
    f"https://192.168.1.1:10250/{SUMMARY}: {NO_SAN}, unable to fully scrape metrics from source "
    f"kubelet_summary:node-2: unable to fetch metrics from Kubelet node-2 (node-2): Get "
    f"https://node-2:10250/{SUMMARY}: {LOOKUP}]"
)
OF_04 = (
    f"E0517 06:24:25.123456       1 server.go:132] unable to fully scrape metrics: [unable to fully scrape metrics "
    f'from node node-1: unable to fetch metrics from node node-1: request failed - "401 Unauthorized", response: '
    f'"Unauthorized", unable to fully scrape metrics from node node-2: unable to fetch metrics from node node-2: Get '
    f'"https://192.168.1.2:10250/{SUMMARY}": context deadline exceeded]'
)
OF_04_ALONE = (
    "E0517 06:24:25.123456       1 server.go:132] unable to fully scrape metrics: unable to fully scrape metrics from "
    'node node-1: unable to fetch metrics from node node-1: Get "https://192.168.1.1:10250/x": '
    f"{UNKNOWN_CA}"
)


def as_json(message: str, node: Any = None, **pairs: Any) -> str:
    """A line with --logging-format=json, in which klog writes an object's reference as an object."""
    named = {} if node is None else {"node": node}
    line = {"ts": 1800000000000.1, "caller": "scraper/scraper.go:149", "msg": message, **named, **pairs}
    return json.dumps(line) + "\n"


def rows(log: str) -> dict[str, str]:
    """The row of each node."""
    return {node: row for node, (row, _) in troubled(log).items()}


# --- nodes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (OF_03, {"node-1": "D19", "node-2": "D23"}),
        (OF_04, {"node-1": "D27", "node-2": "D26"}),
        (OF_04_ALONE, {"node-1": "D20"}),
        (klog("node-1", get("node-1", NO_SAN)), {"node-1": "D19"}),
        (klog("node-1", "deadline exceeded", "Failed to scrape node, timeout to access kubelet"), {"node-1": "D26"}),
        (as_json("Failed to scrape node", {"name": "node-1"}, err=get("node-1", UNKNOWN_CA)), {"node-1": "D20"}),
        (as_json("Failed to scrape node", "node-1", err=LOOKUP), {"node-1": "D23"}),
        (as_json("Node cannot be scraped", "node-1", cause="http_401", detail="x"), {"node-1": "D27"}),
        (as_json("Node cannot be scraped", "node-1", cause="http_403", detail="system:anonymous"), {"node-1": "D28"}),
        ('W0115 08:00:00.000000 1 report.py:1] "Node cannot be scraped" node="n" cause="dns"', {"n": "D23"}),
        ('E0115 08:00:00.000000 1 s.go:1] "Failed to scrape node" err="said \\"no\\"" node="n"', {"n": "D31"}),
    ],
)
def test_each_generations_lines(log, expected):
    """Text or JSON, one node a line or all in one."""
    assert rows(log) == expected


def test_what_was_said_is_unquoted():
    """Of klog's quotes nothing is left, and of a list of nodes each has its own part."""
    assert troubled(klog("node-1", 'status: "403 Forbidden"'))["node-1"][1] == 'status: "403 Forbidden"'
    assert troubled(OF_03)["node-1"][1].endswith("IP SANs")


def test_the_newest_line_counts():
    """A node that is scraped again has no trouble, and one that fails otherwise has the other."""
    first, later = klog("node-1", NO_SAN), klog("node-1", UNKNOWN_CA)
    mended = 'I0115 08:00:00.000000 1 report.py:9] "Node is scraped again" node="node-1"\n'
    assert rows(first + later) == {"node-1": "D20"}
    assert rows(first + mended) == {}
    assert rows(first + as_json("Node is scraped again", "node-1")) == {}
    assert rows(mended + first) == {"node-1": "D19"}
    assert rows(OF_03 + "\n" + mended) == {"node-2": "D23"}


@pytest.mark.parametrize(
    "line",
    [
        as_json("Failed to scrape node", {"name": "../secrets"}, err="x"),
        as_json("Failed to scrape node", {"name": 5}, err="x"),
        as_json("Failed to scrape node", ["node-1"], err="x"),
        as_json("Failed to scrape node", "Node 1", err="x"),
        as_json("Scraping node", "node-1"),
        '{"msg": "Failed to scrape node", "node": "node-1"',
        '{"msg": 5, "node": "node-1"}',
        "E0115 08:00:00.000000 1 s.go:1] Failed to scrape node node-1",
        klog("node-1", NO_SAN, "Something else"),
        klog("../secrets", NO_SAN),
    ],
)
def test_lines_that_name_no_node(line):
    """Names that no node has, and lines that are of something else, give nothing."""
    assert troubled(line) == {}


@given(st.text() | st.lists(st.sampled_from([OF_03, OF_04, klog("a", "b"), '{"msg":', '"', "\n", "] "])).map("".join))
def test_any_log_can_be_read(log):
    """Whatever stands in it, nothing raises, and every name is one that a node can have."""
    for node in (*troubled(log), *(of.removeprefix("node ") for of in decreases(log) if of.startswith("node "))):
        assert node == node.lower()
        assert "/" not in node
    assert all(line in log for line in refusals(log))


# --- callers and containers ---------------------------------------------------------------------------------


def test_lines_about_callers():
    """Of all generations, and of no node and no token."""
    old = "E0917 17:00:03.048257 1 authentication.go:65] Unable to authenticate the request due to an error: [x509: "
    lines = [
        old + "certificate signed by unknown authority]",
        'E0917 17:00:03.048257 1 authentication.go:73] "Unable to authenticate the request" err="x509: certificate x"',
        as_json("Unable to authenticate the request", err="[x509: certificate has expired]").strip(),
        as_json("A caller's TLS handshake failed", cause="the caller's certificate was refused: x").strip(),
    ]
    others = [klog("node-1", NO_SAN), '"Unable to authenticate the request" err="invalid bearer token"']
    assert refusals("\n".join([*others, *lines])) == lines


def test_when_counters_went_back():
    """Time is that of the log, across midnight and the end of a month, whichever format it has."""
    said = 'pod.go:74] "Skipping container usage metric" err="unexpected decrease in cumulative CPU usage value"'
    ends = [f'E{day} {at}.000000 1 {said} pod="shop/a"\n' for day, at in (("0430", "23:59:50"), ("0501", "00:00:20"))]
    (seen,) = decreases("".join(ends)).values()
    assert (seen.times, seen.lasting) == (2, 30.0)
    assert seen.said == "unexpected decrease in cumulative CPU usage value"
    back = {"err": "unexpected decrease in startTime of node/container"}
    (of,) = decreases(as_json("x", pod={"namespace": "shop", "name": "a"}, **back))
    assert of == "shop/a"
    assert list(decreases(as_json("Skipping node usage metric", {"name": "node-1"}, **back))) == ["node node-1"]


@pytest.mark.parametrize("pod", ["", "a", "a/b/c", "../x", {"name": "a"}, {"namespace": 1, "name": 2}, 5, None])
def test_pods_that_are_none(pod):
    """A name that no pod has is not repeated."""
    assert decreases(as_json("x", pod=pod, err="unexpected decrease in cumulative CPU usage value")) == {}
