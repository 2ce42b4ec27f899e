"""Gathers the evidence: what leads to the next question first, all that is independent at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from kubevitals.doctor import rights
from kubevitals.doctor.evidence import Evidence, KubeletView, Seen, Some, Unseen, some
from kubevitals.doctor.looker import Looker, tail, together
from kubevitals.doctor.neighbours import adapter, dashboard
from kubevitals.doctor.objects import (
    ApiService,
    Autoscaler,
    ConfigMap,
    EndpointSlice,
    Event,
    Metrics,
    Namespace,
    Node,
    Pod,
    Service,
    ServiceReference,
    SigningRequest,
    Workload,
)
from kubevitals.doctor.scaled import scaled
from kubevitals.doctor.scope import WHOLE, Scope

T = TypeVar("T")
Progress = Callable[[str], None]

_METRICS = "/apis/metrics.k8s.io/v1beta1"
_SYSTEM = "/api/v1/namespaces/kube-system"
_VERBOSE = (("verbose", ""),)
_NO_ENDPOINTS = "no endpoints available"  # what the service proxy says when no pod is ready
_NO_LOG = 400  # what is said of a container that has not run, or not before
_MISSING_MOST = 20  # nodes without metrics whose kubelets are asked
_SAMPLE = 5  # nodes with metrics whose kubelets are asked
_LABEL = "k8s-app=metrics-server"
_REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_AUTOSCALING = ("v2", "v2beta2")  # v2 came with Kubernetes 1.23
_DISCOVERY = ("v1", "v1beta1")  # v1 came with Kubernetes 1.21
_OF_KUBELETS = (("fieldSelector", "spec.signerName=kubernetes.io/kubelet-serving"),)


async def gather(looker: Looker, scope: Scope, now: float, progress: Progress) -> Evidence:
    """Return what is to be seen of a cluster.

    Args:
        looker: asks.
        scope: the subject.
        now: the API server's clock.
        progress: told what is being looked at.
    """
    progress("the registration of the Metrics API")
    evidence = await _cluster(looker, Evidence(now=now))
    evidence = replace(evidence, scaled=await scaled(looker, some(evidence.autoscalers)))
    reference = evidence.reference
    if reference is not None:
        progress(f"Service {reference.namespace}/{reference.name} and its pods")
        evidence = await _service(looker, evidence, reference)
        progress("the provider's log, answers and rights")
        evidence = await _provider(looker, evidence, reference)
        evidence = replace(evidence, adapter=await adapter(looker, evidence))
    if scope == WHOLE:
        evidence = replace(evidence, dashboard=await dashboard(looker, evidence))
    if scope.pod:
        namespace, name = scope.pod
        evidence = replace(evidence, pod=await looker.one(f"/api/v1/namespaces/{namespace}/pods/{name}", Pod))
    chosen = kubelets_to_ask(evidence, scope)
    if chosen:
        progress(f"{len(chosen)} kubelets, through the API server")
    return await _kubelets(looker, evidence, chosen)


async def _cluster(looker: Looker, evidence: Evidence) -> Evidence:
    found = await together(
        api_services=looker.all("/apis/apiregistration.k8s.io/v1/apiservices", ApiService),
        nodes=looker.all("/api/v1/nodes", Node),
        node_metrics=looker.all(f"{_METRICS}/nodes", Metrics),
        pod_metrics=looker.all(f"{_METRICS}/pods", Metrics),
        published=looker.one(f"{_SYSTEM}/configmaps/extension-apiserver-authentication", ConfigMap),
        api_servers=looker.all(f"{_SYSTEM}/pods", Pod, [("labelSelector", "component=kube-apiserver")]),
        candidates=looker.all("/api/v1/pods", Pod, [("labelSelector", _LABEL)]),
        namespaces=looker.all("/api/v1/namespaces", Namespace),
        own_rights=_own_rights(looker),
        autoscalers=looker.newest("autoscaling", _AUTOSCALING, "horizontalpodautoscalers", Autoscaler),
        requests=_requests(looker),
    )
    return replace(evidence, **found)


async def _requests(looker: Looker) -> Seen[Sequence[SigningRequest]]:
    found = await looker.all(_REQUESTS, SigningRequest, _OF_KUBELETS)
    if isinstance(found, Unseen):
        return found
    return sorted(found, key=lambda item: item.metadata.creation_timestamp or "")


async def _service(looker: Looker, evidence: Evidence, reference: ServiceReference) -> Evidence:
    place = f"namespaces/{reference.namespace}"
    service = await looker.one(f"/api/v1/{place}/services/{reference.name}", Service)
    selector = {} if isinstance(service, Unseen) else service.spec.selector or {}
    labels = ",".join(f"{key}={value}" for key, value in selector.items())
    slices = [("labelSelector", f"kubernetes.io/service-name={reference.name}")]
    found = await together(
        slices=looker.newest("discovery.k8s.io", _DISCOVERY, f"{place}/endpointslices", EndpointSlice, slices),
        pods=looker.all(f"/api/v1/{place}/pods", Pod, [("labelSelector", labels or _LABEL)]),
        workloads=_workloads(looker, place),
        events=looker.all(f"/api/v1/{place}/events", Event),
    )
    return replace(evidence, service=service, **found)


async def _workloads(looker: Looker, place: str) -> Seen[Sequence[Workload]]:
    found = await together(
        deployments=looker.all(f"/apis/apps/v1/{place}/deployments", Workload),
        replica_sets=looker.all(f"/apis/apps/v1/{place}/replicasets", Workload),
    )
    deployments: Seen[Sequence[Workload]] = found["deployments"]
    return deployments if isinstance(deployments, Unseen) else [*deployments, *some(found["replica_sets"])]


async def _provider(looker: Looker, evidence: Evidence, reference: ServiceReference) -> Evidence:
    pods = [pod for pod in some(evidence.pods) if not pod.finished][:3]
    place = f"/api/v1/namespaces/{reference.namespace}"
    much = tail(len(some(evidence.nodes)))
    restarted = [pod for pod in pods if any(found.restart_count for found in pod.status.container_statuses or ())]
    found = await together(
        logs=_logs(looker, place, pods, much),
        previous=_logs(looker, place, restarted, [*much, ("previous", "true")]),
        probe=_probe(looker, evidence, reference, pods),
        status=looker.one(f"{_METRICS}/scrapestatus", dict[str, Any]),
        rights=_rights(looker, reference.namespace, pods),
    )
    return replace(evidence, **found)


async def _probe(looker: Looker, evidence: Evidence, reference: ServiceReference, pods: Sequence[Pod]) -> Seen[str]:
    """Return what the provider says of its readiness; a pod that is not ready is asked past its Service."""
    place = f"/api/v1/namespaces/{reference.namespace}"
    name = f"https:{reference.name}:{_port_name(evidence, reference)}"
    found = await looker.text(f"{place}/services/{name}/proxy/readyz", _VERBOSE)
    if not pods or not isinstance(found, Unseen) or _NO_ENDPOINTS not in found.message:
        return found
    return await looker.text(f"{place}/pods/https:{pods[0].metadata.name}:/proxy/readyz", _VERBOSE)


def _port_name(evidence: Evidence, reference: ServiceReference) -> str:
    ports = () if isinstance(evidence.service, Unseen) else evidence.service.spec.ports or ()
    return next((port.name for port in ports if port.port == reference.port and port.name), str(reference.port))


async def _logs(
    looker: Looker, place: str, pods: Sequence[Pod], params: Sequence[tuple[str, str]]
) -> Mapping[str, Seen[str]]:
    paths = {pod.metadata.name: f"{place}/pods/{pod.metadata.name}/log" for pod in pods}
    found = await together(**{name: looker.text(path, params) for name, path in paths.items()})
    return {name: "" if isinstance(seen, Unseen) and seen.code == _NO_LOG else seen for name, seen in found.items()}


async def _rights(looker: Looker, namespace: str, pods: Sequence[Pod]) -> Mapping[str, Seen[Any]]:
    account = next((pod.spec.service_account_name for pod in pods if pod.spec.service_account_name), "")
    if not account:
        return {}
    user, groups = rights.service_account(namespace, account)
    return await together(**{words: looker.may(user, groups, asked) for words, asked in rights.NEEDED.items()})


async def _own_rights(looker: Looker) -> Mapping[str, Seen[Any]]:
    wanted = rights.OWN | rights.own_in(looker.namespace)
    return await together(**{words: looker.may_we(asked) for words, asked in wanted.items()})


# --- kubelets -----------------------------------------------------------------------------------------------


def kubelets_to_ask(evidence: Evidence, scope: Scope) -> list[str]:
    """Return the nodes whose kubelets are looked at: the subject's, or those without metrics and some with."""
    names = [node.metadata.name for node in some(evidence.nodes)]
    if scope.pod:
        node = "" if isinstance(evidence.pod, Unseen) else evidence.pod.spec.node_name
        return [node] if node else []
    if scope.node:
        return [scope.node] if scope.node in names or isinstance(evidence.nodes, Unseen) else []
    measured = {found.metadata.name for found in some(evidence.node_metrics)}
    missing = [name for name in names if name not in measured][:_MISSING_MOST]
    return missing + [name for name in names if name in measured][:_SAMPLE]


async def _kubelets(looker: Looker, evidence: Evidence, names: Sequence[str]) -> Evidence:
    views = await together(**{name: _kubelet(looker, name, evidence.now) for name in names})
    return replace(evidence, kubelets=views, kubelets_looked=Some(len(views), len(some(evidence.nodes))))


async def _kubelet(looker: Looker, name: str, now: float) -> KubeletView:
    place = f"/api/v1/nodes/{name}/proxy"
    clock = asyncio.get_running_loop().time
    began = clock()
    metrics = await looker.body(f"{place}/metrics/resource")
    seconds = clock() - began
    config = await looker.body(f"{place}/configz")
    return KubeletView(metrics=metrics, seconds=seconds, clock=now, config=_config(config))


def _config(seen: Seen[bytes]) -> Seen[Mapping[str, object]]:
    if isinstance(seen, Unseen):
        return seen
    try:
        return msgspec.json.decode(seen, type=dict[str, dict[str, Any]]).get("kubeletconfig", {})
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Unseen("configz", -1, f"the answer makes no sense: {error}")
