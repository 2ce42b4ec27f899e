"""A Dashboard without graphs: each case is one change away from one that works."""

from __future__ import annotations

from typing import Any

import pytest
from tests.doctor.clinic import printed, same_as_golden
from tests.doctor.seen import found, healthy, of

from kubevitals.doctor.evidence import NOT_ASKED, Dashboard, Evidence, Unseen
from kubevitals.doctor.objects import EndpointSlice, Service, Workload
from kubevitals.doctor.report import examine

HERE = "kubernetes-dashboard"
SCRAPER = "dashboard-metrics-scraper"
POD = "kubernetes-dashboard-74d4bcb8d7-j7bm8"
ARGS = ("--auto-generate-certificates", "--namespace=kubernetes-dashboard")
FAILED = "2027/01/15 07:59:30 Metric client health check failed: the server is currently unable to handle the request "
FAILED += "(get services dashboard-metrics-scraper). Retrying in 30 seconds.\n"
SKIPPED = "2027/01/15 07:59:40 Internal error occurred: No metric client provided. Skipping metrics.\n"
REACHED = "2027/01/15 07:59:50 Successful request to sidecar\n"
EMPTY = "2027/01/15 07:59:55 received 0 resources from sidecar instead of 2\n"
UNSET = "2027/01/15 07:59:55 Skipping metric because of error: Metric label not set.\n"


def deployment(name: str = HERE, *args: str, replicas: int = 1, **annotations: str) -> Workload:
    """A Deployment of one container."""
    container = {"name": name, "image": "kubernetesui/dashboard:v2.7.0", "args": [*ARGS, *args]}
    marks = {f"meta.helm.sh/{key.replace('_', '-')}": value for key, value in annotations.items()}
    spec = {"replicas": replicas, "template": {"spec": {"containers": [container]}}}
    return of(Workload, {"metadata": {"name": name, "namespace": HERE, "annotations": marks}, "spec": spec})


def service(name: str = SCRAPER) -> Service:
    """The scraper's Service."""
    return of(Service, {"metadata": {"name": name}, "spec": {"ports": [{"port": 8000, "targetPort": 8000}]}})


def endpoints(*, ready: bool = True, name: str = SCRAPER) -> EndpointSlice:
    """Its EndpointSlice."""
    labels = {"kubernetes.io/service-name": name}
    ends = [{"addresses": ["10.244.0.9"], "conditions": {"ready": ready}}]
    return of(EndpointSlice, {"metadata": {"name": f"{name}-x", "labels": labels}, "endpoints": ends})


def shown(*args: str, log: str = REACHED, metrics: Any = None, **changes: Any) -> Evidence:
    """A Dashboard with these arguments and this log."""
    usual = {
        "workloads": [deployment(HERE, *args), deployment(SCRAPER)],
        "services": [service()],
        "slices": [endpoints()],
        "logs": {POD: log},
    }
    seen = Dashboard(HERE, **(usual | changes))
    return healthy(dashboard=seen, **({} if metrics is None else {"pod_metrics": metrics}))


CASES = {
    "D46": lambda: shown(log=FAILED + SKIPPED),
    "D46-none": lambda: shown("--metrics-provider=none"),
    "D46-address": lambda: shown("--sidecar-host=dashboard-metrics-scraper"),
    "D46-asleep": lambda: shown(workloads=[deployment(), deployment(SCRAPER, replicas=0)], slices=[]),
}


@pytest.mark.parametrize("name", CASES)
def test_each_case_is_told(name):
    """What a person reads of it, letter by letter; it is the only finding."""
    evidence = CASES[name]()
    assert list(found(evidence)) == ["D46"]
    assert same_as_golden(name, printed(examine(evidence)))


@pytest.mark.parametrize(
    ("evidence", "summary"),
    [
        (shown(log=REACHED + FAILED), "does not reach its metrics scraper"),
        (shown(log=SKIPPED), "does not reach its metrics scraper"),
        (shown(log=EMPTY), "has no metrics, though the Metrics API has"),
        (shown(log=REACHED + UNSET), "has no metrics, though the Metrics API has"),
        (shown(services=[], slices=[]), "has no metrics scraper"),
        (shown(slices=[endpoints(ready=False)]), "does not run"),
        (shown("--sidecar-host=http://dashboard-metrics-scraper"), "without scheme or port"),
        (shown("--sidecar-host=dashboard-metrics-scraper:8000"), "without scheme or port"),
        (shown("--sidecar-host=http://[bad"), "without scheme or port"),
        (shown("--sidecar-host=http://x:99999999"), "without scheme or port"),
    ],
)
def test_what_keeps_it_from_metrics(evidence, summary):
    """Arguments, the Service, its endpoints, and what the log says, in this order."""
    finding = found(evidence)["D46"]
    assert summary in finding.summary
    assert finding.level == "degraded"
    assert "archived" in finding.remedies[-1].text


def test_the_flag_is_exact():
    """It names the Service as it is called, its namespace and its port."""
    name = "kubernetes-dashboard-metrics-scraper"
    seen = shown(
        workloads=[deployment("kubernetes-dashboard-api")],
        services=[service(name)],
        slices=[endpoints(name=name)],
        log=FAILED,
    )
    command = found(seen)["D46"].remedies[0].command
    assert command.startswith(f"kubectl -n {HERE} patch deployment/kubernetes-dashboard-api --type json -p ")
    assert f'"--sidecar-host=http://{name}.{HERE}:8000"' in command


def test_an_address_that_is_not_reached():
    """A flag that is there already is not set again."""
    host = "--sidecar-host=http://dashboard-metrics-scraper.kubernetes-dashboard:8000"
    first, archived = found(shown(host, log=FAILED))["D46"].remedies
    assert first.command == f"kubectl -n {HERE} get networkpolicies"
    assert archived.command == ""


def test_a_release_of_helm_is_upgraded():
    """A patch would be undone by the next upgrade."""
    workload = deployment(HERE, "--metrics-provider=none", release_name="board")
    command = found(shown(workloads=[workload]))["D46"].remedies[0].command
    assert command.startswith(f"helm -n {HERE} upgrade board ")


@pytest.mark.parametrize(
    "evidence",
    [
        shown(),
        shown(log=""),
        shown(log=FAILED + SKIPPED + REACHED),
        shown(log=EMPTY, metrics=[]),  # then it is the Metrics API that has none
        shown(log=EMPTY + REACHED),
        shown("--sidecar-host=http://dashboard-metrics-scraper.kubernetes-dashboard:8000"),
        shown("--sidecar-host=http://127.0.0.1:8000", services=[], slices=[]),
        shown("--sidecar-host=http://metrics.elsewhere.svc:8000", services=[], slices=[]),
        shown("--metrics-provider=sidecar"),
        shown(workloads=[deployment(HERE, "--metrics-provider=none", replicas=0)]),
        shown(workloads=[deployment("something-else", "--metrics-provider=none")]),
        shown(workloads=Unseen("/apis/apps/v1/x", 403, "forbidden")),
        shown(services=Unseen("/api/v1/x", 403, "forbidden"), slices=NOT_ASKED),
        shown(slices=Unseen("/apis/x", 403, "forbidden")),
        shown(logs={POD: Unseen("/api/v1/x/log", 403, "forbidden")}),
    ],
)
def test_a_dashboard_that_is_fine(evidence):
    """Or one of which too little can be seen, is no finding."""
    assert found(evidence) == {}


def test_what_could_not_be_seen_of_it_is_listed():
    """A log that may not be read is named at the end of the report."""
    path = "/api/v1/namespaces/kubernetes-dashboard/services"
    report = examine(shown(services=Unseen(path, 403, "forbidden")))
    assert path in [seen.path for seen in report.unseen]
