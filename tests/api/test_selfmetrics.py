"""The answer at /metrics, through the whole chain."""

from __future__ import annotations

import gzip
import time

import pytest
from tests.api.whole_chain import World, counted_turns

from kubevitals.telemetry import CONTENT_TYPE


def header(answer, name):
    return [value for key, value in answer.headers if key.lower() == name.lower()]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_metrics_are_text_for_any_method(method: str):
    """The content type names format and escaping, and a header tells when the process began."""
    answer = await World().ask("/metrics", method)
    assert (answer.status, answer.content_type) == (200, CONTENT_TYPE)
    began = int(header(answer, "Process-Start-Time-Unix")[0])
    assert 0 < began <= time.time()
    assert f"process_start_time_seconds {began // 1_000_000_000}." in answer.body.decode()


async def test_metrics_are_compressed_at_any_size():
    """Whoever takes gzip gets it, however short the text is."""
    world = World()
    plain, packed = await world.ask("/metrics"), await world.ask("/metrics", Accept_Encoding="gzip")
    assert len(plain.body) < 128 * 1024
    assert header(packed, "Content-Encoding") == ["gzip"]
    assert b"metrics_server_manager_tick_duration_seconds" in gzip.decompress(packed.body)
    assert header(packed, "Process-Start-Time-Unix") == header(plain, "Process-Start-Time-Unix")


async def test_many_nodes_do_not_hold_up_other_requests():
    """While the series of 5,000 nodes are written, others are served in between."""
    world = World()
    for number in range(5000):
        world.telemetry.observe_kubelet_request(f"node-{number}", seconds=0.1, success=True, at=1.0)
    world.look = 0.003
    async with counted_turns() as turns:
        answer = await world.ask("/metrics")
    assert answer.body.count(b"metrics_server_kubelet_last_request_time_seconds{") == 5000
    assert turns() > 40
