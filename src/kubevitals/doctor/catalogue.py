"""Every way in which the pipeline is known to break, in the order in which it is walked. Pure.

Each row has a section of its id in ``docs/troubleshooting.md``.
"""

from __future__ import annotations

from typing import Final

from kubevitals.doctor.checks import registration
from kubevitals.doctor.finding import Check, Hop

CHECKS: Final = (
    Check("D01", Hop.REGISTRATION, "No provider of the Metrics API", registration.nothing_registered),
    Check("D04", Hop.REGISTRATION, "The APIService leads nowhere", registration.service_not_found),
)
