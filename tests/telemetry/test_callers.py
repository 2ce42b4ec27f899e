"""What is counted of callers and of the reviews they cost."""

from __future__ import annotations

import re

import pytest
from prometheus_client import CollectorRegistry

from kubevitals.telemetry import promtext
from kubevitals.telemetry.callers import Callers, TokenCache, user_kind

POWERS = "0.001 0.002 0.004 0.008 0.016 0.032 0.064 0.128 0.256 0.512 1.024 2.048 4.096 8.192 16.384 +Inf"


def text_of(registry: CollectorRegistry) -> str:
    return "".join(text for metric in registry.collect() for text in promtext.family(metric))


def value(registry: CollectorRegistry, series: str) -> float | None:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text_of(registry), re.MULTILINE)
    return None if found is None else float(found[1])


@pytest.fixture
def seen() -> CollectorRegistry:
    """Everything once."""
    registry = CollectorRegistry()
    callers = Callers(registry)
    callers.authenticated("success", 0.002, "jane@example.com")
    callers.authenticated("error", 3.0)
    callers.authorized("no-opinion", 0.2)
    callers.certificate_seen(90_000)
    callers.token_review("201", 0.4)
    callers.access_review("<error>", 10.5)
    return registry


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ('authentication_attempts{result="success"}', 1),
        ('authentication_attempts{result="error"}', 1),
        ('authentication_duration_seconds_bucket{result="success",le="0.002"}', 1),
        ('authenticated_user_requests{username="email_id"}', 1),
        ('authorization_attempts_total{result="no-opinion"}', 1),
        ('authorization_duration_seconds_count{result="no-opinion"}', 1),
        ('apiserver_request_filter_duration_seconds_count{filter="authentication"}', 2),
        ('apiserver_request_filter_duration_seconds_bucket{filter="authorization",le="0.3"}', 1),
        ('apiserver_client_certificate_expiration_seconds_bucket{le="86400"}', 0),
        ('apiserver_client_certificate_expiration_seconds_bucket{le="172800"}', 1),
        ('apiserver_delegated_authn_request_total{code="201"}', 1),
        ('apiserver_delegated_authn_request_duration_seconds_bucket{code="201",le="0.5"}', 1),
        ('apiserver_delegated_authz_request_total{code="<error>"}', 1),
        ('apiserver_delegated_authz_request_duration_seconds_bucket{code="<error>",le="10"}', 0),
    ],
)
def test_names_and_labels_are_upstreams(seen: CollectorRegistry, series: str, expected: float) -> None:
    """Each fact shows under the name and labels that metrics-server uses."""
    assert value(seen, series) == expected


@pytest.mark.parametrize(
    ("family", "bounds"),
    [
        ("authentication_duration_seconds", POWERS),
        ("authorization_duration_seconds", POWERS),
        (
            "apiserver_request_filter_duration_seconds",
            "0.0001 0.0003 0.001 0.003 0.01 0.03 0.1 0.3 1 5 10 15 30 +Inf",
        ),
        ("apiserver_delegated_authn_request_duration_seconds", "0.25 0.5 0.7 1 1.5 3 5 10 +Inf"),
        ("apiserver_delegated_authz_request_duration_seconds", "0.25 0.5 0.7 1 1.5 3 5 10 +Inf"),
        (
            "apiserver_client_certificate_expiration_seconds",
            "0 1800 3600 7200 21600 43200 86400 172800 345600 604800 2.592e+06 7.776e+06 1.5552e+07 3.1104e+07 +Inf",
        ),
    ],
)
def test_buckets_are_upstreams(seen: CollectorRegistry, family: str, bounds: str) -> None:
    """The bounds are the text that Go prints."""
    found = re.findall(rf'^{family}_bucket{{.*?le="(\S+)"}}', text_of(seen), re.MULTILINE)

    assert " ".join(dict.fromkeys(found)) == bounds


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("kubelet", "kubelet"),
        ("system:serviceaccount:kube-system:default", "system:serviceaccount:kube-system:default"),
        ("jane@example.com", "email_id"),
        ("system:anonymous", "other"),
        ("jane", "other"),
    ],
)
def test_names_of_users_are_not_told(name: str, kind: str) -> None:
    """A few names that are no secret, and two kinds for all others."""
    assert user_kind(name) == kind


def test_the_memory_of_tokens_is_described() -> None:
    """Look-ups by whether they were remembered, questions by their end, and both while they last."""
    registry = CollectorRegistry()
    cache, name = TokenCache(registry), "authentication_token_cache"
    cache.waiting(1)
    cache.waiting(1)
    cache.asking()
    during = value(registry, f'{name}_active_fetch_count{{status="in_flight"}}')
    cache.asked(ok=False)
    cache.waiting(-1)
    cache.looked_up(hit=False, seconds=0.02)
    cache.looked_up(hit=True, seconds=0.0)

    assert during == 1
    assert value(registry, f'{name}_active_fetch_count{{status="in_flight"}}') == 0
    assert value(registry, f'{name}_active_fetch_count{{status="blocked"}}') == 1
    assert value(registry, f'{name}_fetch_total{{status="error"}}') == 1
    assert value(registry, f'{name}_request_total{{status="miss"}}') == 1
    assert value(registry, f'{name}_request_duration_seconds_bucket{{status="hit",le="0.005"}}') == 1
