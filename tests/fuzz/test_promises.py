"""The promises of ``fuzz/``, held against any bytes, and against what has the parts of real input."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.fuzz.strategies import HEADER_LINES, HEADS, SELECTORS, STREAMS
from tests.scraper.bodies import BODIES, FRAGMENTS, edited

from fuzz import TARGETS, decoder, growth, identity, requests, selectors, watch

LINE = b'container_cpu_usage_seconds_total{container="c",namespace="ns",pod="p"} 1.5 1789999998000\n'
PIECES = st.sampled_from([b" ", b"\t", b"\n", b"a", b"a/", b"a.", b"a-", b"!", b"=", b",", b"(", b"\\", b"0"])
_promise = settings(max_examples=200, deadline=None)
_slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_costly = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# --- the five -----------------------------------------------------------------------------------------------


@given(st.tuples(BODIES, BODIES) | edited())
@settings(max_examples=600, deadline=None)
def test_the_decoder(bodies: tuple[bytes, bytes]) -> None:
    """Any bytes give points or an ExpositionError, and the remembered path gives what the strict one gives."""
    decoder.check(*bodies)


@given(st.binary(max_size=200) | STREAMS, st.lists(st.integers(0, 1000), max_size=5))
@example(b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n' + b"x" * (watch.LIMIT + 1) + b"\n", [])
@example(b'{"type":"ERROR","object":{"code":410}}\n{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n', [])
@_slow
def test_watch_events(data: bytes, cuts: list[int]) -> None:
    """Any bytes in a stream of lines, split anywhere, give events or a clear error, never half a change."""
    watch.check(data, (), sorted(min(cut, len(data)) for cut in cuts))


@given(st.binary(max_size=200) | HEADS)
@example(b"GET /livez?timeout=" + b"0" * 5000 + b"1s")
@example(b"\xff /livez")
@_promise
def test_requests(head: bytes) -> None:
    """Any method, path, query and headers are answered, never by a 500 that says panic."""
    requests.one(head)


@given(st.binary(max_size=60).map(lambda data: data.decode("utf-8", "surrogateescape")) | SELECTORS)
@settings(max_examples=500, deadline=None)
def test_selectors(text: str) -> None:
    """Any text parses or raises SelectorError; what parses and is written again parses to the same."""
    selectors.check(text)


@given(HEADER_LINES)
@_promise
def test_identity(lines: list[tuple[str, str]]) -> None:
    """Only the front proxy's certificate makes headers count, and then exactly the lines of the configured ones."""
    identity.check(lines)


# --- time ---------------------------------------------------------------------------------------------------


@given(FRAGMENTS, st.lists(FRAGMENTS, min_size=1, max_size=3).map(b"".join), FRAGMENTS)
@example(b"", LINE[-10:] + LINE[:-10], b"")
@example(b"", b"# x\n" + LINE, b"")
@_costly
def test_the_decoder_takes_linear_time(before: bytes, pump: bytes, after: bytes) -> None:
    """Whatever is repeated in a body, strictly read and remembered, time grows as its length does."""
    growth.check(decoder.decode_twice, LINE[:-10] + before, pump, after + b"\n")


@given(PIECES, st.lists(PIECES, min_size=1, max_size=3).map(b"".join), PIECES)
@_costly
def test_selectors_take_linear_time(before: bytes, pump: bytes, after: bytes) -> None:
    """Whatever is repeated in a selector, time grows as its length does."""
    growth.check(selectors.parse_both, before, pump, after)


@pytest.mark.parametrize(("power", "linear"), [(1, True), (2, False), (3, False)])
def test_time_that_is_not_linear_is_noticed(power: int, linear: bool) -> None:
    """Work that looks at pairs of bytes is told apart from work that looks at every byte."""
    clock = 0.0

    def work(data: bytes) -> None:
        nonlocal clock
        clock += (len(data) / 10_000) ** power

    with contextlib.nullcontext() if linear else pytest.raises(AssertionError, match="a quarter of them"):
        growth.check(work, b"", b"a", b"", clock=lambda: clock)


def test_quadratic_matching_is_noticed() -> None:
    """A pattern that begins anew at every byte is found by the processor's time, though it is one call of C."""
    with pytest.raises(AssertionError, match="a quarter of them"):
        growth.check(lambda data: re.search(rb"a+b", data + data), b"", b"a", b"")


@pytest.mark.parametrize("slow", [1, 3])
def test_a_machine_that_is_slow_for_a_while_proves_nothing(slow: int) -> None:
    """The first runs of the largest input take a hundred times as long as they should."""
    clock, runs = 0.0, 0

    def work(data: bytes) -> None:
        nonlocal clock, runs
        runs += len(data) == 1 << 16
        clock += len(data) / (10_000 if 1 <= runs <= slow else 1_000_000)

    growth.check(work, b"", b"a", b"", clock=lambda: clock)
    assert runs == 1 + 5


# --- what one input is --------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_holds_its_seeds(target: str) -> None:
    """What a run begins with keeps the promise, in the form in which atheris hands it over."""
    module = importlib.import_module(f"fuzz.{target}")
    seeds = list(module.seeds())
    assert seeds
    for seed in seeds:
        module.one(seed)


def test_a_broken_promise_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that panics is told apart from one that answers."""
    everybody = requests.worlds()[0]
    monkeypatch.setattr(everybody.points, "report", None)
    with pytest.raises(AssertionError):
        requests.one(b"GET /apis/metrics.k8s.io/v1beta1/nodes")


def test_the_front_proxy_is_heard() -> None:
    """The callers of the identity target are what they seem: with the certificate headers do count."""
    cluster = identity.clusters()[0]
    lines = [("X-Remote-User", "jane"), ("X-Remote-Group", "system:masters")]
    found = asyncio.run(identity.who(cluster.authenticator, cluster.front_proxy, lines))
    assert found is not None
    assert found.groups == ("system:masters", "system:authenticated")
