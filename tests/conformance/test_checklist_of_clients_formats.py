"""The checklist of what clients need, 29 to 36: the forms in which the same is said, from the whole server."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conformance.additions import UNMEASURED_NODE, WIDE, WIDE_PODS, add_wide_pods
from tests.conformance.decoding import opened
from tests.conformance.programs import DISCOVERY_V2, GET, TABLE
from tests.conformance.wire import (
    BETA,
    JSON,
    NODES,
    PODS,
    PROTOBUF,
    STABLE,
    YAML,
    Line,
    Reply,
    Wire,
    accept,
    master,
    nobody,
    pods_in,
    proxied,
)
from tests.whole.waiting import eventually
from tests.whole.world import NODE_NAMES, POD_NAMES, World, running

from kubevitals.quantity import format_cpu, format_memory, parse_cpu, parse_memory

pytestmark = pytest.mark.asyncio(loop_scope="module")

CART = f"{pods_in('shop')}/cart-0"
ALL_FORMS = (JSON, YAML, PROTOBUF)


async def alike(asker: Wire, target: str, *forms: str) -> list[Reply]:
    """Ask for several forms of the same instant: nothing was measured between the first and the last answer."""

    async def asked() -> list[Reply] | None:
        replies = [await asker.get(target, accept(form)) for form in (*forms, forms[0])]
        return replies[:-1] if replies[0].body == replies[-1].body else None

    return await eventually(asked)  # type: ignore[return-value]


def metadata_of(kind: str, version: str = "v1") -> str:
    return f";as={kind};g=meta.k8s.io;v={version}"


async def test_checklist_of_clients_29_json_is_what_comes_unasked(world: World) -> None:
    """No Accept and every wildcard give JSON, labelled so; whatever has a body says what it is."""
    asker = master(world)
    for path in (NODES, f"{NODES}/node-1", PODS, CART, BETA, "/apis", "/apis/metrics.k8s.io"):
        for lines in ([], [accept("*/*")], [accept("application/*")], [accept(JSON)]):
            reply = await asker.get(path, *lines)
            assert (reply.code, reply.type) == (200, JSON)
            assert reply.body.endswith(b"}\n")
    for path in ("/", "/nowhere", "/version", "/livez", "/readyz?verbose", "/metrics", "/openapi/v2", "/openapi/v3"):
        assert (await asker.get(path)).type
    refused = [
        await asker.get(f"{NODES}/nowhere"),
        await asker.get(f"{NODES}?limit=x"),
        await asker.get(NODES, accept("text/html")),
        await asker.get(NODES, method="DELETE"),
        await asker.get(f"{BETA}/watch"),
        await asker.get("/%zz"),
        await nobody(world).get(NODES),
        await nobody(world, ("Authorization", "Bearer x")).get(NODES),
    ]
    assert [reply.code for reply in refused] == [404, 400, 406, 405, 500, 400, 403, 401]
    assert all(reply.type and reply.body for reply in refused)


async def test_checklist_of_clients_30_who_prefers_protobuf_is_never_turned_away(world: World) -> None:
    """The Accept headers of kubectl top and of the generated clients get protobuf for whatever there is."""
    for path in (NODES, f"{NODES}/node-1", PODS, pods_in("shop"), CART, BETA, "/apis/metrics.k8s.io", "/apis"):
        for value in (f"{PROTOBUF}, */*", f"{PROTOBUF},{JSON}"):
            reply = await master(world).get(path, accept(value))
            assert (reply.code, reply.type) == (200, PROTOBUF)
            assert reply.body.startswith(b"k8s\0")


async def test_checklist_of_clients_31_protobuf_says_what_json_says(world: World) -> None:
    """Decoded, lists and objects of both versions are the same as in JSON and YAML: windows to the nanosecond."""
    asker = master(world)
    for base in (BETA, STABLE):
        for path in ("nodes", "nodes/node-1", "pods", "namespaces/data/pods", "namespaces/shop/pods/cart-0"):
            in_json, in_protobuf, in_yaml = await alike(asker, f"{base}/{path}", JSON, PROTOBUF, YAML)
            assert in_protobuf.type == PROTOBUF
            assert in_protobuf.document == in_json.document
            assert in_yaml.document == in_json.document
    assert opened(in_protobuf.body)[:2] == ("metrics.k8s.io/v1", "PodMetrics")


async def test_checklist_of_clients_32_errors_come_in_the_same_form(world: World) -> None:
    """A client that reads protobuf gets its errors so too, with the same content as in JSON."""
    asker, stranger = master(world), proxied(world, "stranger")
    for caller, target, code in (
        (asker, f"{NODES}/x", 404),
        (asker, f"{NODES}/{UNMEASURED_NODE}", 404),
        (asker, f"{BETA}/foo", 404),
        (asker, f"{NODES}?watch=1", 405),
        (asker, f"{NODES}?fieldSelector=a%3Db", 400),
        (asker, f"{NODES}?resourceVersionMatch=Exact", 422),
        (stranger, NODES, 403),
        (nobody(world, ("Authorization", "Bearer x")), NODES, 401),
    ):
        in_json, in_protobuf, in_yaml = [
            await caller.get(target, accept(value)) for value in (JSON, f"{PROTOBUF}, */*", YAML)
        ]
        assert [reply.code for reply in (in_json, in_protobuf, in_yaml)] == [code] * 3
        assert [reply.type for reply in (in_json, in_protobuf, in_yaml)] == [JSON, PROTOBUF, YAML]
        assert opened(in_protobuf.body)[:2] == ("v1", "Status")
        expected = in_json.document
        if details := expected.get("details"):
            expected["details"] = _one_cause(details)
        assert _filled(in_protobuf.document) == _filled(expected)
        assert in_yaml.document == in_json.document


def _one_cause(details: dict[str, Any]) -> dict[str, Any]:
    """Details as the decoder of this test shows them, which takes a cause for the only one."""
    return details | ({"causes": details["causes"][0]} if "causes" in details else {})


def _filled(status: dict[str, Any]) -> dict[str, Any]:
    """A Status with what protobuf cannot say: that there are details, but nothing in them."""
    return {"details": {}, "metadata": {}} | status


COLUMNS = [
    {"name": "Name", "type": "string", "format": "name", "description": "Name of the resource", "priority": 0},
    {"name": "cpu", "type": "string", "format": "quantity", "description": "", "priority": 0},
    {"name": "memory", "type": "string", "format": "quantity", "description": "", "priority": 0},
    {"name": "Window", "type": "string", "format": "duration", "description": "", "priority": 0},
]


async def test_checklist_of_clients_33_kubectl_prints_a_table(world: World) -> None:
    """Columns, cells and row objects are those that ``kubectl get`` prints, for lists and for one object."""
    asker = master(world)
    table, nodes = await alike(asker, f"{NODES}?limit=500", TABLE, JSON)
    document, items = table.document, nodes.document["items"]
    assert table.type == JSON
    assert (document["kind"], document["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert document["columnDefinitions"] == COLUMNS
    assert document["metadata"] == nodes.document["metadata"]
    assert [row["cells"] for row in document["rows"]] == [
        [item["metadata"]["name"], item["usage"]["cpu"], item["usage"]["memory"], item["window"]] for item in items
    ]
    head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    assert [row["object"] for row in document["rows"]] == [head | {"metadata": item["metadata"]} for item in items]

    pods, measured = await alike(asker, PODS, TABLE, JSON)
    assert [row["cells"] for row in pods.document["rows"]] == [
        [item["metadata"]["name"], *summed(item["containers"]), item["window"]] for item in measured.document["items"]
    ]
    one = (await asker.get(CART, *GET)).document
    assert (one["columnDefinitions"], [row["cells"][0] for row in one["rows"]]) == (COLUMNS, ["cart-0"])

    older = (await asker.get(NODES, accept("application/json;as=Table;v=v1beta1;g=meta.k8s.io"))).document
    assert (older["apiVersion"], older["rows"][0]["object"]["apiVersion"]) == ("meta.k8s.io/v1beta1",) * 2
    bare = (await asker.get(f"{NODES}?includeObject=None", *GET)).document
    assert [row["object"] for row in bare["rows"]] == [None] * len(NODE_NAMES)
    whole, lone = await asker.get(f"{NODES}?includeObject=Object", *GET), (await asker.get(NODES)).document["items"][0]
    assert whole.document["rows"][0]["object"].keys() == {"kind", "apiVersion", *lone}
    assert whole.document["rows"][0]["object"]["kind"] == "NodeMetrics"
    odd = await asker.get(f"{NODES}?includeObject=x", *GET)
    assert (odd.code, odd.message) == (
        400,
        'Unable to convert to Table as requested: includeObject: Invalid value: "x": '
        "must be 'Metadata', 'Object', 'None', or empty",
    )
    empty = (await asker.get(pods_in("nowhere"), *GET)).document
    assert (empty["columnDefinitions"], empty["rows"]) == (None, None)
    assert (await asker.get(NODES, accept(f"{PROTOBUF}{metadata_of('Table')}"))).code == 406


def summed(containers: list[dict[str, Any]]) -> list[str]:
    """What all containers of a pod use together, as a cell shows it."""
    cpu = sum(parse_cpu(container["usage"]["cpu"]) for container in containers)
    return [format_cpu(cpu), format_memory(sum(parse_memory(container["usage"]["memory"]) for container in containers))]


async def test_checklist_of_clients_34_metadata_can_be_had_alone(world: World) -> None:
    """Lists and objects without their measurements, in every encoding and both versions of the metadata's group."""
    asker = master(world)
    for version in ("v1", "v1beta1"):
        for path, kind in ((PODS, "PartialObjectMetadataList"), (CART, "PartialObjectMetadata")):
            forms = [form + metadata_of(kind, version) for form in ALL_FORMS]
            in_json, in_yaml, in_protobuf, plain = await alike(asker, path, *forms, JSON)
            document = in_json.document
            assert [reply.type for reply in (in_json, in_yaml, in_protobuf)] == [JSON, YAML, PROTOBUF]
            assert (document["kind"], document["apiVersion"]) == (kind, f"meta.k8s.io/{version}")
            assert document["metadata"] == plain.document["metadata"]
            assert in_yaml.document == document
            items, measured = document.get("items", []), plain.document.get("items", [])
            head = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}"}
            assert items == [head | {"metadata": item["metadata"]} for item in measured]
            found = in_protobuf.document
            assert (found["kind"], found["metadata"]) == (kind, document["metadata"])
            assert found.get("items", []) == [{"metadata": item["metadata"]} for item in items]
    impossible = await asker.get(NODES, accept("application/json;as=Foo"))
    passed_over = await asker.get(NODES, accept("application/json;as=Foo,application/json"))
    assert (impossible.code, passed_over.code, passed_over.names) == (406, 200, NODE_NAMES)
    assert impossible.message == (
        "only the following media types are accepted: application/json, application/yaml, "
        "application/vnd.kubernetes.protobuf"
    )
    wrong_way = await asker.get(PODS, accept(f"{JSON}{metadata_of('PartialObjectMetadata')},{JSON}"))
    other_way = await asker.get(CART, accept(f"{JSON}{metadata_of('PartialObjectMetadataList')},{JSON}"))
    assert (wrong_way.code, other_way.code) == (406, 406)
    assert wrong_way.message == (
        "you requested PartialObjectMetadata, but the requested object is a list (*metrics.PodMetricsList)"
    )
    assert other_way.message == (
        "you requested PartialObjectMetadataList, but the requested object is not a list (*metrics.PodMetrics)"
    )


async def test_checklist_of_clients_35_yaml_and_what_is_not_spoken(world: World) -> None:
    """YAML is served; a type that is not is a 406 that lists the others, unless there is another choice."""
    asker = master(world)
    in_yaml = await asker.get(NODES, accept(YAML))
    html, cbor = [await asker.get(NODES, accept(value)) for value in ("text/html", "application/cbor")]
    one, document = [await asker.get(path, accept("text/html")) for path in (f"{NODES}/node-1", BETA)]
    choice = await asker.get(NODES, accept("application/cbor,application/json"))
    version = await asker.get("/version", accept(YAML))

    assert (in_yaml.type, in_yaml.names) == (YAML, NODE_NAMES)
    offered = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    streams = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
    said = "406: Not Acceptable\n\nAvailable representations: "
    assert [reply.code for reply in (html, cbor, one, document, version)] == [406] * 5
    assert [reply.message for reply in (html, cbor)] == [f"{said}{offered}, {streams}"] * 2
    assert [reply.message for reply in (one, document)] == [said + offered] * 2
    assert (version.type, version.message) == (YAML, f"{said}application/json")
    assert html.body.startswith(b'{\n  "kind": "Status",\n  "apiVersion": "v1",\n  "metadata": {},\n'), "for people"
    assert (choice.type, choice.names) == (JSON, NODE_NAMES)
    assert (await asker.get(BETA, accept(DISCOVERY_V2))).code == 406


async def test_checklist_of_clients_36_long_answers_are_packed_for_who_can_unpack() -> None:
    """Above 128 KiB gzip is used for whoever names it, in every form, and for nobody else."""
    async with running(resolution=1.0) as world:
        await world.measured()
        asker = master(world)
        await add_wide_pods(world, asker)
        gzip: Line = ("Accept-Encoding", "gzip")
        for form in ALL_FORMS:
            packed = await asker.get(pods_in(WIDE), accept(form), gzip)
            assert (packed.header("Content-Encoding"), packed.type) == ("gzip", form)
            assert len(packed.body) < 64 * 1024
            assert len(packed.names) == WIDE_PODS
        for lines in ([], [("Accept-Encoding", "identity")], [("Accept-Encoding", "gzip;q=1.0")]):
            plain = await asker.get(pods_in(WIDE), *lines)
            assert (plain.header("Content-Encoding"), len(plain.body) > 128 * 1024) == ("", True)
        for path in (NODES, PODS.replace("/pods", "/namespaces/shop/pods"), f"{NODES}/node-1", BETA):
            assert (await asker.get(path, gzip)).header("Content-Encoding") == ""
        assert (await asker.get(pods_in("shop"), gzip)).names == [name for name in POD_NAMES if "db" not in name]
