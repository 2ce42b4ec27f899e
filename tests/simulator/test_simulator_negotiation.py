"""Accept headers."""

from __future__ import annotations

import pytest

from kubevitals.simulator.negotiation import discovery_version, object_form

PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", ""),
        ("*/*", ""),
        ("application/json", ""),
        ("application/vnd.kubernetes.protobuf, */*", ""),
        (f"{TABLE},application/json", ""),
        (PARTIAL, "metadata"),
        (f"application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,{PARTIAL}", "metadata"),
        ("application/vnd.kubernetes.protobuf", None),
        (TABLE, None),
        ("text/html", None),
    ],
)
def test_the_first_form_that_is_served_is_chosen(accept, expected):
    """JSON is served whole or as metadata only; what is not served is passed over."""
    assert object_form(accept) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (f"{DISCOVERY.format('v2')},{DISCOVERY.format('v2beta1')},application/json", "v2"),
        (f"{DISCOVERY.format('v2beta1')},application/json", "v2beta1"),
        (f"{DISCOVERY.format('v9')},application/json", ""),
        ("application/json, */*", ""),
        ("text/html", ""),
    ],
)
def test_aggregated_discovery_is_asked_for_by_its_parameters(accept, expected):
    """The first version that is known wins; plain JSON is the legacy form."""
    assert discovery_version(accept) == expected
