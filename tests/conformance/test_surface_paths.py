"""Every path and method, and the headers of the answers, as the API server's own library has them."""

from __future__ import annotations

import json
import re

import pytest
from tests.conformance.wire import (
    BETA,
    JSON,
    NODES,
    PODS,
    STABLE,
    TEXT,
    Reply,
    Wire,
    accept,
    master,
    nobody,
    pods_in,
    proxied,
)
from tests.whole.world import World

from kubevitals import __version__

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROUP = "/apis/metrics.k8s.io"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NOT_FOUND = (
    b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
    b'"message":"the server could not find the requested resource","reason":"NotFound","details":{},"code":404}\n'
)
NOT_ALLOWED = (
    b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
    b'"message":"the server does not allow this method on the requested resource",'
    b'"reason":"MethodNotAllowed","details":{},"code":405}\n'
)
CHECKS = {
    "healthz": ["metadata-informer-sync"],
    "livez": ["metadata-informer-sync", "metric-collection-timely"],
    "readyz": ["metadata-informer-sync", "metric-informer-sync", "metric-storage-ready", "shutdown"],
}
HOOKS = ["log", "ping", "poststarthook/max-in-flight-filter", "poststarthook/storage-object-count-tracker-hook"]
PROBES = [f"/{root}" for root in CHECKS]
SINGLE_CHECKS = [f"/{root}/{check}" for root, checks in CHECKS.items() for check in [*HOOKS, *checks]]
LISTED = sorted(
    [
        *("/apis", GROUP, BETA, STABLE, "/metrics", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/version"),
        *PROBES,
        *SINGLE_CHECKS,
    ]
)
RESOURCES = [NODES, f"{NODES}/node-1", PODS, pods_in("shop"), f"{pods_in('shop')}/cart-0", f"{STABLE}/nodes"]
DOCUMENTS = ["/apis", "/apis/", GROUP, f"{GROUP}/", BETA, f"{BETA}/", STABLE, "/version", "/version/"]
# What answers whatever the method is.
INDIFFERENT = ["/", "/index.html", *PROBES, "/readyz/ping", "/metrics", "/openapi/v2", "/openapi/v3", "/openapi/v3/"]
ELSEWHERE = ["/nowhere", "/api", "/api/v1", "/api/v1/nodes", "/apis/other", "/apis/other/v1/nodes", "/apis/apps/v1"]
# Below the paths of the group and of the version, where routes are asked for what they know.
UNROUTED = [
    f"{GROUP}/v9", f"{GROUP}/v9/nodes", f"{BETA}/foo", f"{BETA}/pods/cart-0", f"{BETA}/namespaces",
    f"{BETA}/namespaces/shop", f"{BETA}/namespaces/shop/nodes", f"{BETA}/namespaces/shop/status",
    f"{NODES}/node-1/status", f"{BETA}/watch/nodes", f"{BETA}/proxy/nodes/node-1", f"{GROUP}//v1beta1/nodes",
    f"{BETA}//nodes", f"{NODES}//node-1", f"{BETA}/./nodes", f"{BETA}/../v1beta1/nodes", f"{BETA}x", "/version/x",
    f"{BETA}/Nodes",
]  # fmt: skip


async def listing(asker: Wire) -> bytes:
    return (await asker.get("/")).body


async def test_the_root_lists_what_is_served(world: World) -> None:
    """The list of paths is upstream's and the second version, indented and without a last line feed."""
    root = await master(world).get("/")

    assert (root.code, root.type) == (200, JSON)
    assert root.body.decode() == json.dumps({"paths": LISTED}, indent=2)


@pytest.mark.parametrize("path", [*RESOURCES, *DOCUMENTS, *INDIFFERENT, *SINGLE_CHECKS])
async def test_what_is_listed_is_there(world: World, path: str) -> None:
    """Every path that is listed, and every resource below it, can be read and says what it is."""
    reply = await master(world).get(path)

    assert reply.code == 200
    assert reply.type
    assert reply.body


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_resources_and_documents_are_only_read(world: World, method: str) -> None:
    """Any other method is a 405 without an Allow header; for HEAD it comes without its body."""
    for path in [*RESOURCES, *DOCUMENTS]:
        reply = await master(world).get(path, method=method)
        assert (reply.code, reply.type, reply.all("Allow")) == (405, JSON, [])
        assert reply.body == (b"" if method == "HEAD" else NOT_ALLOWED)
        assert reply.header("Content-Length") == str(len(NOT_ALLOWED))


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_the_rest_does_not_look_at_the_method(world: World, method: str) -> None:
    """Probes, metrics and OpenAPI are answered to any method; HEAD gets the same without a body."""
    for path in INDIFFERENT:
        usual, reply = await master(world).get(path), await master(world).get(path, method=method)
        assert (reply.code, reply.type) == (200, usual.type)
        if path != "/metrics":
            assert reply.body == (b"" if method == "HEAD" else usual.body)


async def test_a_path_outside_gets_the_list(world: World) -> None:
    """What no part of the server claims is a 404 with the list of paths; paths are not tidied up."""
    asker = master(world)
    known = await listing(asker)
    odd = [
        "//apis",
        "/apis//",
        f"/apis/{GROUP}",
        f"{GROUP}x",
        "/apisx",
        "/versionx",
        "/metrics/",
        "/index.html/",
        "/index",
    ]
    probes = ["/livez/", "/livez//ping", "/livez/ping/", "/livez/nope", "/readyz/metric-collection-timely", "/Livez"]
    documents = ["/openapi", "/openapi/", "/openapi/v2/", "/openapi/v3/apis", "/debug/pprof", "/debug/flags/v"]
    for path in [*ELSEWHERE, *odd, *probes, *documents]:
        for method in ("GET", "POST"):
            reply = await asker.get(path, method=method)
            assert (reply.code, reply.type, reply.body) == (404, JSON, known), path


@pytest.mark.parametrize("path", UNROUTED)
async def test_a_path_of_the_group_that_is_not_routed_gets_a_status(world: World, path: str) -> None:
    """Below the group an unknown path is a 404 that programs can read, whatever the method."""
    for method in ("GET", "DELETE"):
        reply = await master(world).get(path, method=method)
        assert (reply.code, reply.type, reply.body) == (404, JSON, NOT_FOUND)


@pytest.mark.parametrize(
    ("path", "usual"),
    [
        (f"{NODES}/", NODES),
        (f"{NODES}//", NODES),
        (f"{NODES}/node-1/", f"{NODES}/node-1"),
        (f"{NODES}/node%2d1", f"{NODES}/node-1"),
        (f"{NODES}%2Fnode-1", f"{NODES}/node-1"),
        (f"{BETA}/nod%65s", NODES),
        ("/%61pis/metrics.k8s.io/v1beta1/nodes", NODES),
        (f"{BETA}/namespaces//pods", PODS),
        (f"{GROUP}//", GROUP),
        ("/version//", "/version"),
        ("/%6civez", "/livez"),
    ],
)
async def test_other_spellings_of_a_path(world: World, path: str, usual: str) -> None:
    """Slashes at the end and percent signs change nothing where routes are asked."""
    found, expected = await master(world).together(path, usual)

    assert (found.code, found.type) == (200, expected.type)
    if expected.type == JSON and "items" in expected.document:
        assert found.names == expected.names
    else:
        assert found.body[:60] == expected.body[:60]


@pytest.mark.parametrize("path", ["/%zz", "/%", f"{NODES}/%", f"{NODES}/a%2", "/livez%"])
async def test_a_stray_percent_sign_is_no_path(world: World, path: str) -> None:
    """What cannot be decoded is refused before anybody asks who sent it, in the words of Go's HTTP server."""
    for asker in (master(world), nobody(world)):
        reply = await asker.get(path)
        assert (reply.code, reply.type, reply.body) == (400, TEXT, b"400 Bad Request")


@pytest.mark.parametrize(("method", "path"), [("FOO", NODES), ("GET", f"{NODES}/ä")])
async def test_what_is_no_http_is_refused(world: World, method: str, path: str) -> None:
    """A method that nobody defined, and bytes that must be percent-encoded, get no further than the parser."""
    reply = await master(world).get(path, method=method)

    assert (reply.code, reply.type, reply.body) == (400, TEXT, b"400 Bad Request")


async def test_names_of_any_bytes_are_only_names(world: World) -> None:
    """Whatever a name decodes to is looked for, quoted in the message, and not found."""
    for name, quoted, shown in (
        ("%C3%A4", "ä", "ä"), ("a%20b", "a b", "a b"), ("a+b", "a+b", "a+b"), ("a%00b", "a\\x00b", "a\0b"),
        ("%ff", "\ufffd", "\ufffd"), ("%22%3C", '\\"<', '"<'),
    ):  # fmt: skip
        reply = await master(world).get(f"{NODES}/{name}")
        assert (reply.code, reply.message) == (404, f'node "{quoted}" not found')
        assert reply.document["details"] == {"name": shown, "kind": "node"}


async def test_a_content_type_of_a_question_means_nothing(world: World) -> None:
    """What is only read has no body, and nobody looks at what type it would have."""
    for path in ("/apis", BETA, NODES, "/version"):
        assert (await master(world).get(path, ("Content-Type", "text/plain"))).code == 200


async def test_a_watch_of_nothing_cannot_be_understood(world: World) -> None:
    """A path that ends in the watch verb is a 500 that repeats it, with what could be markup made harmless."""
    reply = await master(world).get(f"{BETA}/watch?a=<&b=1")

    target = f"{BETA}/watch?a=&lt;&amp;b=1"
    problem = f"failed to create RequestInfo: unable to determine kind and namespace from url, {target}"
    assert (reply.code, reply.type, reply.header("X-Content-Type-Options")) == (500, TEXT, "nosniff")
    assert reply.body.decode() == f'Internal Server Error: "{target}": {problem}\n'


async def test_who_may_nothing_learns_nothing(world: World) -> None:
    """Without rights every path is a 403, whether there is anything or not, and whatever is wrong with the question."""
    stranger = proxied(world, "stranger")
    for target in ("/nowhere", f"{BETA}/foo", f"{GROUP}/v9/nodes", f"{NODES}?limit=x", f"{NODES}?watch=1", "/metrics"):
        for line in (accept(JSON), accept("text/html")):
            reply = await stranger.get(target, line)
            assert (reply.code, reply.header("X-Content-Type-Options")) == (403, "nosniff")
            assert reply.document["reason"] == "Forbidden"


async def test_the_words_of_a_refusal_follow_the_request(world: World) -> None:
    """Verb, resource, subresource, name and namespace are those that roles know them by, markup made harmless."""
    stranger = proxied(world, "a<b&c")
    who = 'User "a&lt;b&amp;c" cannot'
    group = 'in API group "metrics.k8s.io"'
    for method, target, message in (
        ("GET", "/nope?x", f'forbidden: {who} get path "/nope"'),
        ("OPTIONS", "/a%22b", f'forbidden: {who} options path "/a\\"b"'),
        (
            "POST",
            NODES,
            f'nodes.metrics.k8s.io is forbidden: {who} create resource "nodes" {group} at the cluster scope',
        ),
        (
            "DELETE",
            pods_in("shop"),
            f'pods.metrics.k8s.io is forbidden: {who} deletecollection resource "pods" {group} in the namespace "shop"',
        ),
        (
            "GET",
            f"{pods_in('shop')}/cart-0/log",
            f'pods.metrics.k8s.io "cart-0" is forbidden: {who} get resource "pods/log" {group} in the namespace "shop"',
        ),
        (
            "GET",
            f"{NODES}?watch=1",
            f'nodes.metrics.k8s.io is forbidden: {who} watch resource "nodes" {group} at the cluster scope',
        ),
        (
            "GET",
            f"{NODES}?fieldSelector=metadata.name%3Dn1",
            f'nodes.metrics.k8s.io "n1" is forbidden: {who} list resource "nodes" {group} at the cluster scope',
        ),
    ):
        reply = await stranger.get(target, method=method)
        assert (reply.code, reply.message) == (403, message)


async def test_details_of_a_refusal(world: World) -> None:
    """A refused path has empty details; a refused object is named in them."""
    stranger = proxied(world, "stranger")

    path, listed, named = await stranger.together("/metrics", NODES, f"{pods_in('shop')}/x")

    assert path.document["details"] == {}
    assert listed.document["details"] == {"group": "metrics.k8s.io", "kind": "nodes"}
    assert named.document["details"] == {"name": "x", "group": "metrics.k8s.io", "kind": "pods"}


async def test_every_answer_can_be_found_in_the_log_and_is_not_kept(world: World) -> None:
    """Each answer has an audit ID, the caller's own if it sent one, and forbids caches to keep it."""
    asker, stranger, nobody_ = master(world), proxied(world, "stranger"), nobody(world, ("Authorization", "Bearer x"))
    for caller, target in (
        (asker, NODES), (asker, "/nowhere"), (asker, f"{NODES}/x"), (asker, f"{NODES}?limit=x"), (asker, "/livez"),
        (asker, "/metrics"), (asker, "/openapi/v2"), (stranger, NODES), (nobody_, NODES),
    ):  # fmt: skip
        own = await caller.get(target)
        given = await caller.get(target, ("audit-id", "0123-abc"))
        assert UUID.fullmatch(own.header("Audit-Id"))
        assert given.header("Audit-Id") == "0123-abc"
        for reply in (own, given):
            assert reply.header("Cache-Control") == "no-cache, private"
            assert reply.all("WWW-Authenticate") == []


async def test_nothing_is_added_to_the_usual_headers(world: World) -> None:
    """A list of nodes has the headers of upstream's, and a Server header, which names no version."""
    reply = await master(world).get(NODES)

    names = sorted(name for name, _ in reply.lines)
    assert names == ["Audit-Id", "Cache-Control", "Connection", "Content-Length", "Content-Type", "Date", "Server"]
    assert reply.header("Server") == "kubevitals"


async def test_sniffing_is_forbidden_where_upstream_forbids_it(world: World) -> None:
    """Probes and refusals carry nosniff; objects, documents, single checks and other errors do not."""
    asker = master(world)

    async def nosniff(caller: Wire, target: str) -> str:
        reply: Reply = await caller.get(target)
        return reply.header("X-Content-Type-Options")

    assert [await nosniff(asker, path) for path in ("/livez", "/readyz?verbose", f"{BETA}/watch")] == ["nosniff"] * 3
    assert await nosniff(proxied(world, "stranger"), NODES) == "nosniff"
    for path in (NODES, "/apis", "/", "/version", "/readyz/ping", f"{NODES}/x", f"{NODES}?limit=x", "/nowhere"):
        assert await nosniff(asker, path) == ""
    assert await nosniff(nobody(world, ("Authorization", "Bearer x")), NODES) == ""


async def test_checks_can_be_left_out(world: World) -> None:
    """Excluded checks are told in the long form only, and so are names that exclude nothing."""
    asker = master(world)

    short, long, odd = [
        (await asker.get(target)).body.decode()
        for target in ("/readyz?exclude=ping", "/livez?verbose&exclude=ping&exclude=x&exclude=a", "/readyz?exclude=")
    ]

    assert (short, odd) == ("ok", "ok")
    assert long.splitlines()[0] == "[+]ping excluded: ok"
    assert long.splitlines()[-2:] == [
        'warn: some health checks cannot be excluded: no matches for "a","x"',
        "livez check passed",
    ]


async def test_the_version_names_the_program(world: World) -> None:
    """The keys are those of Kubernetes' version document, indented and without a last line feed."""
    reply = await master(world).get("/version")

    assert list(reply.document) == [
        "major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform",
    ]  # fmt: skip
    assert reply.body.startswith(b'{\n  "major": "')
    assert reply.body.endswith(b'"\n}')
    assert reply.document["gitVersion"] == f"v{__version__}"
