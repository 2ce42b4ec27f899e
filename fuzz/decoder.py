"""Any bytes give points or an ExpositionError, in linear time, and the remembered path gives what the strict one gives.

An input is two bodies of one node, with ``SEPARATOR`` between them.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.scraper.bodies import SAMPLES, later, usual

from fuzz import growth
from kubevitals.errors import ExpositionError
from kubevitals.model import Batch
from kubevitals.scraper.exposition import Decoder

SEPARATOR = b"%%\n"
NOW = 1_790_000_000_000  # ms
YEAR_2000 = 946_684_800_000  # ms
DAY = 86_400_000  # ms
MEDIA = ("", "application/openmetrics-text")
_LONGEST_SEED = 2000  # bytes, so that two of them are not cut off

Outcome = Batch | tuple[str, str, str]


def one(data: bytes) -> None:
    """Hold the promise against two bodies, and few of them blown up."""
    before, _, after = data.partition(SEPARATOR)
    check(before, after)
    growth.check_some(decode_twice, data)


def seeds() -> Iterator[bytes]:
    """Yield what kubelets send, followed by what they send later."""
    samples = [path.read_bytes() for path in sorted(SAMPLES.glob("*.txt"))]
    short = [body for body in samples if len(body) <= _LONGEST_SEED]
    for body in (usual(), usual(cpu=("0", "2.5")), usual(time="1e3"), *short):
        yield body + SEPARATOR + later(body)


def check(before: bytes, after: bytes) -> None:
    """Assert that both bodies of a node, in any order, have the strict parser's outcome, and that points are sound."""
    for media in MEDIA:
        expected = {body: strictly(body, media) for body in (before, after)}
        decoder = Decoder()
        for body in (before, after, after, before):
            assert outcome(decoder, body, media) == expected[body]
        for found in expected.values():
            if isinstance(found, Batch):
                check_sound(found)
            else:
                assert found[0] in ("parse", "truncated")


def decode_twice(body: bytes) -> None:
    """Decode a body strictly, and then with the memory of it."""
    decoder = Decoder()
    for _ in range(2):
        outcome(decoder, body)


def outcome(decoder: Decoder, body: bytes, content_type: str = "", now: int = NOW) -> Outcome:
    """Return the batch, or what the error says."""
    try:
        return decoder.decode(body, requested_ms=now, content_type=content_type)
    except ExpositionError as error:
        return error.cause, error.detail, error.remedy


def strictly(body: bytes, content_type: str = "", now: int = NOW) -> Outcome:
    """Return the outcome of a decoder that remembers nothing: the strict parser's."""
    return outcome(Decoder(), body, content_type, now)


def check_sound(batch: Batch) -> None:
    """Assert that rows belong to pods in order, and that every number is one that can be."""
    columns = (batch.time_ms, batch.cpu_ns, batch.memory, batch.start_ns)
    assert {len(column) for column in columns} == {batch.layout.rows}
    pods = batch.layout.pods
    assert [(pod.namespace, pod.name) for pod in pods] == sorted({(pod.namespace, pod.name) for pod in pods})
    assert [row for pod in pods for row in range(pod.start, pod.stop)] == list(range(batch.layout.rows))
    assert all(list(pod.containers) == sorted(set(pod.containers)) for pod in pods)
    assert all(len(pod.containers) == pod.stop - pod.start > 0 for pod in pods)
    assert all(YEAR_2000 <= time <= NOW + DAY for time in batch.time_ms)
    assert all(batch.cpu_ns)
    assert all(0 < amount < 1 << 63 for amount in batch.memory)
    assert all(start == 0 or start >= YEAR_2000 * 10**6 for start in batch.start_ns)
    assert (batch.node is None) == bool(batch.node_reason)
