"""What was seen of a cluster, and what could not be. Pure.

Every field that was asked for holds what came, or an ``Unseen`` with the answer that came instead: a 404 is evidence,
too, and so is a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

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

T = TypeVar("T")

GROUP: Final = "metrics.k8s.io"
UNREACHABLE: Final = 0
UNREADABLE: Final = -1


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that could not be looked at.

    Args:
        path: what was asked for.
        code: the HTTP status; UNREACHABLE when there was no answer, UNREADABLE when it made no sense.
        message: what was said instead.
    """

    path: str
    code: int
    message: str

    @property
    def missing(self) -> bool:
        """Whether it is not there, rather than not visible."""
        return self.code == 404

    @property
    def forbidden(self) -> bool:
        """Whether whoever asks may not see it."""
        return self.code in (401, 403)


NOT_ASKED: Final = Unseen("", UNREACHABLE, "not asked")
Seen: TypeAlias = T | Unseen


@dataclass(frozen=True, slots=True)
class Some:
    """How many of a large collection were looked at."""

    looked: int
    of: int


@dataclass(frozen=True, slots=True)
class KubeletView:
    """What one kubelet answered through the API server's node proxy.

    Args:
        metrics: the body of ``/metrics/resource``.
        again: the same a while later, where the first gave reason to ask twice.
        seconds: how long the first took.
        clock: the API server's clock at that time, in seconds since the epoch.
        config: ``kubeletconfig`` of ``/configz``, as JSON spells it.
    """

    metrics: Seen[bytes] = NOT_ASKED
    again: Seen[bytes] = NOT_ASKED
    seconds: float = 0.0
    clock: float = 0.0
    config: Seen[Mapping[str, object]] = NOT_ASKED


@dataclass(frozen=True)
class Dashboard:
    """The Kubernetes Dashboard, which shows what its metrics scraper collects from the Metrics API.

    Args:
        namespace: where it is.
        workloads: the Deployments there.
        services: the Services there, and ``slices`` their EndpointSlices.
        logs: what its pods wrote in the last minutes, by name.
    """

    namespace: str
    workloads: Seen[Sequence[Workload]] = NOT_ASKED
    services: Seen[Sequence[Service]] = NOT_ASKED
    slices: Seen[Sequence[EndpointSlice]] = NOT_ASKED
    logs: Mapping[str, Seen[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Access:
    """The answer to a SubjectAccessReview for the provider's ServiceAccount, or to one for ourselves."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that was seen, at one time.

    Args:
        now: the API server's clock, in seconds since the epoch.
        user: who we are there; empty when it did not say.
        api_services: all of the cluster.
        service: the one that the APIService leads to.
        slices: its EndpointSlices.
        pods: those that its selector selects, finished ones included.
        workloads: the Deployments and ReplicaSets of its namespace.
        events: of its namespace.
        candidates: pods elsewhere that look like a provider of metrics, for when none is registered.
        logs: the last lines of each pod, by name; ``previous``: of its container's last run.
        probe: ``/readyz?verbose`` of the provider through the service proxy, or the pod proxy where no pod is ready.
        status: ``scrapestatus`` of the provider, which only kubevitals has.
        nodes: of the cluster.
        node_metrics, pod_metrics: what the Metrics API answers.
        published: the ConfigMap ``extension-apiserver-authentication``.
        api_servers: the static pods of the API servers, where they are visible.
        rights: answers for the provider's ServiceAccount, by what was asked (see ``reading.rights``).
        own_rights: answers for ourselves, likewise.
        kubelets: what kubelets answered, by node; ``kubelets_looked`` says how many of how many.
        namespaces: of the cluster.
        pod: the one that was asked about.
        autoscalers: the HorizontalPodAutoscalers of the cluster.
        scaled: what the autoscalers scale that miss requests, by namespace and name of the autoscaler.
        requests: CertificateSigningRequests of kubelets for serving certificates, the oldest first.
        adapter: the ConfigMaps that a provider that asks Prometheus is configured by.
        dashboard: the Kubernetes Dashboard, where there is one.
    """

    now: float
    user: str = ""
    api_services: Seen[Sequence[ApiService]] = NOT_ASKED
    service: Seen[Service] = NOT_ASKED
    slices: Seen[Sequence[EndpointSlice]] = NOT_ASKED
    pods: Seen[Sequence[Pod]] = NOT_ASKED
    workloads: Seen[Sequence[Workload]] = NOT_ASKED
    events: Seen[Sequence[Event]] = NOT_ASKED
    candidates: Seen[Sequence[Pod]] = NOT_ASKED
    logs: Mapping[str, Seen[str]] = field(default_factory=dict)
    previous: Mapping[str, Seen[str]] = field(default_factory=dict)
    probe: Seen[str] = NOT_ASKED
    status: Seen[Mapping[str, object]] = NOT_ASKED
    nodes: Seen[Sequence[Node]] = NOT_ASKED
    node_metrics: Seen[Sequence[Metrics]] = NOT_ASKED
    pod_metrics: Seen[Sequence[Metrics]] = NOT_ASKED
    published: Seen[ConfigMap] = NOT_ASKED
    api_servers: Seen[Sequence[Pod]] = NOT_ASKED
    rights: Mapping[str, Seen[Access]] = field(default_factory=dict)
    own_rights: Mapping[str, Seen[Access]] = field(default_factory=dict)
    kubelets: Mapping[str, KubeletView] = field(default_factory=dict)
    kubelets_looked: Some = Some(0, 0)
    namespaces: Seen[Sequence[Namespace]] = NOT_ASKED
    pod: Seen[Pod] = NOT_ASKED
    autoscalers: Seen[Sequence[Autoscaler]] = NOT_ASKED
    scaled: Mapping[str, Seen[Workload]] = field(default_factory=dict)
    requests: Seen[Sequence[SigningRequest]] = NOT_ASKED
    adapter: tuple[Seen[ConfigMap], ...] = ()
    dashboard: Dashboard | None = None

    @property
    def registered(self) -> tuple[ApiService, ...]:
        """The APIServices of the Metrics API, v1beta1 first."""
        found = [item for item in some(self.api_services) if item.spec.group == GROUP]
        return tuple(sorted(found, key=lambda item: item.spec.version != "v1beta1"))

    @property
    def main(self) -> ApiService | None:
        """The APIService that kubectl uses: v1beta1, or the only one there is."""
        return next(iter(self.registered), None)

    @property
    def reference(self) -> ServiceReference | None:
        """Where it leads."""
        return self.main.spec.service if self.main else None


def some(seen: Seen[Sequence[T]]) -> Sequence[T]:
    """Return what was seen, nothing when it could not be."""
    return () if isinstance(seen, Unseen) else seen


def text_of(seen: Seen[str]) -> str:
    """Return a text that was seen, an empty one when it could not be."""
    return "" if isinstance(seen, Unseen) else seen
