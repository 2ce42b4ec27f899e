"""The server's own metrics: names, labels and buckets that dashboards rely on."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kubevitals.telemetry import CONTENT_TYPE, Telemetry, cycle_buckets

SIX = {
    "metrics_server_manager_tick_duration_seconds",
    "metrics_server_kubelet_request_duration_seconds",
    "metrics_server_kubelet_request_total",
    "metrics_server_kubelet_last_request_time_seconds",
    "metrics_server_api_metric_freshness_seconds",
    "metrics_server_storage_points",
}


@dataclass(frozen=True)
class Asked:
    verb: str
    path: str
    resource_request: bool = False
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


PODS = Asked("list", "/apis/metrics.k8s.io/v1beta1/pods", True, "metrics.k8s.io", "v1beta1", "pods")
NODE = Asked("get", "/apis/metrics.k8s.io/v1/nodes/a", True, "metrics.k8s.io", "v1", "nodes", name="a")
OURS = Asked("list", "", True, "metrics.k8s.io", "v1beta1", "pods", namespace="x")


def busy(resolution: float = 15) -> Telemetry:
    """Give a telemetry in which everything was used once."""
    telemetry = Telemetry(resolution=resolution)
    telemetry.observe_cycle(3)
    telemetry.observe_kubelet_request("a", seconds=0.1, success=True, at=1_763_831_640.9)
    telemetry.count_unsent_kubelet_request()
    telemetry.observe_freshness(7, times=2)
    telemetry.set_points(nodes=3, containers=40)
    telemetry.set_withheld(nodes=1, pods=2)
    telemetry.observe_api_request(PODS, 200, 0.01)
    telemetry.set_in_flight("readOnly", 4)
    telemetry.count_tls_handshake_error()
    telemetry.count_authentication("success")
    telemetry.count_token_review("201")
    telemetry.count_access_review("<error>")
    telemetry.count_rest_request("200", "GET", "10.0.0.1:443")
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
        ("apiserver_tls_handshake_errors_total", 1),
        ('authentication_attempts{result="success"}', 1),
        ('apiserver_delegated_authn_request_total{code="201"}', 1),
        ('apiserver_delegated_authz_request_total{code="<error>"}', 1),
        ('rest_client_requests_total{code="200",method="GET",host="10.0.0.1:443"}', 1),
    ],
)
def test_series_have_upstreams_names_and_labels(series: str, expected: float) -> None:
    """Each observation shows under the name and labels that metrics-server uses."""
    assert value(busy(), series) == expected


def test_the_process_is_described() -> None:
    """CPU, memory and file descriptors of the process are included."""
    telemetry = busy()

    assert (value(telemetry, "process_resident_memory_bytes") or 0) > 1e6
    assert value(telemetry, "process_cpu_seconds_total") is not None
    assert (value(telemetry, "process_open_fds") or 0) > 0


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


API = "apiserver_request_total"


@pytest.mark.parametrize(
    ("asked", "labels"),
    [
        (PODS, "LIST,,metrics.k8s.io,v1beta1,pods,,cluster,apiserver"),
        (OURS, "LIST,,metrics.k8s.io,v1beta1,pods,,namespace,apiserver"),
        (NODE, "GET,,metrics.k8s.io,v1,nodes,,resource,apiserver"),
        (Asked("get", "/livez"), "GET,,,,,/livez,,"),
        (Asked("get", "/apis"), "GET,,,,,apis,,apiserver"),
    ],
)
def test_requests_are_counted_as_upstream_labels_them(asked: Asked, labels: str) -> None:
    """Verb, group, version, resource, subresource, scope and component follow the request."""
    telemetry = Telemetry(resolution=15)

    telemetry.observe_api_request(asked, 200, 0.3)

    names = ("verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component")
    pairs = ",".join(f'{name}="{label}"' for name, label in zip(names, labels.split(","), strict=True))
    assert value(telemetry, f'{API}{{{pairs},code="200"}}') == 1
    assert value(telemetry, f'apiserver_request_duration_seconds_bucket{{{pairs},le="0.2"}}') == 0
    assert value(telemetry, f'apiserver_request_duration_seconds_bucket{{{pairs},le="0.4"}}') == 1


@pytest.mark.parametrize(
    "asked",
    [
        Asked("get", "/metrics"),
        Asked("get", "/livez/ping"),
        Asked("post", "/livez"),
        Asked("list", "", True, "other.group", "v1", "pods"),
        Asked("list", "", True, "metrics.k8s.io", "v2", "pods"),
        Asked("list", "", True, "metrics.k8s.io", "v1", "secrets"),
        Asked("get", "", True, "metrics.k8s.io", "v1", "pods", "status", "x", "y"),
        Asked("brew", "", True, "metrics.k8s.io", "v1", "pods"),
    ],
)
def test_callers_cannot_invent_series(asked: Asked) -> None:
    """A request for what does not exist is not counted under the labels it made up."""
    telemetry = Telemetry(resolution=15)

    telemetry.observe_api_request(asked, 404, 0.1)

    assert API not in telemetry.render().decode()


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
