"""The server's own metrics, under the names that dashboards and alerts for metrics-server already use.

Exactly six names begin with ``metrics_server_``. Durations and moments (since the epoch) are in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client import Histogram as LabelledHistogram

from kubevitals.telemetry import promtext
from kubevitals.telemetry.histograms import DEFAULT_BUCKETS, Histogram, KubeletRequests

CONTENT_TYPE = promtext.CONTENT_TYPE

_FRESHNESS_BUCKETS = tuple(accumulate([1.364] * 19, lambda bound, factor: bound * factor, initial=1.0))
_API_BUCKETS = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5,
    2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
)  # fmt: skip
_API_LABELS = ("verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component")
_HEALTH_ROOTS = frozenset({"/healthz", "/livez", "/readyz"})


class Asked(Protocol):
    """What ``observe_api_request`` needs to know of a request: its attributes as authorization sees them."""

    @property
    def verb(self) -> str:
        """Lower-case verb, such as ``list``."""
        ...

    @property
    def path(self) -> str:
        """Percent-decoded path."""
        ...

    @property
    def resource_request(self) -> bool:
        """True under ``/apis/<group>/<version>``."""
        ...

    @property
    def group(self) -> str:
        """API group."""
        ...

    @property
    def version(self) -> str:
        """API version."""
        ...

    @property
    def resource(self) -> str:
        """Plural resource."""
        ...

    @property
    def subresource(self) -> str:
        """Subresource, or empty."""
        ...

    @property
    def namespace(self) -> str:
        """Namespace, or empty."""
        ...

    @property
    def name(self) -> str:
        """Object's name, or empty."""
        ...


class Telemetry:
    """Every metric of one server, in a registry of its own.

    Args:
        resolution: seconds between cycles; the buckets of the cycle's duration depend on it.
    """

    def __init__(self, *, resolution: float) -> None:
        self.registry = CollectorRegistry()
        self._nodes = KubeletRequests()
        self._make_ours(resolution)
        self._make_api()
        self._make_delegation()
        ProcessCollector(registry=self.registry)

    def _make_ours(self, resolution: float) -> None:
        self._cycles = Histogram(
            "metrics_server_manager_tick_duration_seconds",
            "[ALPHA] The total time spent collecting and storing metrics in seconds.",
            cycle_buckets(resolution),
        )
        self._freshness = Histogram(
            "metrics_server_api_metric_freshness_seconds",
            "[ALPHA] Freshness of metrics exported",
            _FRESHNESS_BUCKETS,
        )
        self.registry.register(self._cycles)
        self.registry.register(self._freshness)
        self._kubelet_requests = Counter(
            "metrics_server_kubelet_request_total",
            "[ALPHA] Number of requests sent to Kubelet API",
            ("success",),
            registry=self.registry,
        )
        self._points = Gauge(
            "metrics_server_storage_points",
            "[ALPHA] Number of metrics points stored.",
            ("type",),
            registry=self.registry,
        )
        self._withheld = Gauge(
            "kubevitals_withheld_objects",
            "Nodes or pods that exist but have no usage to serve.",
            ("kind",),
            registry=self.registry,
        )

    def _make_api(self) -> None:
        self._api_requests = Counter(
            "apiserver_request_total",
            "[STABLE] Requests answered, by what was asked and the HTTP status code.",
            (*_API_LABELS, "code"),
            registry=self.registry,
        )
        self._api_seconds = LabelledHistogram(
            "apiserver_request_duration_seconds",
            "[STABLE] Seconds from the request's arrival to the answer, by what was asked.",
            _API_LABELS,
            buckets=_API_BUCKETS,
            registry=self.registry,
        )
        self._in_flight = Gauge(
            "apiserver_current_inflight_requests",
            "[STABLE] Most requests that were in progress at once within the last second.",
            ("request_kind",),
            registry=self.registry,
        )
        self._handshake_errors = Counter(
            "apiserver_tls_handshake_errors_total",
            "[ALPHA] TLS handshakes of callers that failed.",
            registry=self.registry,
        )

    def _make_delegation(self) -> None:
        self._token_reviews = Counter(
            "apiserver_delegated_authn_request_total",
            "[ALPHA] TokenReviews sent to the API server, by HTTP status code.",
            ("code",),
            registry=self.registry,
        )
        self._access_reviews = Counter(
            "apiserver_delegated_authz_request_total",
            "[ALPHA] SubjectAccessReviews sent to the API server, by HTTP status code.",
            ("code",),
            registry=self.registry,
        )
        self._authentications = _BareCounter(
            "authentication_attempts",
            "[ALPHA] Requests authenticated, by result.",
            ("result",),
            registry=self.registry,
        )
        self._rest_requests = Counter(
            "rest_client_requests_total",
            "[ALPHA] Requests sent to the API server, by HTTP status code, method and host.",
            ("code", "method", "host"),
            registry=self.registry,
        )

    # --- scraping and storing ---

    def observe_cycle(self, seconds: float) -> None:
        """Record the duration of one whole cycle of scrapes."""
        self._cycles.buckets.observe(seconds)

    def observe_kubelet_request(self, node: str, *, seconds: float, success: bool, at: float) -> None:
        """Record one scrape of a node, successful or not, and the moment it began."""
        self._nodes.observe(node, seconds, at)
        self._count_kubelet_request(success)

    def count_unsent_kubelet_request(self) -> None:
        """Count a scrape that failed before a request was sent, as for a node without a usable address."""
        self._count_kubelet_request(False)

    def _count_kubelet_request(self, success: bool) -> None:
        self._kubelet_requests.labels("true" if success else "false").inc()

    def set_points(self, *, nodes: int, containers: int) -> None:
        """Record how many nodes and containers have two points, and so a rate."""
        self._points.labels("node").set(nodes)
        self._points.labels("container").set(containers)

    def set_withheld(self, *, nodes: int, pods: int) -> None:
        """Record how many nodes and pods exist without usage to serve."""
        self._withheld.labels("node").set(nodes)
        self._withheld.labels("pod").set(pods)

    def forget_node(self, node: str) -> None:
        """Remove the series of a node that is gone."""
        self._nodes.forget(node)

    # --- answering ---

    def observe_freshness(self, seconds: float, times: int = 1) -> None:
        """Record the age of what a returned object measured; ``times`` objects of one age at once."""
        self._freshness.buckets.observe(seconds, times)

    def observe_api_request(self, asked: Asked, code: int, seconds: float) -> None:
        """Record an answered request; only routes that exist count, so that callers cannot invent series."""
        labels = _api_labels(asked)
        if labels is not None:
            self._api_requests.labels(*labels, code).inc()
            self._api_seconds.labels(*labels).observe(seconds)

    def set_in_flight(self, kind: str, count: int) -> None:
        """Record the requests in progress; ``kind`` is ``readOnly`` or ``mutating``."""
        self._in_flight.labels(kind).set(count)

    def count_tls_handshake_error(self) -> None:
        """Count a caller's TLS handshake that failed."""
        self._handshake_errors.inc()

    def count_authentication(self, result: str) -> None:
        """Count an attempt; ``result`` is ``success``, ``failure`` or ``error``."""
        self._authentications.labels(result).inc()

    # --- speaking to the API server ---

    def count_token_review(self, code: str) -> None:
        """Count a TokenReview; ``code`` is the HTTP status, ``<error>`` when there was no answer."""
        self._token_reviews.labels(code).inc()

    def count_access_review(self, code: str) -> None:
        """Count a SubjectAccessReview; ``code`` is the HTTP status, ``<error>`` when there was no answer."""
        self._access_reviews.labels(code).inc()

    def count_rest_request(self, code: str, method: str, host: str) -> None:
        """Count a request to the API server; ``code`` is ``<error>`` when there was no answer."""
        self._rest_requests.labels(code, method, host).inc()

    # --- exposition ---

    def render(self) -> bytes:
        """Return everything as the text of ``CONTENT_TYPE``."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """Yield the same text in pieces that take a few milliseconds each; other work may run in between."""
        for metric in self.registry.collect():
            yield "".join(promtext.family(metric)).encode()
        for piece in self._nodes.text():
            yield piece.encode()


def cycle_buckets(resolution: float) -> tuple[float, ...]:
    """Return bucket bounds that are fine around the resolution, where a cycle becomes too slow."""
    longest = DEFAULT_BUCKETS[-1]
    if resolution <= longest:
        return DEFAULT_BUCKETS
    midway = longest + (resolution - longest) / 2
    return (*DEFAULT_BUCKETS, midway, resolution, resolution * 1.5, resolution * 2.0)


def _api_labels(asked: Asked) -> tuple[str, ...] | None:
    """Return the label values of ``_API_LABELS``, None for a route that is not counted."""
    verb = asked.verb.upper()
    if asked.path in _HEALTH_ROOTS:
        return (verb, "", "", "", "", asked.path, "", "") if verb == "GET" else None
    if asked.path == "/apis":
        return (verb, "", "", "", "", "apis", "", "apiserver") if verb == "GET" else None
    if not _is_served(asked) or verb not in ("GET", "LIST", "WATCH"):
        return None
    scope = "resource" if asked.name else "namespace" if asked.namespace else "cluster"
    return (verb, "", asked.group, asked.version, asked.resource, "", scope, "apiserver")


def _is_served(asked: Asked) -> bool:
    return (
        asked.resource_request
        and asked.group == "metrics.k8s.io"
        and asked.version in ("v1beta1", "v1")
        and asked.resource in ("nodes", "pods")
        and not asked.subresource
    )


class _BareCounter(Gauge):
    """A counter whose name does not end in ``_total``; such names exist in Kubernetes."""

    _type = "counter"
