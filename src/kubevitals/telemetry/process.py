"""What the library does not tell of this process: its network traffic and the bound on its memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.registry import Collector

_UNLIMITED = float(2**64 - 1)
_TRAFFIC = (
    ("process_network_receive_bytes_total", "Bytes that the process's network received.", "InOctets"),
    ("process_network_transmit_bytes_total", "Bytes that the process's network sent.", "OutOctets"),
)


class ProcessExtras(Collector):
    """``process_network_*`` and ``process_virtual_memory_max_bytes``; what cannot be read is left out.

    Args:
        directory: the process's entry in procfs.
    """

    def __init__(self, directory: Path = Path("/proc/self")) -> None:
        self._directory = directory

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        most = _address_space(self._read("limits"))
        if most is not None:
            name = "process_virtual_memory_max_bytes"
            yield _one(name, "Most virtual memory that the process may have, in bytes.", "gauge", most)
        counts = _ip_counts(self._read("net/netstat"))
        for name, text, field in _TRAFFIC:
            if field in counts:
                yield _one(name, text, "counter", counts[field])

    def _read(self, name: str) -> str:
        try:
            return (self._directory / name).read_text()
        except OSError:
            return ""


def _one(name: str, text: str, kind: str, value: float) -> Metric:
    metric = Metric(name, text, kind)
    metric.add_sample(name, {}, value)
    return metric


def _address_space(limits: str) -> float | None:
    """Return the soft limit on the address space, in bytes; without a limit 2⁶⁴ − 1, as Go's library says."""
    for line in limits.splitlines():
        if line.startswith("Max address space"):
            soft = line.split()[3]
            return _UNLIMITED if soft == "unlimited" else float(soft)
    return None


def _ip_counts(netstat: str) -> dict[str, float]:
    """Return the counters of the line pair that begins with ``IpExt:``: names in one line, values in the next."""
    lines = [line.split()[1:] for line in netstat.splitlines() if line.startswith("IpExt:")]
    return dict(zip(lines[0], map(float, lines[1]), strict=False)) if len(lines) == 2 else {}
