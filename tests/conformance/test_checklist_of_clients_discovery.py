"""The checklist of what clients need, 9 to 17: the documents by which they find their way, from the whole server."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.conformance.programs import DISCOVERY_V2, DISCOVERY_V2BETA1, kubectl
from tests.conformance.wire import BETA, JSON, STABLE, Reply, Wire, accept, master, proxied, through_aggregator
from tests.whole.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROUP = "metrics.k8s.io"
MODELS = "io.k8s.metrics.pkg.apis.metrics"
VERBS = ["get", "list"]
KINDS = ("NodeMetrics", "NodeMetricsList", "PodMetrics", "PodMetricsList")
VERSIONS = [{"groupVersion": f"{GROUP}/{version}", "version": version} for version in ("v1beta1", "v1")]


async def test_checklist_of_clients_09_resources_are_named_as_clients_know_them(world: World) -> None:
    """Both resources can be got and listed and nothing else, and their singular names are left to the client."""
    for path in (BETA, STABLE):
        reply = await master(world).get(path)
        assert (reply.code, reply.type) == (200, JSON)
        assert reply.document == {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": path.removeprefix("/apis/"),
            "resources": [
                {"name": "nodes", "singularName": "", "namespaced": False, "kind": "NodeMetrics", "verbs": VERBS},
                {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": VERBS},
            ],
        }


async def test_checklist_of_clients_10_the_group_is_found(world: World) -> None:
    """The group names its versions and the preferred one; so does the list of groups, for each usual Accept."""
    asker = master(world)

    group = await asker.get(f"/apis/{GROUP}")
    lists = [await asker.get("/apis", *lines) for lines in ([], [accept("*/*")], [accept(JSON)])]

    assert group.document == {
        "kind": "APIGroup", "apiVersion": "v1", "name": GROUP, "versions": VERSIONS, "preferredVersion": VERSIONS[0],
    }  # fmt: skip
    address = [{"clientCIDR": "0.0.0.0/0", "serverAddress": f":{world.port}"}]
    listed = {
        "name": GROUP, "versions": VERSIONS, "preferredVersion": VERSIONS[0], "serverAddressByClientCIDRs": address,
    }  # fmt: skip
    assert [(reply.type, reply.document) for reply in lists] == [
        (JSON, {"kind": "APIGroupList", "groups": [listed]})
    ] * 3


async def test_checklist_of_clients_11_aggregated_discovery_says_what_it_is(world: World) -> None:
    """The parameters are found in any order, the answer repeats them, and its tag saves sending it again."""
    asker = master(world)
    another_order = "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io"

    first, second = [await asker.get("/apis", accept(value)) for value in (DISCOVERY_V2, another_order)]
    again = await asker.get("/apis", accept(DISCOVERY_V2), ("If-None-Match", first.header("ETag")))
    changed = await asker.get("/apis", accept(DISCOVERY_V2), ("If-None-Match", '"ABC"'))

    assert (first.type, second.type) == (DISCOVERY_V2, DISCOVERY_V2)
    assert re.fullmatch('"[0-9A-F]{128}"', first.header("ETag"))
    assert (first.header("Vary"), first.header("Cache-Control")) == ("Accept", "public")
    document = first.document
    assert (document["kind"], document["apiVersion"]) == ("APIGroupDiscoveryList", "apidiscovery.k8s.io/v2")
    assert [item["metadata"]["name"] for item in document["items"]] == [GROUP]
    versions = document["items"][0]["versions"]
    assert [(version["version"], version["freshness"]) for version in versions] == [
        ("v1beta1", "Current"), ("v1", "Current"),
    ]  # fmt: skip
    for version in versions:
        assert version["resources"] == [
            discovered("nodes", "NodeMetrics", "Cluster"),
            discovered("pods", "PodMetrics", "Namespaced"),
        ]
    assert (again.code, again.body, again.header("ETag")) == (304, b"", first.header("ETag"))
    assert (changed.code, changed.body) == (200, first.body)


def discovered(resource: str, kind: str, scope: str) -> dict[str, Any]:
    response_kind = {"group": "", "version": "", "kind": kind}
    return {
        "resource": resource, "responseKind": response_kind, "scope": scope, "singularResource": "", "verbs": VERBS,
    }  # fmt: skip


async def test_checklist_of_clients_12_each_release_finds_its_own_aggregated_form(world: World) -> None:
    """Who knows only the older form gets that, labelled so; who knows both gets the newer one."""
    asker = master(world)

    older = await asker.get("/apis", accept(DISCOVERY_V2BETA1))
    both = await asker.get("/apis", accept(f"{DISCOVERY_V2},{DISCOVERY_V2BETA1},{JSON}"))
    oldest = await asker.get("/apis", accept(f"{JSON}, */*"))

    assert (older.code, older.type) == (200, DISCOVERY_V2BETA1)
    assert older.document["apiVersion"] == "apidiscovery.k8s.io/v2beta1"
    assert (both.type, both.document["apiVersion"]) == (DISCOVERY_V2, "apidiscovery.k8s.io/v2")
    assert (oldest.type, oldest.document["kind"]) == (JSON, "APIGroupList")


async def test_checklist_of_clients_13_a_tag_of_another_document_changes_nothing(world: World) -> None:
    """The fallback to the legacy document sends the aggregated one's tag along, and needs a body."""
    asker = master(world)
    tag = (await asker.get("/apis", accept(DISCOVERY_V2))).header("ETag")

    reply = await proxied(world, "system:kube-aggregator").get(BETA, accept(JSON), ("If-None-Match", tag))

    assert (reply.code, reply.document["kind"]) == (200, "APIResourceList")


async def test_checklist_of_clients_14_what_is_named_is_served(world: World) -> None:
    """Every version that discovery names gives lists of that version, and the one that all clients know is there."""
    asker = master(world)
    named = [version["version"] for version in (await asker.get(f"/apis/{GROUP}")).document["versions"]]

    lists = {version: (await asker.get(f"/apis/{GROUP}/{version}/nodes")).document for version in named}

    assert named[0] == "v1beta1"
    for version, document in lists.items():
        assert document["apiVersion"] == f"{GROUP}/{version}"
        assert document["items"], "and with the same objects"


async def test_checklist_of_clients_15_openapi_2_names_every_kind(world: World) -> None:
    """The Swagger document has the definitions by their known names, each with its kind, and a tag."""
    asker = proxied(world, "system:aggregator")

    first = await asker.get("/openapi/v2", accept(JSON))
    again = await asker.get("/openapi/v2", accept(JSON), ("If-None-Match", first.header("ETag")))

    document = first.document
    assert (first.type, document["swagger"]) == (JSON, "2.0")
    for version in ("v1beta1", "v1"):
        for kind in KINDS:
            known = document["definitions"][f"{MODELS}.{version}.{kind}"]["x-kubernetes-group-version-kind"]
            assert known == [{"group": GROUP, "kind": kind, "version": version}]
        assert f"{MODELS}.{version}.ContainerMetrics" in document["definitions"]
    assert all(path.startswith(f"/apis/{GROUP}/") for path in document["paths"])
    assert first.header("Vary") == "Accept"
    assert (again.code, again.body) == (304, b"")


async def test_checklist_of_clients_16_openapi_3_leads_to_each_version(world: World) -> None:
    """The root names a document with its hash; that, another or no hash give the current document, never a redirect."""
    asker = proxied(world, "system:aggregator")
    root = await asker.get("/openapi/v3")
    paths = root.document["paths"]
    assert sorted(paths) == [f"apis/{GROUP}", f"apis/{GROUP}/v1", f"apis/{GROUP}/v1beta1"]
    for version in ("v1beta1", "v1"):
        url = paths[f"apis/{GROUP}/{version}"]["serverRelativeURL"]
        bare, _, tag = url.partition("?hash=")
        replies = [await asker.get(target) for target in (url, f"{bare}?hash=0", bare, f"{url}&timeout=32s")]
        assert [reply.code for reply in replies] == [200] * 4
        assert {reply.body for reply in replies} == {replies[0].body}
        assert {reply.header("ETag") for reply in replies} == {f'"{tag}"'}
        assert {reply.header("Cache-Control") for reply in replies} == {"no-cache, private"}
        document = replies[0].document
        assert document["openapi"].startswith("3.0")
        assert f"/apis/{GROUP}/{version}/namespaces/{{namespace}}/pods" in document["paths"]
        assert set(KINDS) <= {name.rpartition(".")[2] for name in document["components"]["schemas"]}


async def test_checklist_of_clients_17_kubectl_can_explain_and_list(world: World) -> None:
    """What kubectl prints of kinds and resources is found the way it looks for it, through the API server.

    What several releases of kubectl make of it is in tests/kubectl/test_kubectl_get.py.
    """
    await world.cluster.wait_available()
    asker = through_aggregator(world)
    assert await api_resources(asker) == [
        ("nodes", f"{GROUP}/v1beta1", False, "NodeMetrics"),
        ("pods", f"{GROUP}/v1beta1", True, "PodMetrics"),
    ]
    for kind, field, type_ in (("NodeMetrics", "usage", "object"), ("PodMetrics", "containers", "array")):
        schema = await explained(asker, kind)
        assert sorted(schema["required"]) == sorted(["timestamp", "window", field])
        assert schema["properties"][field]["type"] == type_
        assert all(described(each) for each in (schema, *schema["properties"].values()))


async def api_resources(asker: Wire) -> list[tuple[str, str, bool, str]]:
    """The rows of ``kubectl api-resources --api-group=metrics.k8s.io``: of a resource's first version."""
    lines = kubectl("api-resources", f"{DISCOVERY_V2},{DISCOVERY_V2BETA1},{JSON}")
    reply = await asker.get("/apis?timeout=32s", *lines)
    assert reply.type == DISCOVERY_V2
    group = next(item for item in reply.document["items"] if item["metadata"]["name"] == GROUP)
    version = group["versions"][0]
    assert version["freshness"] == "Current"
    return [
        (row["resource"], f"{GROUP}/{version['version']}", row["scope"] == "Namespaced", row["responseKind"]["kind"])
        for row in version["resources"]
    ]


async def explained(asker: Wire, kind: str) -> dict[str, Any]:
    """The schema that ``kubectl explain`` prints: of the kind that an operation of a path is about."""
    lines = kubectl("explain", f"{JSON}, */*")
    root: Reply = await asker.get("/openapi/v3?timeout=32s", *lines)
    url = root.document["paths"][f"apis/{GROUP}/v1beta1"]["serverRelativeURL"]
    document = (await asker.get(f"{url}&timeout=32s", *kubectl("explain", JSON))).document
    resource = "nodes" if kind == "NodeMetrics" else "namespaces/{namespace}/pods"
    wanted = document["paths"][f"/apis/{GROUP}/v1beta1/{resource}"]["get"]["x-kubernetes-group-version-kind"]
    assert wanted == {"group": GROUP, "version": "v1beta1", "kind": kind}
    schemas = document["components"]["schemas"].values()
    return next(schema for schema in schemas if wanted in schema.get("x-kubernetes-group-version-kind", []))


def described(schema: dict[str, Any]) -> bool:
    return bool(schema.get("description"))
