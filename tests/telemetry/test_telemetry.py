"""The server's own metrics: names, labels and buckets that dashboards rely on."""

from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kubevitals.api.request import Attributes
from kubevitals.telemetry import CONTENT_TYPE, Telemetry, cycle_buckets

SIX = {
    "metrics_server_manager_tick_duration_seconds",
    "metrics_server_kubelet_request_duration_seconds",
    "metrics_server_kubelet_request_total",
    "metrics_server_kubelet_last_request_time_seconds",
    "metrics_server_api_metric_freshness_seconds",
    "metrics_server_storage_points",
}

HISTOGRAMS = (
    "metrics_server_manager_tick_duration_seconds",
    "metrics_server_kubelet_request_duration_seconds",
    "metrics_server_api_metric_freshness_seconds",
    "apiserver_request_duration_seconds",
    "apiserver_request_sli_duration_seconds",
    "apiserver_response_sizes",
    "apiserver_request_filter_duration_seconds",
    "apiserver_client_certificate_expiration_seconds",
    "apiserver_delegated_authn_request_duration_seconds",
    "apiserver_delegated_authz_request_duration_seconds",
    "authentication_duration_seconds",
    "authentication_token_cache_request_duration_seconds",
    "authorization_duration_seconds",
    "rest_client_request_duration_seconds",
)
COUNTERS = (
    "metrics_server_kubelet_request_total",
    "apiserver_request_total",
    "apiserver_request_terminations_total",
    "apiserver_tls_handshake_errors_total",
    "apiserver_delegated_authn_request_total",
    "apiserver_delegated_authz_request_total",
    "authenticated_user_requests",
    "authentication_attempts",
    "authentication_token_cache_request_total",
    "authentication_token_cache_fetch_total",
    "authorization_attempts_total",
    "rest_client_requests_total",
    "process_cpu_seconds_total",
    "process_network_receive_bytes_total",
    "process_network_transmit_bytes_total",
)
GAUGES = (
    "metrics_server_kubelet_last_request_time_seconds",
    "metrics_server_storage_points",
    "apiserver_current_inflight_requests",
    "authentication_token_cache_active_fetch_count",
    "process_open_fds",
    "process_max_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
    "process_virtual_memory_max_bytes",
    "kubevitals_withheld_objects",  # ours
)
FAMILIES = {
    **dict.fromkeys(HISTOGRAMS, "histogram"),
    **dict.fromkeys(COUNTERS, "counter"),
    **dict.fromkeys(GAUGES, "gauge"),
}
NODE = Attributes("get", "/apis/metrics.k8s.io/v1/nodes/a", True, "metrics.k8s.io", "v1", "nodes", name="a")


def busy(resolution: float = 15) -> Telemetry:
    """Give a telemetry in which everything was used once."""
    telemetry = Telemetry(resolution=resolution)
    telemetry.observe_cycle(3)
    telemetry.observe_kubelet_request("a", seconds=0.1, success=True, at=1_763_831_640.9)
    telemetry.count_unsent_kubelet_request()
    telemetry.observe_freshness(7, times=2)
    telemetry.set_points(nodes=3, containers=40)
    telemetry.set_withheld(nodes=1, pods=2)
    telemetry.requests.observe(NODE, 200, 0.01, 500)
    telemetry.requests.terminate(NODE, 504)
    telemetry.set_in_flight({"readOnly": 4, "mutating": 0})
    telemetry.count_tls_handshake_error()
    telemetry.callers.authenticated("success", 0.001, "jane")
    telemetry.callers.authorized("allowed", 0.001)
    telemetry.callers.certificate_seen(5000)
    telemetry.callers.token_review("201", 0.3)
    telemetry.callers.access_review("<error>", 10)
    telemetry.token_cache.waiting(1)
    telemetry.token_cache.asking()
    telemetry.token_cache.asked(ok=True)
    telemetry.token_cache.looked_up(hit=False, seconds=0.3)
    telemetry.count_rest_request("200", "GET", "10.0.0.1:443")
    telemetry.observe_rest_request("GET", "10.0.0.1:443", 0.02)
    return telemetry


def value(telemetry: Telemetry, series: str) -> float | None:
    """Return the value of a series as printed, None when there is no such line."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", telemetry.render().decode(), re.MULTILINE)
    return None if found is None else float(found[1])


def test_exactly_six_names_begin_with_metrics_server() -> None:
    """No other family begins with the prefix, not even by a _created series."""
    names = set(re.findall(r"^# TYPE (metrics_server_\S+)", busy().render().decode(), re.MULTILINE))

    assert names == SIX


def test_the_text_is_well_formed() -> None:
    """Prometheus' own parser reads every family, and each has help."""
    families = list(text_string_to_metric_families(busy().render().decode()))

    assert len(families) > len(SIX)
    assert [family.name for family in families if not family.documentation] == []


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ("metrics_server_manager_tick_duration_seconds_count", 1),
        ('metrics_server_kubelet_request_duration_seconds_count{node="a"}', 1),
        ('metrics_server_kubelet_request_total{success="true"}', 1),
        ('metrics_server_kubelet_request_total{success="false"}', 1),
        ('metrics_server_kubelet_last_request_time_seconds{node="a"}', 1_763_831_640),
        ("metrics_server_api_metric_freshness_seconds_count", 2),
        ("metrics_server_api_metric_freshness_seconds_sum", 14),
        ('metrics_server_storage_points{type="node"}', 3),
        ('metrics_server_storage_points{type="container"}', 40),
        ('kubevitals_withheld_objects{kind="pod"}', 2),
        ('apiserver_current_inflight_requests{request_kind="readOnly"}', 4),
        ('apiserver_current_inflight_requests{request_kind="mutating"}', 0),
        ("apiserver_tls_handshake_errors_total", 1),
        ('rest_client_requests_total{code="200",method="GET",host="10.0.0.1:443"}', 1),
        ('rest_client_request_duration_seconds_bucket{verb="GET",host="10.0.0.1:443",le="0.005"}', 0),
        ('rest_client_request_duration_seconds_bucket{verb="GET",host="10.0.0.1:443",le="0.025"}', 1),
    ],
)
def test_series_have_upstreams_names_and_labels(series: str, expected: float) -> None:
    """Each observation shows under the name and labels that metrics-server uses."""
    assert value(busy(), series) == expected


def test_every_family_is_one_of_upstreams_or_says_whose_it_is() -> None:
    """The families, with their types, are those that metrics-server has under these names."""
    text = busy().render().decode()

    found = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))

    assert found == FAMILIES


def test_stability_is_told_as_upstream_tells_it() -> None:
    """The help of what is not of the process begins with its stability level; four are stable."""
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", busy().render().decode(), re.MULTILINE))

    stable = {name for name, text in helps.items() if text.startswith("[STABLE] ")}
    none = {name for name, text in helps.items() if not text.startswith("[")}

    assert stable == {
        "apiserver_request_total",
        "apiserver_request_duration_seconds",
        "apiserver_response_sizes",
        "apiserver_current_inflight_requests",
    }
    assert {name.partition("_")[0] for name in none} == {"process", "kubevitals"}


def test_the_process_is_described() -> None:
    """CPU, memory, file descriptors and traffic of the process are included, and when it began."""
    telemetry = busy()

    assert (value(telemetry, "process_resident_memory_bytes") or 0) > 1e6
    assert value(telemetry, "process_cpu_seconds_total") is not None
    assert (value(telemetry, "process_open_fds") or 0) > 0
    assert value(telemetry, "process_start_time_seconds") == telemetry.process_start


@pytest.mark.parametrize(
    ("resolution", "tail"),
    [
        (15, (10.0, 12.5, 15, 22.5, 30)),
        (60, (10.0, 35, 60, 90, 120)),
        (10, (5.0, 10.0)),
        (1, (5.0, 10.0)),
    ],
)
def test_cycle_buckets_are_fine_around_the_resolution(resolution: float, tail: tuple[float, ...]) -> None:
    """Above 10 s the bounds go on midway to, at, and beyond the resolution."""
    assert cycle_buckets(resolution)[-len(tail) :] == tail


def test_bounds_are_printed_without_needless_decimals() -> None:
    """The bounds of the buckets are the text that Go prints."""
    bounds = re.findall(
        r'^metrics_server_(?:manager_tick_duration|api_metric_freshness)_seconds_bucket\{le="(\S+)"\}',
        busy().render().decode(),
        re.MULTILINE,
    )

    assert " ".join(bounds[:16]) == "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 12.5 15 22.5 30 +Inf"
    assert bounds[16:20] == ["1", "1.364", "1.8604960000000004", "2.5377165440000007"]
    assert bounds[-2:] == ["364.31163045936864", "+Inf"]
    assert len(bounds) == 16 + 21


def test_a_forgotten_node_has_no_series() -> None:
    """The series of a node that is gone disappear, the totals stay."""
    telemetry = busy()

    telemetry.forget_node("a")

    assert 'node="a"' not in telemetry.render().decode()
    assert value(telemetry, 'metrics_server_kubelet_request_total{success="true"}') == 1


def test_two_servers_in_one_process_do_not_share_numbers() -> None:
    """Each telemetry has a registry of its own."""
    busy()

    assert value(Telemetry(resolution=15), "metrics_server_manager_tick_duration_seconds_count") == 0


def test_pieces_make_up_the_whole() -> None:
    """The pieces together have the same families as the text in one."""
    telemetry = busy()

    pieces = list(telemetry.chunks())

    assert len(pieces) > 5
    assert re.findall(rb"# TYPE \S+", b"".join(pieces)) == re.findall(rb"# TYPE \S+", telemetry.render())


def test_the_content_type_is_that_of_the_text_format() -> None:
    """Prometheus is told the version it expects."""
    assert CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
