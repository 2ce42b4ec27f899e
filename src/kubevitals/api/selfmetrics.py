"""The answer at ``/metrics``."""

from __future__ import annotations

from kubevitals.api.message import Response
from kubevitals.telemetry import CONTENT_TYPE, Telemetry


def answer(telemetry: Telemetry) -> Response:
    """Return the server's own metrics; their text is made while it is taken."""
    started = ("Process-Start-Time-Unix", str(int(telemetry.process_start)))
    return Response(200, [], CONTENT_TYPE, [started], source=telemetry.chunks())
