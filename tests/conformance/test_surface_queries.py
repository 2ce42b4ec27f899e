"""Every query parameter of a list and of an object, with the texts of the API server's own library."""

from __future__ import annotations

import pytest
from tests.conformance.programs import TABLE
from tests.conformance.wire import BETA, JSON, NODES, PODS, PROTOBUF, YAML, accept, master, pods_in
from tests.whole.world import NODE_NAMES, POD_NAMES, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUALIFIED = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
EXPECTED = "expected: in, notin, =, ==, !=, gt, lt"
REQUIREMENT = "unable to parse requirement: "


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=abc", 'strconv.ParseInt: parsing "abc": invalid syntax'),
        ("limit=", 'strconv.ParseInt: parsing "": invalid syntax'),
        ("limit=1.5", 'strconv.ParseInt: parsing "1.5": invalid syntax'),
        ("limit=+1", 'strconv.ParseInt: parsing " 1": invalid syntax'),
        ("limit=%22", 'strconv.ParseInt: parsing "\\"": invalid syntax'),
        ("limit=99999999999999999999", 'strconv.ParseInt: parsing "99999999999999999999": value out of range'),
        ("timeoutSeconds=abc&limit=x", 'strconv.ParseInt: parsing "abc": invalid syntax'),
        ("limit=x&labelSelector=%3D%3D", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("labelSelector=a%20b", f"{REQUIREMENT}found 'b', {EXPECTED}"),
        ("labelSelector=%3D%3Dx", "found '==', expected: !, identifier, or 'end of string'"),
        ("labelSelector=a=b,", "found '', expected: identifier after ','"),
        ("labelSelector=a=b%20c", "found 'c', expected: ',' or 'end of string'"),
        ("labelSelector=a+in+b", f"{REQUIREMENT}found 'b' expected: '('"),
        ("labelSelector=a%3D%24", f'{REQUIREMENT}values[0][a]: Invalid value: "$": {VALUE}'),
        ("labelSelector=-a", f'{REQUIREMENT}<nil>: Invalid value: "-a": name part {QUALIFIED}'),
        ("labelSelector=%3D%3D&fieldSelector=foo", "found '==', expected: !, identifier, or 'end of string'"),
        ("fieldSelector=foo", "invalid selector: 'foo'; can't understand 'foo'"),
        (
            "fieldSelector=spec.nodeName%3Dx",
            '"spec.nodeName" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        ("timeout=abc", 'invalid timeout specified in the request URL - time: invalid duration "abc"'),
        ("timeout=5", 'invalid timeout specified in the request URL - time: missing unit in duration "5"'),
        ("timeout=abc&limit=x", 'invalid timeout specified in the request URL - time: invalid duration "abc"'),
        ("watch=1&limit=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
    ],
)
async def test_what_does_not_parse_is_a_400(world: World, query: str, message: str) -> None:
    """Each refusal has the parser's own words and nothing but them, for nodes and for pods."""
    for path in (NODES, PODS):
        reply = await master(world).get(f"{path}?{query}")
        assert (reply.code, reply.message) == (400, message)
        assert list(reply.document) == ["kind", "apiVersion", "metadata", "status", "message", "reason", "code"]
        assert reply.document["reason"] == "BadRequest"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=%2B5",
        "limit=1&limit=x",
        "timeout=",
        "timeout=0",
        "timeout=1h",
        "timeout=5s&timeout=x",
        "labelSelector=",
        "labelSelector=%zz",
        "labelSelector=a;b=c",
        "fieldSelector=metadata.namespace%3D",
        "watch=0",
        "watch=False",
        "allowWatchBookmarks=true",
        "unknown=x",
        "includeObject=x",
        "export=true",
        "dryRun=All",
        "resourceVersionMatch=",
    ],
)
async def test_what_has_no_effect(world: World, query: str) -> None:
    """Empty, repeated, unknown and unreadable parameters leave a list as it is."""
    assert (await master(world).get(f"{NODES}?{query}")).names == NODE_NAMES


MATCH = "resourceVersionMatch"
LONE = f"{MATCH} is forbidden unless resourceVersion is provided"
PAGED = f"{MATCH} is forbidden when continue is provided"
FORBIDDEN = "FieldValueForbidden"


@pytest.mark.parametrize(
    ("query", "causes"),
    [
        (f"{MATCH}=Exact", [(FORBIDDEN, f"Forbidden: {LONE}", MATCH)]),
        (
            f"{MATCH}=X&resourceVersion=1",
            [
                (
                    "FieldValueNotSupported",
                    'Unsupported value: "X": supported values: "Exact", "NotOlderThan", ""',
                    MATCH,
                )
            ],
        ),
        (
            f"{MATCH}=Exact&resourceVersion=0",
            [(FORBIDDEN, f'Forbidden: {MATCH} "exact" is forbidden for resourceVersion "0"', MATCH)],
        ),
        (
            f"{MATCH}=Exact&continue=x",
            [(FORBIDDEN, f"Forbidden: {LONE}", MATCH), (FORBIDDEN, f"Forbidden: {PAGED}", MATCH)],
        ),
        (
            "sendInitialEvents=true",
            [(FORBIDDEN, "Forbidden: sendInitialEvents is forbidden for list", "sendInitialEvents")],
        ),
        (
            "watch=1&sendInitialEvents=true",
            [(FORBIDDEN, f"Forbidden: sendInitialEvents requires setting {MATCH} to NotOlderThan", MATCH)],
        ),
    ],
)
async def test_what_contradicts_itself_is_a_422(world: World, query: str, causes: list[tuple[str, str, str]]) -> None:
    """Options that may not be combined are refused with every cause, before anything is said about watches."""
    reply = await master(world).get(f"{PODS}?{query}")

    sentences = [f"{field}: {message}" for _, message, field in causes]
    said = sentences[0] if len(sentences) == 1 else f"[{', '.join(sentences)}]"
    assert (reply.code, reply.message) == (422, f'ListOptions.meta.k8s.io "" is invalid: {said}')
    assert reply.document["reason"] == "Invalid"
    assert reply.document["details"] == {
        "group": "meta.k8s.io",
        "kind": "ListOptions",
        "causes": [{"reason": reason, "message": message, "field": field} for reason, message, field in causes],
    }


async def test_a_watch_is_refused_after_everything_else(world: World) -> None:
    """Form, options and fields are judged first, so that the first mistake is the one that is told."""
    asker = master(world)

    codes = {
        target: (await asker.get(target, *lines)).code
        for target, lines in (
            (f"{NODES}?watch=1", []),
            (f"{NODES}?watch=1&resourceVersion=0&resourceVersionMatch=NotOlderThan&sendInitialEvents=true", []),
            (f"{NODES}?watch=1&fieldSelector=a%3Db", []),
            (f"{NODES}?watch=1&labelSelector=%3D", []),
            (f"{PODS}?watch=1", [accept("text/html")]),
            (f"{PODS}?watch=1&limit=x", [accept("application/json;as=Foo")]),
        )
    }

    assert list(codes.values()) == [405, 405, 400, 400, 406, 406]


async def test_one_object_has_parameters_of_its_own(world: World) -> None:
    """Of an object ``export`` is refused however it is set; options of lists mean nothing."""
    asker, node = master(world), f"{NODES}/node-1"
    for query in ("export=true", "export", "export=", "export=1", "export=no"):
        reply = await asker.get(f"{node}?{query}")
        assert (reply.code, reply.message) == (
            400,
            "the export parameter, deprecated since v1.14, is no longer supported",
        )
    for query in ("export=false", "export=0", "export=FALSE", "limit=x", "watch=1", "labelSelector=%3D", "exact=true"):
        assert (await asker.get(f"{node}?{query}")).code == 200
    assert (await asker.get(f"{node}?timeout=x")).code == 400


@pytest.mark.parametrize(
    ("query", "agent", "pretty"),
    [
        ("", "", False),
        ("", "kubectl/v1.33.1", False),
        ("", "curl/8.5.0", True),
        ("", "Wget/1.21", True),
        ("", "Mozilla/5.0 (X11)", True),
        ("", "Mozilla/4.0", False),
        ("?pretty=true", "", True),
        ("?pretty=1", "kubectl", True),
        ("?pretty=T", "", True),
        ("?pretty=yes", "curl/8", False),
        ("?pretty=false", "curl/8", False),
        ("?pretty", "curl/8", True),
        ("?pretty=", "", False),
    ],
)
async def test_people_get_indented_json(world: World, query: str, agent: str, pretty: bool) -> None:
    """Lists, objects, Tables, documents and errors are indented alike; the other forms are as always."""
    lines = [("User-Agent", agent)] if agent else []
    asker = master(world)
    for path in (NODES, f"{NODES}/node-1", f"{NODES}/x", pods_in("nowhere"), BETA, "/apis"):
        for form in (JSON, TABLE):
            body = (await asker.get(path + query, *lines, accept(form))).body
            assert body.startswith(b'{\n  "kind": "') is pretty
            assert body.endswith(b"\n}") is pretty
            assert body.endswith(b"}\n") is not pretty
    for form in (YAML, PROTOBUF):
        assert (await asker.get(BETA + query, *lines, accept(form))).body == (await asker.get(BETA, accept(form))).body
    clause = await asker.get(NODES, accept(f"{JSON};pretty=1"))
    assert clause.body.startswith(b'{\n  "kind"')


async def test_a_table_reads_what_to_include(world: World) -> None:
    """Only the words that there are count, and an empty one is the usual."""
    asker = master(world)
    for path in (NODES, f"{NODES}/node-1"):
        for value in ("x", "none", "%22"):
            reply = await asker.get(f"{path}?includeObject={value}", accept(TABLE))
            shown = value.replace("%22", '\\"')
            assert (reply.code, reply.message) == (
                400,
                f'Unable to convert to Table as requested: includeObject: Invalid value: "{shown}": '
                "must be 'Metadata', 'Object', 'None', or empty",
            )
        usual = (await asker.get(f"{path}?includeObject=", accept(TABLE))).document
        assert usual["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


async def test_versions_grow_and_are_the_same_in_every_form(world: World) -> None:
    """A list's version is a number that never falls; an item's is that of its measurement in every list."""
    asker = master(world)
    lists = [await asker.get(PODS) for _ in range(3)]
    versions = [int(reply.document["metadata"]["resourceVersion"]) for reply in lists]
    assert versions == sorted(versions)
    items = {item["metadata"]["name"]: item for item in lists[-1].document["items"]}
    assert list(items) == POD_NAMES
    single = (await asker.get(f"{pods_in('shop')}/cart-0")).document
    same = single["timestamp"] == items["cart-0"]["timestamp"]
    assert (single["metadata"]["resourceVersion"] == items["cart-0"]["metadata"]["resourceVersion"]) is same
