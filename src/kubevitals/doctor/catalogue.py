"""Every way in which the pipeline is known to break, in the order in which it is walked. Pure.

Each row has a section of its id in ``docs/troubleshooting.md``.
"""

from __future__ import annotations

from typing import Final

from kubevitals.doctor.checks import (
    kubelet_access,
    kubelet_certificates,
    kubelet_reach,
    kubelet_silence,
    registration,
)
from kubevitals.doctor.finding import Check, Hop

CHECKS: Final = (
    Check("D01", Hop.REGISTRATION, "No provider of the Metrics API", registration.nothing_registered),
    Check("D04", Hop.REGISTRATION, "The APIService leads nowhere", registration.service_not_found),
    Check("D02", Hop.KUBELET, "No metrics yet", kubelet_silence.nothing_yet),
    Check("D19", Hop.KUBELET, "Kubelet certificates that nobody signed", kubelet_certificates.address_not_named),
    Check("D20", Hop.KUBELET, "Kubelet certificates of an unknown authority", kubelet_certificates.unknown_authority),
    Check("D21", Hop.KUBELET, "Kubelets without a serving certificate", kubelet_certificates.no_certificate),
    Check("D22", Hop.KUBELET, "Kubelet certificates that are not valid now", kubelet_certificates.expired),
    Check("D23", Hop.KUBELET, "Node names that DNS does not know", kubelet_reach.name_unknown),
    Check("D24", Hop.KUBELET, "Nodes without an address to dial", kubelet_reach.no_address),
    Check("D25", Hop.KUBELET, "Kubelets that cannot be connected to", kubelet_reach.not_reached),
    Check("D26", Hop.KUBELET, "Kubelets that answer too late", kubelet_reach.too_slow),
    Check("D27", Hop.KUBELET, "Kubelets that refuse the token", kubelet_access.not_authenticated),
    Check("D28", Hop.KUBELET, "Kubelets that look at no token", kubelet_access.anonymous),
    Check("D29", Hop.KUBELET, "No right to read kubelets", kubelet_access.not_authorized),
    Check("D30", Hop.KUBELET, "A provider with no metrics to serve", kubelet_silence.never_ready),
    Check("D31", Hop.KUBELET, "Nodes without metrics", kubelet_silence.some_missing),
)
