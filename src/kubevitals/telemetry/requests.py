"""The requests that were answered and those that were cut short, as the API server counts them. Pure.

A request is counted by what it asked for, never by what it made up: the label values are those of the paths that are
served, so that no caller can invent series.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from prometheus_client import Metric
from prometheus_client.registry import Collector

from kubevitals.telemetry.histograms import Buckets, add_histogram

_LABELS = ("verb", "group", "version", "resource", "subresource", "scope", "component")
_SECONDS = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0,
    3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
)  # fmt: skip
_FINE = 2  # bounds of the duration that are too fine for the service level's
_SIZES = (1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9)
_COMPONENT = "apiserver"
_HEALTH_ROOTS = frozenset({"/healthz", "/livez", "/readyz"})
_PATHS = _HEALTH_ROOTS | {"/", "/apis", "/metrics", "/openapi/v2", "/openapi/v3", "/version"}
_READS = {"get": "GET", "list": "LIST", "watch": "WATCH"}
_REPORTED = {
    **_READS, "head": "GET", "create": "POST", "post": "POST", "update": "PUT", "put": "PUT", "patch": "PATCH",
    "delete": "DELETE", "deletecollection": "DELETE", "connect": "CONNECT",
}  # fmt: skip

Labels = tuple[str, ...]
"""Values of ``_LABELS``, in that order."""


class Asked(Protocol):
    """What must be known of a request: its attributes as authorization sees them."""

    @property
    def verb(self) -> str:
        """Lower-case verb, such as ``list``; of a path that is no resource the method."""
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


class _Route:
    """What is known of the requests of one kind. Every request that was timed has a code; not the other way round."""

    __slots__ = ("codes", "seconds", "sizes")

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self.seconds = Buckets(_SECONDS)
        self.sizes = Buckets(_SIZES)


class ApiRequests(Collector):
    """The five families of ``apiserver_request_*`` and ``apiserver_response_sizes``."""

    def __init__(self) -> None:
        self._routes: dict[Labels, _Route] = {}
        self._terminations: dict[tuple[Labels, int], int] = {}

    def observe(self, asked: Asked, code: int, seconds: float, size: int) -> None:
        """Record an answer: its HTTP status, the seconds since the request came, and the bytes of its body.

        Answers to what is not served are left out, as the API server leaves them out.
        """
        labels = served_labels(asked)
        if labels is not None:
            route = self._route(labels)
            route.codes[code] = route.codes.get(code, 0) + 1
            route.seconds.observe(seconds)
            route.sizes.observe(size)

    def terminate(self, asked: Asked, code: int) -> None:
        """Record a request that was turned away (429) or given up (504) to protect the server."""
        labels = _terminated_labels(asked)
        key = labels, code
        self._terminations[key] = self._terminations.get(key, 0) + 1
        if code == 429:
            codes = self._route(labels if labels[3] else (*labels[:4], "", *labels[5:])).codes
            codes[code] = codes.get(code, 0) + 1

    def _route(self, labels: Labels) -> _Route:
        route = self._routes.get(labels)
        if route is None:
            route = self._routes[labels] = _Route()
        return route

    def collect(self) -> Iterator[Metric]:
        """Yield the families one by one; requests may be observed in between."""
        yield self._totals()
        yield self._durations()
        yield self._service_levels()
        yield self._response_sizes()
        yield self._terminated()

    def _timed(self) -> Iterable[tuple[Labels, _Route]]:
        return [(labels, route) for labels, route in self._routes.items() if any(route.seconds.counts)]

    def _totals(self) -> Metric:
        name = "apiserver_request_total"
        metric = Metric(name, "[STABLE] Requests answered, by what was asked and the HTTP status code.", "counter")
        for labels, route in self._routes.items():
            for code, count in route.codes.items():
                metric.add_sample(name, {**_named(labels, dry_run=True), "code": str(code)}, count)
        return metric

    def _durations(self) -> Metric:
        text = "[STABLE] Seconds from the request's arrival until its answer was made, by what was asked."
        metric = Metric("apiserver_request_duration_seconds", text, "histogram")
        for labels, route in self._timed():
            held = route.seconds
            add_histogram(metric, _named(labels, dry_run=True), _SECONDS, held.counts, held.total)
        return metric

    def _service_levels(self) -> Metric:
        """Return the durations once more: nothing that a service level leaves out is ever waited for here."""
        text = "[ALPHA] Seconds from the request's arrival until its answer was made, for service levels."
        metric = Metric("apiserver_request_sli_duration_seconds", text, "histogram")
        for labels, route in self._timed():
            counts = route.seconds.counts
            coarse = [sum(counts[: _FINE + 1]), *counts[_FINE + 1 :]]
            add_histogram(metric, _named(labels), _SECONDS[_FINE:], coarse, route.seconds.total)
        return metric

    def _response_sizes(self) -> Metric:
        text = "[STABLE] Bytes of the answers to reads, as they were sent, by what was asked."
        metric = Metric("apiserver_response_sizes", text, "histogram")
        for labels, route in self._timed():
            add_histogram(metric, _named(labels), _SIZES, route.sizes.counts, route.sizes.total)
        return metric

    def _terminated(self) -> Metric:
        name = "apiserver_request_terminations_total"
        metric = Metric(name, "[ALPHA] Requests turned away or given up to protect the server.", "counter")
        for (labels, code), count in self._terminations.items():
            metric.add_sample(name, {**_named(labels), "code": str(code)}, count)
        return metric


def served_labels(asked: Asked) -> Labels | None:
    """Return the label values of a request for something that is served and counted, else None."""
    verb = asked.verb
    if asked.resource_request:
        if not _is_served(asked) or verb not in _READS:
            return None
        return _READS[verb], asked.group, asked.version, asked.resource, "", _scope(asked), _COMPONENT
    if asked.path in _HEALTH_ROOTS:
        return _REPORTED.get(verb, "other"), "", "", "", asked.path, "", ""
    if asked.path == "/apis" and verb == "get":
        return "GET", "", "", "", "apis", "", _COMPONENT
    return None


def _terminated_labels(asked: Asked) -> Labels:
    verb = _REPORTED.get(asked.verb, "other")
    if not asked.resource_request:
        return verb, "", "", "", asked.path if asked.path in _PATHS else "", "", _COMPONENT
    named = (asked.group, asked.version, asked.resource) if _is_served(asked) else ("", "", "")
    return verb, *named, "", _scope(asked), _COMPONENT


def _is_served(asked: Asked) -> bool:
    return (
        asked.resource in ("nodes", "pods")
        and asked.version in ("v1beta1", "v1")
        and asked.group == "metrics.k8s.io"
        and not asked.subresource
    )


def _scope(asked: Asked) -> str:
    return "resource" if asked.name or asked.verb == "create" else "namespace" if asked.namespace else "cluster"


def _named(labels: Labels, *, dry_run: bool = False) -> dict[str, str]:
    pairs = zip(_LABELS, labels, strict=True)
    if not dry_run:
        return dict(pairs)
    verb = next(pairs)
    return dict([verb, ("dry_run", ""), *pairs])
