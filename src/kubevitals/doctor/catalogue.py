"""Every way in which the pipeline is known to break, in the order in which it is walked. Pure.

Each row has a section of its id in ``docs/troubleshooting.md``.
"""

from __future__ import annotations

from typing import Final

from kubevitals.doctor.checks import (
    authorization,
    availability,
    consumers,
    data,
    front_proxy,
    kubelet_access,
    kubelet_certificates,
    kubelet_reach,
    kubelet_silence,
    owners,
    path,
    pod,
    rates,
    registration,
    service,
)
from kubevitals.doctor.finding import Check, Hop

CHECKS: Final = (
    Check("D01", Hop.REGISTRATION, "No provider of the Metrics API", registration.nothing_registered),
    Check("D04", Hop.REGISTRATION, "The APIService leads nowhere", registration.service_not_found),
    Check("D40", Hop.REGISTRATION, "APIServices that cannot be used", availability.unavailable),
    Check("D41", Hop.REGISTRATION, "Two providers", owners.two_providers),
    Check("D03", Hop.SERVICE, "A Service without endpoints", service.no_endpoints),
    Check("D14", Hop.POD, "No aggregation layer", pod.no_aggregation),
    Check("D17", Hop.POD, "No right to read how callers are authenticated", pod.authentication_not_readable),
    Check("D42", Hop.POD, "A port that is taken", pod.port_taken),
    Check("D43", Hop.POD, "An image that the node cannot get", pod.image_not_pulled),
    Check("D44", Hop.POD, "A pod that is refused", pod.pod_refused),
    Check("D45", Hop.POD, "A pod that no node takes", pod.not_scheduled),
    Check("D49", Hop.POD, "Too little memory", pod.out_of_memory),
    Check("D05", Hop.PATH, "The provider's pod out of reach", path.pod_not_reached),
    Check("D06", Hop.PATH, "No route to the Service's address", path.service_not_routed),
    Check("D07", Hop.PATH, "A control plane without the pods' network", path.overlay_not_reached),
    Check("D08", Hop.PATH, "No Konnectivity agent", path.no_agent),
    Check("D09", Hop.PATH, "An HTTP proxy in between", path.through_a_proxy),
    Check("D10", Hop.PATH, "The kubelet answers in the provider's place", path.kubelet_answers),
    Check("D11", Hop.AUTHENTICATION, "The front proxy is not believed", front_proxy.refused),
    Check("D12", Hop.AUTHENTICATION, "The front proxy's certificate has expired", front_proxy.expired),
    Check("D13", Hop.AUTHENTICATION, "A front-proxy certificate not for clients", front_proxy.not_for_clients),
    Check("D15", Hop.AUTHENTICATION, "The front proxy's name is not allowed", authorization.names_not_allowed),
    Check("D16", Hop.AUTHORIZATION, "No right to read metrics", authorization.callers_not_allowed),
    Check("D18", Hop.AUTHORIZATION, "No right to ask about callers", authorization.reviews_not_allowed),
    Check("D50", Hop.AUTHORIZATION, "No right to see nodes and pods", authorization.lists_not_allowed),
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
    Check("D32", Hop.DATA, "Kubelets that report no containers", data.no_containers),
    Check("D33", Hop.DATA, "Pods whose numbers cannot be right", data.withheld),
    Check("D34", Hop.DATA, "A pod that is too young", rates.too_young),
    Check("D35", Hop.DATA, "Containers that are reported twice", data.reported_twice),
    Check("D36", Hop.DATA, "CPU counters that go back", rates.goes_back),
    Check("D37", Hop.DATA, "Samples that are not of now", data.not_of_now),
    Check("D38", Hop.CONSUMER, "Autoscaled pods without requests", consumers.missing_requests),
    Check("D39", Hop.CONSUMER, "Autoscalers without metrics", consumers.no_metrics),
)
