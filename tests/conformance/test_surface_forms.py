"""Which form is chosen for which Accept header, and in which forms documents come."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from tests.conformance.programs import DISCOVERY_V2, DISCOVERY_V2BETA1, TABLE
from tests.conformance.wire import BETA, JSON, NODES, PROTOBUF, STABLE, YAML, accept, master, pods_in, proxied
from tests.whole.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

SWAGGER = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
OLD_SWAGGER = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
METADATA = "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("", JSON),
        ("*", JSON),
        ("application/*", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", JSON),
        ("application/json;charset=utf-8", JSON),
        ("application/json;q=0.1, application/yaml;q=0.9", YAML),
        ("application/json ; q=0.9 , application/yaml", YAML),
        ("application/json; q=abc, application/yaml;q=0.2", YAML),
        ("application/json;q=0", JSON),
        ("application/yaml;q=2, application/json", YAML),
        ("application/yaml;q=-1, application/json;q=0", JSON),
        ("application/yaml;q=0.5, */*", JSON),
        ("*/*;q=1, application/yaml;q=0.5", YAML),
        (f"{PROTOBUF};q=0.5, text/html", PROTOBUF),
        (", application/yaml,", YAML),
        ("application/json/x, application/yaml", YAML),
        ("application/json;stream=watch", JSON),
        ("application/json;stream=other,application/yaml", YAML),
        ("application/yaml;stream=watch,application/json", JSON),
        ("application/json;sv=v1", JSON),
        ("application/json;sv=v2,application/yaml", YAML),
        ("application/json;v=v1,application/yaml", YAML),
        (f"{PROTOBUF};as=Table;g=meta.k8s.io;v=v1,application/json", JSON),
        ("application/json;as=Table;g=meta.k8s.io;v=v2,application/yaml", YAML),
        (f"application/yaml;{METADATA}", YAML),
    ],
)
async def test_the_best_clause_that_can_be_met_is_met(world: World, value: str, form: str) -> None:
    """Quality decides, then the order; a definite type comes before a wildcard that was sent before it."""
    reply = await master(world).get(NODES, accept(value))

    assert (reply.code, reply.type) == (200, form)


@pytest.mark.parametrize(
    "value", ["text/html", "Application/JSON", "application/json/x", "json", "application/xml;q=1"]
)
async def test_an_unknown_type_is_refused_by_the_router(world: World, value: str) -> None:
    """Where no type is offered at all the refusal lists those that are, in JSON for people."""
    reply = await master(world).get(NODES, accept(value))

    assert (reply.code, reply.type, reply.document["details"]) == (406, JSON, {})
    assert reply.message.startswith("406: Not Acceptable\n\nAvailable representations: application/json, ")
    assert reply.body.startswith(b'{\n  "kind": "Status",\n')


@pytest.mark.parametrize(
    "value",
    [
        "application/json;as=Foo",
        "application/json;as=Table",
        "application/json;v=v1",
        "application/json;sv=v2",
        "application/yaml;stream=watch",
        f"{PROTOBUF};as=Table;g=meta.k8s.io;v=v1",
        DISCOVERY_V2,
    ],
)
async def test_an_impossible_shape_is_refused_by_negotiation(world: World, value: str) -> None:
    """Where every known type comes with a wish that cannot be met the refusal has no details."""
    reply = await master(world).get(NODES, accept(value))

    assert (reply.code, reply.type) == (406, JSON)
    assert reply.message == f"only the following media types are accepted: {JSON}, {YAML}, {PROTOBUF}"
    assert "details" not in reply.document


async def test_only_the_first_accept_line_counts(world: World) -> None:
    """Several lines are not put together, as in the API server."""
    asker = master(world)

    assert (await asker.get(NODES, accept(YAML), accept(JSON))).type == YAML
    assert (await asker.get(NODES, accept("text/html"), accept(JSON))).code == 406


async def test_errors_have_the_form_without_the_shape(world: World) -> None:
    """An error takes the first clause that asks for no shape, and is indented JSON where there is none."""
    asker, missing = master(world), f"{NODES}/x"

    table = await asker.get(missing, accept(TABLE))
    lone = await asker.get(missing, accept("application/json;as=Table;v=v1;g=meta.k8s.io"))
    yaml = await asker.get(missing, accept(f"application/json;as=Table;v=v1;g=meta.k8s.io,{YAML}"))
    refused = await proxied(world, "stranger").get(NODES, accept("text/html"))

    assert (table.code, table.type, table.body[:8]) == (404, JSON, b'{"kind":')
    assert (lone.code, lone.type, lone.body[:12]) == (404, JSON, b'{\n  "kind": ')
    assert (yaml.code, yaml.type) == (404, YAML)
    assert (refused.code, refused.type, refused.body[:12]) == (403, JSON, b'{\n  "kind": ')


async def test_documents_come_in_every_form(world: World) -> None:
    """Group, resources, groups and aggregated discovery say the same in JSON, YAML and protobuf."""
    asker = master(world)
    for path in ("/apis", "/apis/metrics.k8s.io", BETA, STABLE):
        in_json, in_yaml, in_protobuf = [await asker.get(path, accept(form)) for form in (JSON, YAML, PROTOBUF)]
        assert [reply.type for reply in (in_json, in_yaml, in_protobuf)] == [JSON, YAML, PROTOBUF]
        assert in_yaml.document == in_json.document
        assert pruned(in_protobuf.document) == pruned(in_json.document)
    for wanted in (DISCOVERY_V2, DISCOVERY_V2BETA1):
        forms = [wanted, wanted.replace(JSON, YAML), wanted.replace(JSON, PROTOBUF)]
        in_json, in_yaml, in_protobuf = [await asker.get("/apis", accept(form)) for form in forms]
        assert [reply.type for reply in (in_json, in_yaml, in_protobuf)] == forms
        assert in_yaml.document == in_json.document
        assert pruned(in_protobuf.document) == pruned(in_json.document)


def pruned(value: Any) -> Any:
    """Leave out what protocol buffers do: empty texts, false, null and what is empty."""
    if isinstance(value, dict):
        found = {key: pruned(each) for key, each in value.items()}
        return {key: each for key, each in found.items() if each not in ("", False, None, {}, [])}
    return [pruned(each) for each in value] if isinstance(value, list) else value


async def test_a_group_that_was_asked_for_whole_comes_whole(world: World) -> None:
    """Whoever names aggregated discovery anywhere gets it, even behind plain JSON; another version is passed over."""
    asker = master(world)

    behind = await asker.get("/apis", accept(f"{JSON},{DISCOVERY_V2}"))
    other = await asker.get("/apis", accept(f"{DISCOVERY_V2.replace('v=v2', 'v=v3')},{JSON}"))
    alone = await asker.get("/apis", accept(DISCOVERY_V2.replace("v=v2", "v=v3")))

    assert (behind.type, other.type, other.document["kind"]) == (DISCOVERY_V2, JSON, "APIGroupList")
    assert (alone.code, alone.message) == (
        406,
        f"only the following media types are accepted: {JSON}, {YAML}, {PROTOBUF}",
    )


async def test_the_empty_shapes_have_null_where_the_api_server_has(world: World) -> None:
    """An empty list is an array, an empty Table has neither columns nor rows, an empty metadata list no items."""
    asker, nowhere = master(world), pods_in("nowhere")
    version = (await asker.get(nowhere)).document["metadata"]["resourceVersion"]

    bodies = [
        (await asker.get(nowhere, *lines)).body.decode().replace(version, "V")
        for lines in ([], [accept(TABLE)], [accept(f"{JSON};{METADATA}")])
    ]

    metadata = '"metadata":{"resourceVersion":"V"}'
    assert bodies == [
        f'{{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1",{metadata},"items":[]}}\n',
        f'{{"kind":"Table","apiVersion":"meta.k8s.io/v1",{metadata},"columnDefinitions":null,"rows":null}}\n',
        f'{{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1",{metadata},"items":null}}\n',
    ]


async def test_openapi_2_comes_as_a_message_too(world: World) -> None:
    """Under both names of its type there is the protobuf document; the third version has JSON alone."""
    asker = master(world)

    for value in (SWAGGER, OLD_SWAGGER, f"{OLD_SWAGGER},{JSON}"):
        reply = await asker.get("/openapi/v2", accept(value))
        assert (reply.code, reply.type, reply.body[:5]) == (200, SWAGGER, b"\x0a\x032.0")
        assert reply.header("Vary") == "Accept"
    for path, value in (("/openapi/v2", "text/html"), ("/openapi/v3", YAML)):
        refused = await asker.get(path, accept(value))
        assert (refused.code, refused.type, refused.body) == (406, "", b"")


async def test_documents_and_metrics_are_packed_earlier(world: World) -> None:
    """OpenAPI is compressed above 1400 bytes, the server's own metrics always, discovery not at this size."""
    asker, packs = master(world), ("Accept-Encoding", "gzip")
    for path, packed in (("/openapi/v2", True), ("/metrics", True), ("/openapi/v3", False), ("/apis", False)):
        reply = await asker.get(path, packs)
        assert (reply.header("Content-Encoding") == "gzip") is packed
        if packed:
            assert "Accept-Encoding" in ", ".join(reply.all("Vary"))
            assert gzip.decompress(reply.body).startswith((b"{", b"#"))
