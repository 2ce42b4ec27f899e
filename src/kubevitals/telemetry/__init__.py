"""The server's own metrics, under the names that dashboards and alerts for metrics-server already use.

Exactly six names begin with ``metrics_server_``. Durations and moments (since the epoch) are in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate, chain

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector

from kubevitals.telemetry import promtext
from kubevitals.telemetry.callers import Callers, TokenCache
from kubevitals.telemetry.counts import Counts
from kubevitals.telemetry.histograms import DEFAULT_BUCKETS, Histogram, KubeletRequests, of_nodes
from kubevitals.telemetry.process import ProcessExtras
from kubevitals.telemetry.requests import ApiRequests

CONTENT_TYPE = promtext.CONTENT_TYPE

_FRESHNESS_BUCKETS = tuple(accumulate([1.364] * 19, lambda bound, factor: bound * factor, initial=1.0))
_DAYS = "kubevitals_kubelet_certificate_days_left"
_DAYS_HELP = "Days for which the serving certificate that a kubelet showed last is still valid; negative when expired."
_REST_BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


class Telemetry:
    """Every metric of one server, in a registry of its own.

    Args:
        resolution: seconds between cycles; the buckets of the cycle's duration depend on it.

    Attributes:
        requests: the requests that were answered, and those that were cut short.
        callers: what authentication and authorization found out, and the reviews it took.
        token_cache: what the memory of TokenReviews does.
        process_start: when this process began, in seconds since the epoch; 0 where that cannot be known.
    """

    def __init__(self, *, resolution: float) -> None:
        self.registry = CollectorRegistry()
        self._nodes = KubeletRequests()
        self._make_ours(resolution)
        self.requests = ApiRequests()
        self.registry.register(self.requests)
        self._make_serving()
        self.callers = Callers(self.registry)
        self.token_cache = TokenCache(self.registry)
        self._make_rest()
        process = ProcessCollector(registry=self.registry)
        self.registry.register(ProcessExtras())
        self.process_start = _start(process)

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
        self._kubelet_requests = Counts(
            "metrics_server_kubelet_request_total", "[ALPHA] Number of requests sent to Kubelet API", "success"
        )
        for collector in (self._cycles, self._freshness, self._kubelet_requests):
            self.registry.register(collector)
        self._points = Gauge(
            "metrics_server_storage_points",
            "[ALPHA] Number of metrics points stored.",
            ("type",),
            registry=self.registry,
        )
        self._discarded = Counts(
            "kubevitals_discarded_points_total",
            "Points of nodes and containers that got no rate, because none could be true, by reason.",
            "reason",
        )
        self.registry.register(self._discarded)
        self._withheld = Gauge(
            "kubevitals_withheld_objects",
            "Nodes or pods that exist but have no usage to serve.",
            ("kind",),
            registry=self.registry,
        )

    def _make_serving(self) -> None:
        self._in_flight = Gauge(
            "apiserver_current_inflight_requests",
            "[STABLE] Most requests that were in progress at once within the last second.",
            ("request_kind",),
            registry=self.registry,
        )
        self._handshake_errors = Counts(
            "apiserver_tls_handshake_errors_total", "[ALPHA] TLS handshakes of callers that failed."
        )
        self.registry.register(self._handshake_errors)

    def _make_rest(self) -> None:
        self._rest_requests = Counts(
            "rest_client_requests_total",
            "[ALPHA] Requests sent to the API server, by HTTP status code, method and host.",
            "code",
            "method",
            "host",
        )
        self._rest_seconds = Histogram(
            "rest_client_request_duration_seconds",
            "[ALPHA] Seconds until a request to the API server was answered, by method and host.",
            _REST_BUCKETS,
            ("verb", "host"),
        )
        self.registry.register(self._rest_requests)
        self.registry.register(self._rest_seconds)

    # --- scraping and storing ---

    def observe_cycle(self, seconds: float) -> None:
        """Record the duration of one whole cycle of scrapes."""
        self._cycles.of().observe(seconds)

    def observe_kubelet_request(self, node: str, *, seconds: float, success: bool, at: float) -> None:
        """Record one scrape of a node, successful or not, and the moment it began."""
        self._nodes.observe(node, seconds, at)
        self._kubelet_requests.add("true" if success else "false")

    def count_unsent_kubelet_request(self) -> None:
        """Count a scrape that failed before a request was sent, as for a node without a usable address."""
        self._kubelet_requests.add("false")

    def set_points(self, *, nodes: int, containers: int) -> None:
        """Record how many nodes and containers have two points, and so a rate."""
        self._points.labels("node").set(nodes)
        self._points.labels("container").set(containers)

    def set_withheld(self, *, nodes: int, pods: int) -> None:
        """Record how many nodes and pods exist without usage to serve."""
        self._withheld.labels("node").set(nodes)
        self._withheld.labels("pod").set(pods)

    def count_discarded(self, reason: str) -> None:
        """Count a point without a rate; the reason is a value of ``store.previous.LABELS``."""
        self._discarded.add(reason)

    def forget_node(self, node: str) -> None:
        """Remove the series of a node that is gone."""
        self._nodes.forget(node)

    # --- answering ---

    def observe_freshness(self, seconds: float, times: int = 1) -> None:
        """Record the age of what a returned object measured; ``times`` objects of one age at once."""
        self._freshness.of().observe(seconds, times)

    def set_in_flight(self, peaks: Mapping[str, int]) -> None:
        """Record the most requests that were in progress within a second, for ``readOnly`` and ``mutating``."""
        for kind, count in peaks.items():
            self._in_flight.labels(kind).set(count)

    def count_tls_handshake_error(self) -> None:
        """Count a caller's TLS handshake that failed."""
        self._handshake_errors.add()

    # --- speaking to the API server ---

    def count_rest_request(self, code: str, method: str, host: str) -> None:
        """Count a request to the API server; ``code`` is ``<error>`` when there was no answer."""
        self._rest_requests.add(code, method, host)

    def observe_rest_request(self, method: str, host: str, seconds: float) -> None:
        """Record how long a request to the API server took, answered or not."""
        self._rest_seconds.of(method, host).observe(seconds)

    # --- exposition ---

    def render(self) -> bytes:
        """Return everything as the text of ``CONTENT_TYPE``."""
        return b"".join(self.chunks())

    def chunks(self, certificate_days: Mapping[str, float] | None = None) -> Iterator[bytes]:
        """Yield the same text in pieces that take a few milliseconds each; other work may run in between.

        Args:
            certificate_days: for how many days each kubelet's serving certificate is still valid, by node.
        """
        for metric in self.registry.collect():
            yield "".join(promtext.family(metric)).encode()
        for piece in chain(self._nodes.text(), of_nodes(_DAYS, _DAYS_HELP, certificate_days or {})):
            yield piece.encode()


def cycle_buckets(resolution: float) -> tuple[float, ...]:
    """Return bucket bounds that are fine around the resolution, where a cycle becomes too slow."""
    longest = DEFAULT_BUCKETS[-1]
    if resolution <= longest:
        return DEFAULT_BUCKETS
    midway = longest + (resolution - longest) / 2
    return (*DEFAULT_BUCKETS, midway, resolution, resolution * 1.5, resolution * 2.0)


def _start(process: ProcessCollector) -> float:
    samples = (sample for metric in process.collect() for sample in metric.samples)
    return next((sample.value for sample in samples if sample.name == "process_start_time_seconds"), 0.0)
