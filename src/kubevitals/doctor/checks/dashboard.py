"""Does the Kubernetes Dashboard get what its graphs are drawn from? Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from kubevitals.doctor.evidence import Dashboard, Evidence, Unseen, some, text_of
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.objects import Service, Workload
from kubevitals.doctor.running import container_at, flag_of, patched
from kubevitals.doctor.words import shortened

DASHBOARD: Final = "kubernetes-dashboard"
_SCRAPER: Final = "dashboard-metrics-scraper"
_PORT: Final = 8000
_FAILED: Final = re.compile(r"Metric client health check failed")
_UNCONNECTED: Final = re.compile(r"No metric client provided")
_CONNECTED: Final = "Successful request to sidecar"
_EMPTY: Final = re.compile(r"Metric label not set|received 0 resources from sidecar")
_ARCHIVED: Final = Remedy(
    "The Dashboard has been archived since January 2026; Headlamp, which is suggested in its place, reads the Metrics "
    "API itself."
)


def dashboard_namespace(evidence: Evidence) -> str:
    """Return where a Dashboard is: in the namespace of its name, or with the provider."""
    if any(item.metadata.name == DASHBOARD for item in some(evidence.namespaces)):
        return DASHBOARD
    here = (item.metadata.namespace for item in some(evidence.workloads) if item.metadata.name == DASHBOARD)
    return next(here, "")


def dashboard_workload(seen: Dashboard) -> Workload | None:
    """Return the Deployment whose pods ask the metrics scraper: of version 7 and later that of the API."""
    named = {item.metadata.name: item for item in some(seen.workloads)}
    return named.get(f"{DASHBOARD}-api") or named.get(DASHBOARD)


def no_graphs(evidence: Evidence) -> Iterator[Finding]:
    """D46: the Dashboard does not get metrics from its scraper."""
    seen = evidence.dashboard
    workload = dashboard_workload(seen) if seen is not None else None
    if seen is None or workload is None or workload.spec.replicas == 0:
        return
    rows = (_switched_off, _wrong_address, _no_scraper, _not_connected, _nothing_received)
    for row in rows:
        found = list(row(evidence, seen, workload))
        if found:
            yield from found[:1]
            return


def _switched_off(evidence: Evidence, seen: Dashboard, workload: Workload) -> Iterator[Finding]:
    if _flag(workload, "--metrics-provider") == "none":
        release = workload.metadata.annotations.get("meta.helm.sh/release-name", "")
        chart = Remedy(
            "With its chart before version 7, let that install the scraper, too.",
            f"helm -n {seen.namespace} upgrade {release} {DASHBOARD}/{DASHBOARD} --reuse-values "
            "--set metricsScraper.enabled=true",
        )
        flags = ["--metrics-provider=sidecar", _host_flag(seen)]
        yield _finding(
            f"The Dashboard in {seen.namespace} is told to show no metrics.",
            [f"deployment {seen.namespace}/{workload.metadata.name}: --metrics-provider=none"],
            [*([chart] if release else []), Remedy("Let it ask its scraper.", _patched(seen, workload, *flags))],
        )


def _wrong_address(evidence: Evidence, seen: Dashboard, workload: Workload) -> Iterator[Finding]:
    host = _flag(workload, "--sidecar-host")
    if host and not _complete(host):
        yield _finding(
            f"The Dashboard in {seen.namespace} has an address of its scraper without scheme or port.",
            [f"deployment {seen.namespace}/{workload.metadata.name}: --sidecar-host={shortened(host)}"],
            [Remedy("Give both.", _patched(seen, workload, _host_flag(seen)))],
        )


def _no_scraper(evidence: Evidence, seen: Dashboard, workload: Workload) -> Iterator[Finding]:
    host = urlsplit(_flag(workload, "--sidecar-host")).hostname or ""
    found = _scraper(seen)
    name = found.metadata.name if found else _SCRAPER
    if isinstance(seen.services, Unseen) or (host and host.partition(".")[0] != name):
        return
    where = f"kubectl -n {seen.namespace}"
    if found is None:
        yield _finding(
            f"The Dashboard in {seen.namespace} has no metrics scraper: there is no Service {_SCRAPER}.",
            [f"{where} get services: none is called {_SCRAPER}"],
            [Remedy("Apply the Dashboard's manifest again, which has the scraper, too, or let its chart install it.")],
        )
    elif not isinstance(seen.slices, Unseen) and not _has_ready(seen, name):
        asleep = [item for item in some(seen.workloads) if item.metadata.name == name and item.spec.replicas == 0]
        start = Remedy("Start it.", f"{where} scale deployment/{name} --replicas=1")
        look = Remedy("Look why its pod is not ready.", f"{where} describe pods\n{where} logs deployment/{name}")
        yield _finding(
            f"The metrics scraper of the Dashboard in {seen.namespace} does not run: Service {name} has no endpoint.",
            [f"{where} get endpointslices -l kubernetes.io/service-name={name}: no endpoint is ready"],
            [start if asleep else look],
        )


def _not_connected(evidence: Evidence, seen: Dashboard, workload: Workload) -> Iterator[Finding]:
    line = _logged(seen, _FAILED) or _logged(seen, _UNCONNECTED)
    if line:
        where = f"{seen.namespace}/services/{_name(seen)}"
        directly = Remedy(
            "Let it ask the scraper itself, rather than through the API server's service proxy.",
            _patched(seen, workload, _host_flag(seen)),
        )
        proxied = Remedy(
            "Or let the API server reach that Service, and give the Dashboard the right to get services/proxy.",
            f"kubectl get --raw /api/v1/namespaces/{where}/proxy/healthz",
        )
        network = Remedy(
            "Let its pod reach the address that it was given: DNS, and network policies.",
            f"kubectl -n {seen.namespace} get networkpolicies",
        )
        remedies = [network] if _flag(workload, "--sidecar-host") else [directly, proxied]
        yield _finding(f"The Dashboard in {seen.namespace} does not reach its metrics scraper.", [line], remedies)


def _nothing_received(evidence: Evidence, seen: Dashboard, workload: Workload) -> Iterator[Finding]:
    line = _logged(seen, _EMPTY)
    if line and some(evidence.pod_metrics):  # else the scraper has nothing to tell
        where, name = f"kubectl -n {seen.namespace}", _name(seen)
        yield _finding(
            f"The metrics scraper of the Dashboard in {seen.namespace} has no metrics, though the Metrics API has.",
            [line],
            [
                Remedy(
                    "See whether it may list pods and nodes of metrics.k8s.io, and start it anew: graphs come some "
                    "minutes later.",
                    f"{where} logs deployment/{name} --tail=20\n{where} rollout restart deployment/{name}",
                )
            ],
        )


def _finding(summary: str, lines: Sequence[str], remedies: Sequence[Remedy]) -> Finding:
    return Finding(summary, tuple(lines), (*remedies, _ARCHIVED), "degraded")


# --- what was seen ------------------------------------------------------------------------------------------


def _flag(workload: Workload, name: str) -> str:
    spec = workload.spec.template.spec
    return flag_of(spec.containers[container_at(spec, (DASHBOARD,))], name) if spec.containers else ""


def _complete(host: str) -> bool:
    try:
        parts = urlsplit(host)
        return parts.scheme in ("http", "https") and parts.port is not None
    except ValueError:
        return False


def _scraper(seen: Dashboard) -> Service | None:
    return next((item for item in some(seen.services) if item.metadata.name.endswith(_SCRAPER)), None)


def _name(seen: Dashboard) -> str:
    found = _scraper(seen)
    return found.metadata.name if found else _SCRAPER


def _has_ready(seen: Dashboard, name: str) -> bool:
    own = [item for item in some(seen.slices) if item.metadata.labels.get("kubernetes.io/service-name") == name]
    return any(end.conditions.ready is not False for item in own for end in item.endpoints or ())


def _logged(seen: Dashboard, pattern: re.Pattern[str]) -> str:
    """Return the newest line that matches, unless the scraper answered after it."""
    for pod, log in seen.logs.items():
        for line in reversed(text_of(log).splitlines()):
            if _CONNECTED in line:
                break
            if pattern.search(line):
                return f"log of {pod}: {shortened(line)}"
    return ""


# --- what helps ---------------------------------------------------------------------------------------------


def _host_flag(seen: Dashboard) -> str:
    found = _scraper(seen)
    port = next((item.port for item in (found.spec.ports if found else ()) or ()), _PORT)
    return f"--sidecar-host=http://{_name(seen)}.{seen.namespace}:{port}"


def _patched(seen: Dashboard, workload: Workload, *flags: str) -> str:
    spec = workload.spec.template.spec
    where = f"kubectl -n {seen.namespace} patch deployment/{workload.metadata.name}"
    return patched(where, spec, container_at(spec, (DASHBOARD,)), *flags)
