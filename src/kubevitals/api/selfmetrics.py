"""The answer at ``/metrics``."""

from __future__ import annotations

from collections.abc import Mapping

from kubevitals.api.message import Response
from kubevitals.telemetry import CONTENT_TYPE, Telemetry


def answer(telemetry: Telemetry, certificate_days: Mapping[str, float]) -> Response:
    """Return the server's own metrics; their text is made while it is taken.

    Args:
        telemetry: what was counted and timed.
        certificate_days: for how many days each kubelet's serving certificate is still valid, by node.
    """
    started = ("Process-Start-Time-Unix", str(int(telemetry.process_start)))
    return Response(200, [], CONTENT_TYPE, [started], source=telemetry.chunks(certificate_days))
