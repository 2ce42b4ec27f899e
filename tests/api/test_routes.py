"""Every path of the server, asked through the whole chain by somebody who may."""

from __future__ import annotations

import json

import pytest
from tests.api.whole_chain import A, World

V1 = "/apis/metrics.k8s.io/v1"
NOT_FOUND = "the server could not find the requested resource"


async def body(uri: str, world: World | None = None, **headers: str):
    answer = await (world or World()).ask(uri, **headers)
    return answer.status, json.loads(answer.body)


async def test_a_node_is_an_object_of_its_version():
    """One node carries kind, metadata, timestamp, window and usage in both versions."""
    for version, path in (("v1beta1", A), ("v1", V1)):
        status, node = await body(f"{path}/nodes/n1")
        assert status == 200
        assert node == {
            "kind": "NodeMetrics",
            "apiVersion": f"metrics.k8s.io/{version}",
            "metadata": {
                "name": "n1", "creationTimestamp": "2026-01-02T03:04:05Z",
                "labels": {"app": "web"}, "resourceVersion": node["metadata"]["resourceVersion"],
            },
            "timestamp": "2026-09-21T14:13:35Z",
            "window": "15s",
            "usage": {"cpu": "1", "memory": "1Gi"},
        }  # fmt: skip


async def test_a_list_holds_what_was_measured():
    """Objects without usage are left out, and items carry neither kind nor apiVersion."""
    status, nodes = await body(f"{A}/nodes")
    assert (status, nodes["kind"], [item["metadata"]["name"] for item in nodes["items"]]) == (
        200,
        "NodeMetricsList",
        ["n1"],
    )
    assert "kind" not in nodes["items"][0]


async def test_pods_come_by_namespace_and_name_with_containers_by_name():
    """All pods, one namespace, and an unknown namespace."""
    _, pods = await body(f"{A}/pods")
    _, shop = await body(f"{A}/namespaces/shop/pods")
    status, none = await body(f"{A}/namespaces/nowhere/pods")
    assert [item["metadata"]["name"] for item in pods["items"]] == ["db-0", "web-0"]
    assert [c["name"] for c in shop["items"][0]["containers"]] == ["app", "proxy"]
    assert (status, none["items"]) == (200, [])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("labelSelector=app%3Dweb", ["web-0"]),
        ("labelSelector=app+notin+(web)", ["db-0"]),
        ("fieldSelector=metadata.name%3Ddb-0", ["db-0"]),
        ("fieldSelector=metadata.namespace!%3Ddata", ["web-0"]),
        ("limit=1&continue=x&resourceVersion=0", ["db-0", "web-0"]),
    ],
)
async def test_selectors_choose(query: str, names: list[str]):
    """Label and field selectors apply, and paging is ignored."""
    _, pods = await body(f"{A}/pods?{query}")
    assert [item["metadata"]["name"] for item in pods["items"]] == names


@pytest.mark.parametrize(
    ("uri", "code", "message"),
    [
        (f"{A}/nodes/n9", 404, 'node "n9" not found'),
        (f"{A}/nodes/n2", 404, 'nodemetrics.metrics.k8s.io "n2" not found'),
        (f"{A}/namespaces/shop/pods/x", 404, 'pods "x" not found'),
        (f"{A}/namespaces/shop/pods/new-0", 404, 'podmetrics.metrics.k8s.io "shop/new-0" not found'),
        (f"{A}/nonsense", 404, NOT_FOUND),
        (f"{A}/pods/web-0", 404, NOT_FOUND),
        (f"{A}/namespaces/shop/nodes", 404, NOT_FOUND),
        (f"{A}/namespaces/shop", 404, NOT_FOUND),
        (f"{A}/nodes/n1/status", 404, NOT_FOUND),
        ("/apis/metrics.k8s.io/v9/nodes", 404, NOT_FOUND),
        (f"{A}/nodes?watch=1", 405, 'watch is not supported on resources of kind "nodes.metrics.k8s.io"'),
        (f"{A}/nodes?limit=abc", 400, 'strconv.ParseInt: parsing "abc": invalid syntax'),
        (f"{A}/nodes?fieldSelector=foo", 400, "invalid selector: 'foo'; can't understand 'foo'"),
        (f"{A}/nodes/n1?export=true", 400, "the export parameter, deprecated since v1.14, is no longer supported"),
    ],
)
async def test_refusals_carry_upstreams_text(uri: str, code: int, message: str):
    """Clients print these messages verbatim."""
    status, failure = await body(uri)
    assert (status, failure["kind"], failure["code"], failure["message"]) == (code, "Status", code, message)


async def test_contradicting_list_options_are_422_with_their_cause():
    """The cause names field and reason."""
    status, failure = await body(f"{A}/nodes?resourceVersionMatch=Exact")
    assert (status, failure["reason"]) == (422, "Invalid")
    assert failure["details"]["causes"][0]["field"] == "resourceVersionMatch"


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/apis", A, f"{A}/nodes", f"{A}/nodes/n1", "/version"])
async def test_only_get_is_allowed(method: str, path: str):
    """Every other method on a path of the API is 405."""
    answer = await World().ask(path, method)
    assert answer.status == 405
    assert json.loads(answer.body)["reason"] == "MethodNotAllowed"


async def test_unknown_paths_list_the_known_ones():
    """Outside the API, a 404 is the list of paths, as at the root."""
    root, unknown = await body("/"), await body("/foo")
    assert (root[0], unknown[0]) == (200, 404)
    assert root[1] == unknown[1]
    assert f"{A}" in root[1]["paths"]
    assert root[1]["paths"] == sorted(root[1]["paths"])
    assert (await body("/apis/other"))[0] == 404


async def test_discovery_offers_both_versions_with_v1beta1_first():
    """Old and new clients each find the version they know."""
    _, groups = await body("/apis")
    _, group = await body("/apis/metrics.k8s.io")
    _, resources = await body(V1)
    assert [version["version"] for version in groups["groups"][0]["versions"]] == ["v1beta1", "v1"]
    assert group["preferredVersion"]["version"] == "v1beta1"
    assert [(r["name"], r["kind"], r["verbs"]) for r in resources["resources"]] == [
        ("nodes", "NodeMetrics", ["get", "list"]),
        ("pods", "PodMetrics", ["get", "list"]),
    ]


async def test_aggregated_discovery_has_a_tag_that_saves_sending_it_again():
    """The aggregated document names its form in the Content-Type, and If-None-Match gives 304."""
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    world = World()
    answer = await world.ask("/apis", Accept=accept)
    etag = dict(answer.headers)["ETag"]
    assert answer.content_type == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    again = await world.ask("/apis", Accept=accept, If_None_Match=etag)
    assert (again.status, again.body) == (304, b"")
    assert (await world.ask(A, Accept="application/json", If_None_Match=etag)).status == 200


async def test_tables_are_for_people():
    """The Table that kubectl asks for has its four columns."""
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    status, table = await body(f"{A}/namespaces/shop/pods", Accept=accept)
    assert (status, table["kind"]) == (200, "Table")
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "cpu", "memory", "Window"]
    assert table["rows"][0]["cells"] == ["web-0", "2", "2Mi", "15s"]


async def test_forms_that_cannot_be_given_are_406():
    """A type that is not offered, and metadata of a list asked of one object."""
    assert (await World().ask(f"{A}/nodes", Accept="text/html")).status == 406
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    assert (await World().ask(f"{A}/nodes/n1", Accept=accept)).status == 406


async def test_people_get_indented_json():
    """Curl gets something to read, and pretty=false turns it off."""
    world = World()
    curled = await world.ask(f"{A}/nodes", User_Agent="curl/8.0")
    plain = await world.ask(f"{A}/nodes?pretty=false", User_Agent="curl/8.0")
    assert curled.body.startswith(b'{\n  "kind"')
    assert plain.body.startswith(b'{"kind"')
    assert plain.body.endswith(b"\n")


async def test_documents_and_probes_are_there():
    """Version, OpenAPI, health and metrics answer."""
    world = World()
    assert (await body("/version"))[1]["gitVersion"] == "v1.2.3"
    assert (await body("/openapi/v2"))[1]["swagger"] == "2.0"
    assert "apis/metrics.k8s.io/v1" in (await body("/openapi/v3"))[1]["paths"]
    assert (await world.ask("/readyz")).body == b"ok"
    world.unready = "nothing was measured"
    assert (await world.ask("/readyz")).status == 500
    assert b"metrics_server_manager_tick_duration_seconds" in (await world.ask("/metrics")).body


async def test_what_is_served_is_told():
    """Each object in an answer is told of once, for the freshness metric."""
    world = World()
    await world.ask(f"{A}/pods")
    await world.ask(f"{A}/nodes/n9")
    assert [item.found.name for items in world.served for item in items] == ["db-0", "web-0"]
