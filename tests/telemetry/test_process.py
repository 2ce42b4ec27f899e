"""What procfs tells of this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubevitals.telemetry.process import ProcessExtras

NETSTAT = "TcpExt: SyncookiesSent InOctets\nTcpExt: 1 2\nIpExt: InNoRoutes InOctets OutOctets\nIpExt: 0 1500 9000\n"


def values(directory: Path) -> dict[str, float]:
    return {sample.name: sample.value for metric in ProcessExtras(directory).collect() for sample in metric.samples}


@pytest.mark.parametrize(("limit", "expected"), [("unlimited", 18446744073709551615.0), ("4096", 4096.0)])
def test_traffic_and_the_limit_of_memory(tmp_path: Path, limit: str, expected: float) -> None:
    """Octets of the network namespace, and the soft limit on the address space."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net/netstat").write_text(NETSTAT)
    (tmp_path / "limits").write_text(f"Limit  Soft Limit\nMax address space         {limit}   unlimited   bytes\n")

    assert values(tmp_path) == {
        "process_virtual_memory_max_bytes": expected,
        "process_network_receive_bytes_total": 1500.0,
        "process_network_transmit_bytes_total": 9000.0,
    }


def test_without_procfs_there_is_nothing(tmp_path: Path) -> None:
    """What cannot be read is left out."""
    assert values(tmp_path) == {}
