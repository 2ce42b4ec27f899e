from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.api import status
from kubevitals.api.negotiation import (
    FALLBACK,
    Choice,
    Endpoint,
    Media,
    Transform,
    mismatch,
    negotiate,
    negotiate_error,
    wants_pretty,
    with_include_object,
)
from kubevitals.api.status import Status

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PROTOBUF = "application/vnd.kubernetes.protobuf"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"


def meta(kind: str, version: str = "v1") -> Transform:
    return Transform(kind, "meta.k8s.io", version)


def aggregated(version: str) -> Choice:
    return Choice(transform=Transform("APIGroupDiscoveryList", "apidiscovery.k8s.io", version))


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("*", "json"),
        ("application/*", "json"),
        ("application/json", "json"),
        ("application/json; charset=utf-8", "json"),
        ("application/yaml", "yaml"),
        (PROTOBUF, "protobuf"),
        (f"{PROTOBUF}, */*", "protobuf"),
        (f"{PROTOBUF},application/json", "protobuf"),
        ("application/json, */*", "json"),
        ("application/cbor,application/json", "json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"),
        ("application/json;q=0.5,application/yaml", "yaml"),
        ("application/json;q=0.5,application/yaml;q=0.4", "json"),
        ("*/*,application/yaml", "yaml"),
        ("application/*,application/yaml", "yaml"),
        ("application/json;q=abc,application/yaml;q=0.1", "yaml"),
        ("application/json;q=0", "json"),
        ("application/yaml;q=2,application/json", "yaml"),
        ("application/yaml;q=-1,application/json;q=0", "json"),
        ("*/*;q=1,application/yaml;q=0.5", "yaml"),
        ("application/yaml;q=0.5,*/*", "json"),
        ("text/plain," * 12 + "*/*,application/yaml;q=0.5", "json"),
        ("application/yaml;foo=bar", "yaml"),
        ("garbage,a/b/c,application/yaml", "yaml"),
        ("application/json;sv=v2,application/yaml", "yaml"),
        ("application/json;sv=v1,application/yaml", "json"),
        ("application/json;stream=watch", "json"),
        ("application/json;stream=other,application/yaml", "yaml"),
        ("application/yaml;stream=watch,application/json", "json"),
    ],
)
def test_media_type(accept: str, media: Media) -> None:
    """The best clause that can be met decides, by quality and then in the order sent."""
    assert negotiate(accept, Endpoint.LIST) == Choice(media)


@pytest.mark.parametrize(
    ("accept", "media", "transform"),
    [
        (f"{TABLE},application/json", "json", meta("Table")),
        (
            f"{TABLE},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
            "json",
            meta("Table"),
        ),
        ("application/json;g=meta.k8s.io;v=v1beta1;as=Table", "json", meta("Table", "v1beta1")),
        ("application/yaml;as=Table;g=meta.k8s.io;v=v1", "yaml", meta("Table")),
        (f"{PROTOBUF};as=Table;g=meta.k8s.io;v=v1,{TABLE}", "json", meta("Table")),
        ("*/*;as=Table;g=meta.k8s.io;v=v1", "json", meta("Table")),
        (
            f"{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
            "protobuf",
            meta("PartialObjectMetadataList"),
        ),
        ("application/json;as=Foo;g=meta.k8s.io;v=v1,application/json", "json", None),
        ("application/json;as=Table;v=v1,application/yaml", "yaml", None),
        ("application/json;as=Table;v=v2;g=meta.k8s.io,application/json", "json", None),
        ("application/json;g=meta.k8s.io,application/yaml", "yaml", None),
    ],
)
def test_transform(accept: str, media: Media, transform: Transform | None) -> None:
    """A shape that can be made is made; a clause with an impossible one is passed over."""
    assert negotiate(accept, Endpoint.LIST) == Choice(media, transform)


@pytest.mark.parametrize("accept", ["text/html", "application/cbor", "Application/JSON", "json", ";", "text/*"])
def test_unknown_type_is_refused(accept: str) -> None:
    """An Accept header without any offered type is the router's 406, which depends on the endpoint."""
    assert negotiate(accept, Endpoint.LIST) == status.not_acceptable_route(status.MEDIA_TYPES, streams=True)
    assert negotiate(accept, Endpoint.OBJECT) == status.not_acceptable_route(status.MEDIA_TYPES, streams=False)
    assert negotiate(accept, Endpoint.VERSION) == status.not_acceptable_route(["application/json"], streams=False)


def test_the_programs_version_is_json() -> None:
    """Who takes JSON gets it, whatever shape was asked for, and nobody gets another type."""
    for accept in ("", "*/*", "application/json", f"{TABLE},application/yaml"):
        assert negotiate(accept, Endpoint.VERSION) == Choice()
    for accept in ("application/yaml", PROTOBUF):
        assert negotiate(accept, Endpoint.VERSION) == status.not_acceptable_route(["application/json"], streams=False)


@pytest.mark.parametrize(
    "accept",
    [
        "application/json;as=Foo;g=meta.k8s.io;v=v1",
        f"{PROTOBUF};as=Table;g=meta.k8s.io;v=v1",
        DISCOVERY.format("v2"),
    ],
)
def test_impossible_transform_is_refused(accept: str) -> None:
    """An Accept header of which every clause asks for an impossible shape is a 406."""
    assert negotiate(accept, Endpoint.LIST) == status.not_acceptable()


def test_discovery_has_no_table() -> None:
    """A document of discovery is served as itself or not at all."""
    assert negotiate(TABLE, Endpoint.DISCOVERY) == status.not_acceptable()
    assert negotiate(DISCOVERY.format("v2"), Endpoint.DISCOVERY) == status.not_acceptable()
    assert negotiate(f"{TABLE},application/yaml", Endpoint.DISCOVERY) == Choice("yaml")


@pytest.mark.parametrize(
    ("accept", "choice"),
    [
        ("", Choice()),
        ("application/json", Choice()),
        (DISCOVERY.format("v2"), aggregated("v2")),
        (DISCOVERY.format("v2beta1"), aggregated("v2beta1")),
        (DISCOVERY.format("v2") + "," + DISCOVERY.format("v2beta1") + ",application/json", aggregated("v2")),
        (DISCOVERY.format("v2beta1") + ",application/json", aggregated("v2beta1")),
        ("application/json," + DISCOVERY.format("v2"), aggregated("v2")),
        ("application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io", aggregated("v2")),
        (DISCOVERY.format("v2") + ";profile=nopeer", aggregated("v2")),
        (DISCOVERY.format("v3") + ",application/json", Choice()),
        (DISCOVERY.format("v3"), status.not_acceptable()),
    ],
)
def test_groups(accept: str, choice: Choice | Status) -> None:
    """``/apis`` gives the aggregated document to whoever asks for it, in the version that comes first."""
    assert negotiate(accept, Endpoint.GROUPS) == choice


def test_content_type() -> None:
    """Only aggregated discovery adds parameters to its Content-Type, in the order that the API server compares."""
    assert Choice("protobuf").content_type == PROTOBUF
    assert Choice("yaml", meta("Table")).content_type == "application/yaml"
    assert aggregated("v2").content_type == ("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")


@pytest.mark.parametrize(
    ("parameter", "agent", "pretty"),
    [
        ("", "kubectl/v1.33.1", False),
        ("", "curl/8.5.0", True),
        ("", "Wget/1.21", True),
        ("", "Mozilla/5.0 (X11)", True),
        ("", "", False),
        ("true", "kubectl", True),
        ("1", "", True),
        ("T", "", True),
        ("false", "curl/8.5.0", False),
        ("0", "curl/8.5.0", False),
        ("nonsense", "curl/8.5.0", False),
    ],
)
def test_wants_pretty(parameter: str, agent: str, pretty: bool) -> None:
    """The parameter decides whether JSON is indented, and without it the kind of program."""
    assert wants_pretty(parameter, agent) is pretty


def test_pretty_by_clause() -> None:
    """``pretty=1`` in the Accept header indents, as does the argument."""
    assert negotiate("application/json;pretty=1", Endpoint.LIST) == Choice(pretty=True)
    assert negotiate("application/json;pretty=0", Endpoint.LIST) == Choice()
    assert negotiate("application/json", Endpoint.LIST, pretty=True) == Choice(pretty=True)


@pytest.mark.parametrize(
    ("accept", "choice"),
    [
        ("", Choice()),
        (f"{TABLE},application/json", Choice()),
        (TABLE, FALLBACK),
        ("text/html", FALLBACK),
        (f"{PROTOBUF}, */*", Choice("protobuf")),
        ("application/yaml", Choice("yaml")),
    ],
)
def test_errors_always_have_a_form(accept: str, choice: Choice) -> None:
    """An error takes the accepted form without a transform, and indented JSON where there is none."""
    assert negotiate_error(accept) == choice


def test_mismatch() -> None:
    """Metadata of one object cannot be had of a list, nor the reverse, and the refusal says which."""
    one = Choice(transform=meta("PartialObjectMetadata"))
    many = Choice(transform=meta("PartialObjectMetadataList"))
    assert mismatch(one, "NodeMetrics", single=True) is None
    assert mismatch(many, "NodeMetrics", single=False) is None
    assert mismatch(Choice(transform=meta("Table")), "NodeMetrics", single=True) is None
    assert mismatch(Choice(), "NodeMetrics", single=True) is None
    assert mismatch(many, "NodeMetrics", single=True) == Status(
        406,
        "NotAcceptable",
        "you requested PartialObjectMetadataList, but the requested object is not a list (*metrics.NodeMetrics)",
    )
    assert mismatch(one, "PodMetrics", single=False) == Status(
        406,
        "NotAcceptable",
        "you requested PartialObjectMetadata, but the requested object is a list (*metrics.PodMetricsList)",
    )


def test_include_object() -> None:
    """``includeObject`` is checked and kept for a Table, and ignored otherwise."""
    table = Choice(transform=meta("Table"))
    assert with_include_object(table, "") == table
    assert with_include_object(table, "None") == Choice(transform=meta("Table"), include_object="None")
    assert with_include_object(table, "Object") == Choice(transform=meta("Table"), include_object="Object")
    assert with_include_object(table, "x") == status.bad_include_object("x")
    assert with_include_object(Choice(), "x") == Choice()


@given(st.text(alphabet='aj*/;,=q.0159 "\x00é', max_size=60), st.sampled_from(Endpoint))
def test_any_header_is_answered(accept: str, endpoint: Endpoint) -> None:
    """Whatever the header, there is a choice or a 406."""
    answer = negotiate(accept, endpoint)
    assert isinstance(answer, Choice) or answer.code == 406
