"""Requests as the API server counts them."""

from __future__ import annotations

import re

import pytest

from kubevitals.api.request import Attributes
from kubevitals.telemetry import promtext
from kubevitals.telemetry.requests import ApiRequests

GROUP = "metrics.k8s.io"
PODS = Attributes("list", f"/apis/{GROUP}/v1beta1/pods", True, GROUP, "v1beta1", "pods")
OURS = Attributes("list", "", True, GROUP, "v1beta1", "pods", namespace="x")
NODE = Attributes("get", f"/apis/{GROUP}/v1/nodes/a", True, GROUP, "v1", "nodes", name="a")
LABELS = ("verb", "group", "version", "resource", "subresource", "scope", "component")


def text_of(requests: ApiRequests) -> str:
    return "".join(text for metric in requests.collect() for text in promtext.family(metric))


def value(requests: ApiRequests, series: str) -> float | None:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text_of(requests), re.MULTILINE)
    return None if found is None else float(found[1])


def pairs(values: str, *, dry_run: bool = False) -> str:
    given = [f'{name}="{label}"' for name, label in zip(LABELS, values.split(","), strict=True)]
    return ",".join([given[0], 'dry_run=""', *given[1:]] if dry_run else given)


@pytest.mark.parametrize(
    ("asked", "labels"),
    [
        (PODS, f"LIST,{GROUP},v1beta1,pods,,cluster,apiserver"),
        (OURS, f"LIST,{GROUP},v1beta1,pods,,namespace,apiserver"),
        (NODE, f"GET,{GROUP},v1,nodes,,resource,apiserver"),
        (Attributes("watch", "", True, GROUP, "v1", "nodes"), f"WATCH,{GROUP},v1,nodes,,cluster,apiserver"),
        (Attributes("get", "/livez"), "GET,,,,/livez,,"),
        (Attributes("head", "/readyz"), "GET,,,,/readyz,,"),
        (Attributes("post", "/livez"), "POST,,,,/livez,,"),
        (Attributes("brew", "/livez"), "other,,,,/livez,,"),
        (Attributes("get", "/apis"), "GET,,,,apis,,apiserver"),
    ],
)
def test_requests_are_counted_as_upstream_labels_them(asked: Attributes, labels: str) -> None:
    """Verb, group, version, resource, subresource, scope and component follow the request."""
    requests = ApiRequests()

    requests.observe(asked, 200, 0.3, 5000)

    both = pairs(labels, dry_run=True)
    assert value(requests, f'apiserver_request_total{{{both},code="200"}}') == 1
    assert value(requests, f'apiserver_request_duration_seconds_bucket{{{both},le="0.2"}}') == 0
    assert value(requests, f'apiserver_request_duration_seconds_bucket{{{both},le="0.4"}}') == 1
    assert value(requests, f'apiserver_response_sizes_bucket{{{pairs(labels)},le="1000"}}') == 0
    assert value(requests, f'apiserver_response_sizes_bucket{{{pairs(labels)},le="10000"}}') == 1


@pytest.mark.parametrize(
    ("family", "bounds"),
    [
        (
            "apiserver_request_duration_seconds",
            "0.005 0.025 0.05 0.1 0.2 0.4 0.6 0.8 1 1.25 1.5 2 3 4 5 6 8 10 15 20 30 45 60 +Inf",
        ),
        (
            "apiserver_request_sli_duration_seconds",
            "0.05 0.1 0.2 0.4 0.6 0.8 1 1.25 1.5 2 3 4 5 6 8 10 15 20 30 45 60 +Inf",
        ),
        ("apiserver_response_sizes", "1000 10000 100000 1e+06 1e+07 1e+08 1e+09 +Inf"),
    ],
)
def test_buckets_are_upstreams(family: str, bounds: str) -> None:
    """The bounds are the text that Go prints, so that queries for one of them find it."""
    requests = ApiRequests()
    requests.observe(PODS, 200, 0.3, 5000)

    assert " ".join(re.findall(rf'^{family}_bucket{{.*le="(\S+)"}}', text_of(requests), re.MULTILINE)) == bounds


def test_the_service_level_sees_the_same_durations() -> None:
    """Its first bucket holds all that the finer ones of the duration hold."""
    requests = ApiRequests()
    for seconds in (0.001, 0.01, 0.03, 0.05, 0.07):
        requests.observe(NODE, 200, seconds, 100)

    labels = pairs(f"GET,{GROUP},v1,nodes,,resource,apiserver")
    sli = "apiserver_request_sli_duration_seconds"
    assert value(requests, f'{sli}_bucket{{{labels},le="0.05"}}') == 4
    assert value(requests, f'{sli}_bucket{{{labels},le="0.1"}}') == 5
    assert value(requests, f"{sli}_count{{{labels}}}") == 5
    assert value(requests, f"{sli}_sum{{{labels}}}") == pytest.approx(0.161)


INVENTED = [
    Attributes("get", "/metrics"),
    Attributes("get", "/livez/ping"),
    Attributes("post", "/apis"),
    Attributes("list", "", True, "other.group", "v1", "pods"),
    Attributes("list", "", True, GROUP, "v2", "pods"),
    Attributes("list", "", True, GROUP, "v1", "secrets"),
    Attributes("get", "", True, GROUP, "v1", "pods", "status", "x", "y"),
    Attributes("brew", "", True, GROUP, "v1", "pods"),
]


@pytest.mark.parametrize("asked", INVENTED)
def test_callers_cannot_invent_series(asked: Attributes) -> None:
    """A request for what does not exist is not counted under the labels it made up."""
    requests = ApiRequests()

    requests.observe(asked, 404, 0.1, 100)

    assert text_of(requests) == ""


@pytest.mark.parametrize(
    ("asked", "labels"),
    [
        (PODS, f"LIST,{GROUP},v1beta1,pods,,cluster,apiserver"),
        (Attributes("create", "", True, GROUP, "v1", "nodes"), f"POST,{GROUP},v1,nodes,,resource,apiserver"),
        (Attributes("get", "/metrics"), "GET,,,,/metrics,,apiserver"),
        (Attributes("get", "/invented"), "GET,,,,,,apiserver"),
        (Attributes("brew", "/invented"), "other,,,,,,apiserver"),
        (Attributes("list", "", True, "other.group", "v1", "pods", namespace="x"), "LIST,,,,,namespace,apiserver"),
    ],
)
def test_what_was_cut_short_is_counted_apart(asked: Attributes, labels: str) -> None:
    """A request given up after its time counts as a termination only, under labels that are bounded."""
    requests = ApiRequests()

    requests.terminate(asked, 504)

    assert value(requests, f'apiserver_request_terminations_total{{{pairs(labels)},code="504"}}') == 1
    assert "apiserver_request_total" not in text_of(requests)


@pytest.mark.parametrize(
    ("asked", "labels"),
    [(PODS, f"LIST,{GROUP},v1beta1,pods,,cluster,apiserver"), (Attributes("get", "/metrics"), "GET,,,,,,apiserver")],
)
def test_what_was_turned_away_is_a_request_too(asked: Attributes, labels: str) -> None:
    """A 429 counts as a termination and as a request, but is not timed."""
    requests = ApiRequests()

    requests.terminate(asked, 429)

    text = text_of(requests)
    assert 'code="429"' in text.partition("apiserver_request_terminations_total{")[2]
    assert value(requests, f'apiserver_request_total{{{pairs(labels, dry_run=True)},code="429"}}') == 1
    assert "apiserver_request_duration_seconds" not in text
