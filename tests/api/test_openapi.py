from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kubevitals.api import openapi
from kubevitals.api.message import Headers, Request

GROUP = "metrics.k8s.io"
PROTOBUF_ASKED = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
PROTOBUF_SERVED = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
PATHS = [
    "",
    "namespaces/{namespace}/pods",
    "namespaces/{namespace}/pods/{name}",
    "nodes",
    "nodes/{name}",
    "pods",
]


def get(path: str, **headers: str) -> Any:
    lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
    answer = openapi.answer(Request("GET", path, headers=Headers(lines)), "1.2.3")
    assert answer is not None
    return answer


def document(path: str) -> Any:
    return json.loads(get(path).body)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def schemas(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema that describes an object, at any depth."""
    if isinstance(value, dict):
        if "properties" in value:
            yield value
        for child in value.values():
            yield from schemas(child)


def v3(version: str) -> Any:
    return document(f"/openapi/v3/apis/{GROUP}/{version}")


def test_root_names_only_the_group() -> None:
    """Only the group's own documents are published, since the API server merges every key into the cluster's."""
    paths = document("/openapi/v3")["paths"]
    assert list(paths) == [f"apis/{GROUP}", f"apis/{GROUP}/v1", f"apis/{GROUP}/v1beta1"]


@pytest.mark.parametrize("path", [f"apis/{GROUP}", f"apis/{GROUP}/v1", f"apis/{GROUP}/v1beta1"])
def test_root_hashes_are_the_etags(path: str) -> None:
    """Each entry carries the hash under which its document is now found."""
    url, _, digest = document("/openapi/v3")["paths"][path]["serverRelativeURL"].partition("?hash=")
    answer = get(url)
    assert ("ETag", f'"{digest}"') in answer.headers
    assert len(digest) == 128


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
def test_paths_of_a_version(version: str) -> None:
    """A version's document describes exactly the paths that are served."""
    expected = [f"/apis/{GROUP}/{version}/{path}" for path in PATHS]
    assert list(v3(version)["paths"]) == expected


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
def test_operation_ids(version: str) -> None:
    """Operations have upstream's names, from which client libraries make method names."""
    prefix = f"Metrics{version.capitalize()}"
    ids = [path["get"]["operationId"] for path in v3(version)["paths"].values()]
    assert ids == [
        f"get{prefix}APIResources",
        f"list{prefix}NamespacedPodMetrics",
        f"read{prefix}NamespacedPodMetrics",
        f"list{prefix}NodeMetrics",
        f"read{prefix}NodeMetrics",
        f"list{prefix}PodMetricsForAllNamespaces",
    ]


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
def test_kind_is_found_from_the_path(version: str) -> None:
    """The kind that a path's operation names is the kind of exactly one schema, which is how explain finds it."""
    content = v3(version)
    kind = content["paths"][f"/apis/{GROUP}/{version}/nodes"]["get"]["x-kubernetes-group-version-kind"]
    assert kind == {"group": GROUP, "kind": "NodeMetrics", "version": version}
    named = [
        name
        for name, schema in content["components"]["schemas"].items()
        if kind in schema.get("x-kubernetes-group-version-kind", [])
    ]
    assert named == [f"io.k8s.metrics.pkg.apis.metrics.{version}.NodeMetrics"]


@pytest.mark.parametrize("path", ["", "/v1beta1", "/v1"])
def test_every_reference_of_v3_resolves(path: str) -> None:
    """No document refers to a schema it does not hold, and holds none that nothing refers to."""
    content = document(f"/openapi/v3/apis/{GROUP}{path}")
    held = {f"#/components/schemas/{name}" for name in content["components"]["schemas"]}
    assert set(references(content)) == held


def test_every_reference_of_v2_resolves() -> None:
    """The Swagger document refers to nothing that it does not define."""
    content = document("/openapi/v2")
    defined = {f"#/definitions/{name}" for name in content["definitions"]}
    assert set(references(content)) == defined


def test_v2_defines_only_its_own_kinds() -> None:
    """Names that the API server knows with other content stay out, so that nothing is renamed in the merge."""
    names = [
        f"io.k8s.metrics.pkg.apis.metrics.{version}.{kind}"
        for version in ("v1", "v1beta1")
        for kind in ("ContainerMetrics", "NodeMetrics", "NodeMetricsList", "PodMetrics", "PodMetricsList")
    ]
    content = document("/openapi/v2")
    assert list(content["definitions"]) == names
    assert all(path.startswith("/apis/") for path in content["paths"])
    assert content["info"] == {"title": "kubevitals", "version": "1.2.3"}


def test_v2_avoids_what_swagger_lacks() -> None:
    """The Swagger document has no alternatives, and each of its kinds names its group and version."""
    content = document("/openapi/v2")
    assert "oneOf" not in json.dumps(content)
    node = content["definitions"]["io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetrics"]
    kinds = [{"group": GROUP, "kind": "NodeMetrics", "version": "v1beta1"}]
    assert node["x-kubernetes-group-version-kind"] == kinds
    assert node["properties"]["usage"]["additionalProperties"]["type"] == "string"


@pytest.mark.parametrize("path", ["/openapi/v2", f"/openapi/v3/apis/{GROUP}/v1beta1", f"/openapi/v3/apis/{GROUP}"])
def test_every_field_is_explained(path: str) -> None:
    """Every field of every object has a description, and every required field exists."""
    found = list(schemas(document(path)))
    assert found
    for schema in found:
        assert all(field.get("description") for field in schema["properties"].values())
        assert set(schema.get("required", [])) <= schema["properties"].keys()


@pytest.mark.parametrize(
    ("kind", "required"),
    [
        ("NodeMetrics", ["timestamp", "usage", "window"]),
        ("PodMetrics", ["containers", "timestamp", "window"]),
        ("ContainerMetrics", ["name", "usage"]),
        ("PodMetricsList", ["items"]),
    ],
)
def test_required_fields(kind: str, required: list[str]) -> None:
    """What is always sent is marked as required, as upstream marks it."""
    schema = v3("v1beta1")["components"]["schemas"][f"io.k8s.metrics.pkg.apis.metrics.v1beta1.{kind}"]
    assert schema["required"] == required


def test_etag_gives_304() -> None:
    """A caller that holds the current document is told so without a body."""
    first = get("/openapi/v2")
    etag = dict(first.headers)["ETag"]
    again = get("/openapi/v2", If_None_Match=etag)
    assert (again.status, again.chunks) == (304, [])
    assert get("/openapi/v2", If_None_Match='"other"').status == 200


def test_documents_change_with_the_release() -> None:
    """A new release has new hashes, so that caches ask again."""
    assert openapi.root("1").etag != openapi.root("2").etag


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "application/json"),
        ("application/json", "application/json"),
        ("application/json, */*", "application/json"),
        ("application/*", "application/json"),
        (f"{PROTOBUF_ASKED},application/json", PROTOBUF_SERVED),
        (f"{PROTOBUF_SERVED};q=0.5,application/json;q=0.4", PROTOBUF_SERVED),
        (f"{PROTOBUF_ASKED};q=0.3,application/json", "application/json"),
    ],
)
def test_accept(accept: str, form: str) -> None:
    """JSON, or protobuf under either of its names, as the clauses come; the form that is sent has one name."""
    answer = get("/openapi/v2", Accept=accept)
    assert (answer.status, answer.content_type) == (200, form)
    assert answer.body.startswith(b"{" if form == "application/json" else b"\x0a\x032.0")


@pytest.mark.parametrize(
    ("path", "accept"),
    [("/openapi/v2", "text/html"), ("/openapi/v3", "application/yaml"), ("/openapi/v3", PROTOBUF_ASKED)],
)
def test_what_is_not_spoken(path: str, accept: str) -> None:
    """Another form is 406 without a body; the third version has JSON alone."""
    answer = get(path, Accept=accept)
    assert (answer.status, answer.chunks, answer.headers) == (406, [], [("Vary", "Accept")])


def test_wrong_hash_gives_the_current_document() -> None:
    """An outdated hash is answered with the current document, as redirects are refused by newer API servers."""
    path = f"/openapi/v3/apis/{GROUP}/v1beta1"
    answer = openapi.answer(Request("GET", path, query="hash=OLD"), "1.2.3")
    assert answer == get(path)


@pytest.mark.parametrize("path", ["/openapi/v3/apis", "/openapi/v3/version", "/openapi/v1", "/openapi/v3/apis/x/v1"])
def test_unknown_document(path: str) -> None:
    """What is not published is not found, rather than empty."""
    assert openapi.answer(Request("GET", path), "1.2.3") is None
    assert openapi.group_document(path, "1.2.3") is None
