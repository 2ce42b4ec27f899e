"""What makes one part fit another."""

from __future__ import annotations

import itertools

import pytest

from kubevitals.api.authentication.trust import ClientTrust, TrustFlags
from kubevitals.api.encoding import Item
from kubevitals.app import adapters
from kubevitals.errors import ApiStatusError, ApiUnreachable
from kubevitals.informer.objects import ConfigMap
from kubevitals.model import Node, NodeUsage, Pod
from kubevitals.store.inventory import Inventory
from kubevitals.telemetry import Telemetry
from kubevitals.tls import HandshakeFailure


def test_reflected_objects_reach_the_inventory():
    """Replacement, change and removal, of nodes and of pods."""
    inventory = Inventory()
    nodes, pods = adapters.node_sink(inventory), adapters.pod_sink(inventory)
    nodes.replace([Node("a"), Node("b")])
    nodes.upsert(Node("c"))
    nodes.remove(Node("a"))
    pods.replace([Pod("n", "p")])
    pods.upsert(Pod("n", "q"))
    pods.remove(Pod("n", "p"))
    assert [node.name for node in inventory.nodes()] == ["b", "c"]
    assert [pod.name for pod in inventory.pods()] == ["q"]


def test_the_config_map_reaches_trust_and_its_absence_changes_nothing(pki):
    """Found, changed, deleted: what was good stays."""
    trust = ClientTrust(TrustFlags())
    sink = adapters.trust_sink(trust)
    sink.replace([])
    assert trust.current.client is None
    authority = pki.Authority("clients").pem.decode()
    sink.upsert(ConfigMap("kube-system", "x", {"client-ca-file": authority}))
    sink.remove(ConfigMap("kube-system", "x", {}))
    assert trust.loaded
    assert trust.current.client is not None


async def test_reviews_are_counted_by_their_answer():
    """Every attempt by its status code, or the word for no answer, with its seconds; a failure is passed on."""
    seen: list[tuple[str, float]] = []
    clock = itertools.count(step=0.5)

    answers = [b"{}", ApiStatusError(403, "Forbidden", "no"), ApiUnreachable("gone")]

    class Api:
        async def post(self, path, body, *, timeout=None):
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    reviewer = adapters.Reviewer(Api(), lambda *what: seen.append(what), lambda: next(clock))
    assert await reviewer.post("/reviews", b"{}") == b"{}"
    for expected in (ApiStatusError, ApiUnreachable):
        with pytest.raises(expected):
            await reviewer.post("/reviews", b"{}")
    assert seen == [("201", 0.5), ("403", 0.5), ("<error>", 0.5)]


def test_the_age_of_each_object_is_noted():
    """One observation an object, and none is negative when clocks disagree."""
    telemetry = Telemetry(resolution=15.0)
    usages = [NodeUsage(time_ms, 1, 1, 1) for time_ms in (90_000, 90_500, 101_000)]
    items = [Item(Node(f"n{i}"), usage) for i, usage in enumerate(usages)]
    adapters.freshness(telemetry, lambda: 100.0)(items)
    text = telemetry.render().decode()
    assert "metrics_server_api_metric_freshness_seconds_count 3" in text
    assert 'metrics_server_api_metric_freshness_seconds_bucket{le="1"} 1' in text


def test_a_thousand_bad_handshakes_are_two_lines(caplog):
    """Each is counted; the first is logged at once, and five minutes later how many there were."""
    telemetry, time = Telemetry(resolution=15.0), [0.0]
    log = adapters.HandshakeLog(telemetry, lambda: time[0])
    failure = HandshakeFailure("client_certificate", "the caller's certificate was refused: expired", "renew it")
    for number in range(1000):
        time[0] = number * 0.301
        log.note(failure)
    assert [record.pairs["sinceLastLine"] for record in caplog.records] == [1, 997]
    assert "apiserver_tls_handshake_errors_total 1000" in telemetry.render().decode()


def test_scanners_are_a_detail(caplog):
    """A caller that does not even speak TLS is no reason to warn anybody."""
    log = adapters.HandshakeLog(Telemetry(resolution=15.0), lambda: 0.0)
    log.note(HandshakeFailure("not_tls", "the caller does not speak TLS", ""))
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


def test_a_refused_certificate_is_told_once_per_reason(caplog):
    """The first of each reason at once, the count five minutes later; reasons without end make no lines without end."""
    time = [0.0]
    log = adapters.RefusalLog(lambda: time[0])
    for _ in range(5):
        log.note("x509: subject with cn=aggregator is not in the allowed list")
    for number in range(1000):
        log.note(f"x509: subject with cn=caller-{number} is not in the allowed list")
    assert [record.pairs["cause"] for record in caplog.records][:2] == [
        "x509: subject with cn=aggregator is not in the allowed list",
        "x509: subject with cn=caller-0 is not in the allowed list",
    ]
    assert len(caplog.records) == 100
    time[0] = 301.0
    log.note("x509: subject with cn=aggregator is not in the allowed list")
    assert caplog.records[-1].pairs["sinceLastLine"] == 5
    assert "--requestheader-allowed-names" in caplog.records[-1].pairs["remedy"]
