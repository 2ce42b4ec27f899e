"""Gathers what stands around the provider: what an adapter is configured by, and the Dashboard."""

from __future__ import annotations

from kubevitals.doctor.checks.dashboard import DASHBOARD, dashboard_namespace, dashboard_workload
from kubevitals.doctor.evidence import Dashboard, Evidence, Seen, Unseen
from kubevitals.doctor.looker import Looker, tail, together
from kubevitals.doctor.objects import ConfigMap, EndpointSlice, Pod, Service, Workload
from kubevitals.doctor.running import container_at, is_adapter, provider_pod

_MOST_MAPS = 3
_MOST_PODS = 2
_RECENT = ("sinceSeconds", "900")  # a check that fails is logged every 30 s


async def adapter(looker: Looker, evidence: Evidence) -> tuple[Seen[ConfigMap], ...]:
    """Return the ConfigMaps that an adapter to Prometheus mounts; nothing for another provider."""
    pod = provider_pod(evidence)
    if pod is None or not is_adapter(evidence):
        return ()
    mounted = [volume.config_map.name for volume in pod.spec.volumes or () if volume.config_map]
    place = f"/api/v1/namespaces/{pod.metadata.namespace}/configmaps"
    found = await together(**{name: looker.one(f"{place}/{name}", ConfigMap) for name in mounted[:_MOST_MAPS] if name})
    return tuple(found.values())


async def dashboard(looker: Looker, evidence: Evidence) -> Dashboard | None:
    """Return what is seen of the Dashboard; None, and nothing is asked, where nothing seen so far tells of one."""
    namespace = dashboard_namespace(evidence)
    if not namespace:
        return None
    place = f"namespaces/{namespace}"
    found = await together(
        workloads=looker.all(f"/apis/apps/v1/{place}/deployments", Workload),
        services=looker.all(f"/api/v1/{place}/services", Service),
        slices=looker.all(f"/apis/discovery.k8s.io/v1/{place}/endpointslices", EndpointSlice),
    )
    seen = Dashboard(namespace, **found)
    workload = dashboard_workload(seen)
    logs = {} if workload is None else await _logs(looker, f"/api/v1/{place}/pods", workload)
    return Dashboard(namespace, logs=logs, **found)


async def _logs(looker: Looker, pods: str, workload: Workload) -> dict[str, Seen[str]]:
    labels = ",".join(f"{key}={value}" for key, value in (workload.spec.selector.match_labels or {}).items())
    found = await looker.all(pods, Pod, [("labelSelector", labels)]) if labels else []
    if isinstance(found, Unseen):
        return {}
    running = [pod for pod in found if pod.spec.containers and not pod.finished][:_MOST_PODS]
    return await together(**{pod.metadata.name: _log(looker, pods, pod) for pod in running})


async def _log(looker: Looker, pods: str, pod: Pod) -> Seen[str]:
    container = pod.spec.containers[container_at(pod.spec, (DASHBOARD,))].name
    return await looker.text(f"{pods}/{pod.metadata.name}/log", [*tail(), _RECENT, ("container", container)])
