"""The API server over TLS: who is let in, what is served, and what can go wrong."""

from __future__ import annotations

import asyncio

import aiohttp
import msgspec
import pytest

from kubevitals.simulator import pki, roles
from kubevitals.simulator.faults import Refusal
from kubevitals.simulator.kinds import CONFIG_MAPS, NODES, PODS

PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
RUNNING = "/api/v1/pods?fieldSelector=status.phase%3DRunning"
TRUST = "/api/v1/namespaces/kube-system/configmaps"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@pytest.fixture
async def server(cluster, call):
    """A caller with the metrics server's own token."""
    return call(token=cluster.files.token.read_text())


# --- who is let in ------------------------------------------------------------------------------------------


async def test_anonymous_callers_see_health_and_nothing_else(call):
    """Nobody may ask for health and version, not for objects."""
    nobody = call()
    assert await nobody.text("/livez") == (200, "ok")
    assert (await nobody.ask("/version"))[1]["gitVersion"] == "v1.36.0+kubevitals"
    status, found = await nobody.ask("/api/v1/nodes")
    assert (status, found["message"]) == (
        403,
        'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at the cluster scope',
    )


async def test_a_certificate_names_its_user(call):
    """Groups of a client certificate count: only the administrator's may do anything."""
    assert await call("admin", "system:masters").names("/api/v1/nodes") == ["worker-1"]
    status, found = await call("jane", "dev").ask("/api/v1/nodes")
    assert (status, found["reason"]) == (403, "Forbidden")
    assert 'User "jane"' in found["message"]


async def test_a_foreign_certificate_is_cut_off(cluster, call, make_cluster):
    """A certificate of another authority does not get past the handshake."""
    context = pki.client_context(cluster.authority.pem, cluster.front_proxy.client("front-proxy-client"))
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(cluster.api.url + "/livez", ssl=context)


async def test_the_servers_token_opens_what_its_role_grants(server):
    """The metrics server may list nodes and pods and read the one ConfigMap, asked for by name."""
    assert await server.names("/api/v1/nodes") == ["worker-1"]
    assert len(await server.names(RUNNING)) == 3
    named = "?fieldSelector=metadata.name%3Dextension-apiserver-authentication"
    assert await server.names(TRUST + named) == ["extension-apiserver-authentication"]
    assert (await server.ask(TRUST))[0] == 403
    assert (await server.ask("/api/v1/services"))[0] == 403


async def test_a_bad_token_is_401(call):
    """A token that nobody issued is refused, even for what anonymous callers may see."""
    status, found = await call(token="nonsense").ask("/livez")
    assert (status, found["message"], found["reason"]) == (401, "Unauthorized", "Unauthorized")


async def test_a_rotated_token_replaces_the_one_before(cluster, call):
    """After a rotation the file holds a token that works, and the old one is refused."""
    old = cluster.files.token.read_text()
    new = cluster.rotate_token()
    assert cluster.files.token.read_text() == new
    assert (await call(token=old).ask("/api/v1/nodes"))[0] == 401
    assert (await call(token=new).ask("/api/v1/nodes"))[0] == 200


async def test_impersonation_needs_permission(admin, call):
    """An administrator may act as another, and then has only that one's rights; others may not."""
    status, found = await admin.ask("/api/v1/nodes", headers={"Impersonate-User": "jane"})
    assert (status, 'User "jane" cannot list' in found["message"]) == (403, True)
    status, found = await call("jane").ask("/api/v1/nodes", headers={"Impersonate-User": "admin"})
    assert (status, 'User "jane" cannot impersonate resource "users"' in found["message"]) == (403, True)


async def test_a_role_in_a_namespace_grants_just_that(cluster, call):
    """With a RoleBinding in one namespace a user sees that one and no other."""
    cluster.pods.ensure_namespace("shop")
    cluster.registry.create(*roles.binding("viewers", "view", [roles.user("jane")], "shop"))
    jane = call("jane")
    assert (await jane.ask("/api/v1/namespaces/shop/pods"))[0] == 200
    assert (await jane.ask("/api/v1/namespaces/kube-system/pods"))[0] == 403
    assert (await jane.ask("/api/v1/pods"))[0] == 403


# --- reading ------------------------------------------------------------------------------------------------


async def test_lists_are_paged(cluster, admin):
    """A list is cut at its limit, and all parts carry the version of the first."""
    status, first = await admin.ask("/api/v1/pods?limit=2")
    assert (status, first["kind"], len(first["items"])) == (200, "PodList", 2)
    cluster.pods.delete(*[(p["metadata"]["namespace"], p["metadata"]["name"]) for p in cluster.pods.of("worker-1")][2])
    _, second = await admin.ask("/api/v1/pods", params={"limit": 2, "continue": first["metadata"]["continue"]})
    assert len(second["items"]) == 1
    assert second["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}


async def test_a_page_after_a_compaction_is_gone(cluster, admin):
    """A continue token that is too old is 410, so that the client lists again."""
    _, first = await admin.ask("/api/v1/pods?limit=1")
    cluster.registry.forget()
    status, found = await admin.ask("/api/v1/pods", params={"continue": first["metadata"]["continue"]})
    assert (status, found["reason"]) == (410, "Expired")


async def test_metadata_alone_can_be_asked_for(admin):
    """A PartialObjectMetadataList has metadata and nothing more."""
    _, found = await admin.ask(RUNNING, headers={"Accept": PARTIAL})
    assert (found["kind"], found["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert found["items"][0].keys() == {"kind", "apiVersion", "metadata"}


async def test_single_objects(cluster, admin):
    """An object is served with its kind; one that does not exist is 404."""
    status, found = await admin.ask("/api/v1/nodes/worker-1")
    assert (status, found["kind"], found["apiVersion"]) == (200, "Node", "v1")
    assert found["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] == cluster.fleet.port
    status, found = await admin.ask("/api/v1/nodes/none")
    assert (status, found["message"]) == (404, 'nodes "none" not found')


async def test_forms_that_are_not_served(admin):
    """Protobuf and nothing else is not acceptable; an unknown path is not found."""
    assert (await admin.ask("/api/v1/nodes", headers={"Accept": "application/vnd.kubernetes.protobuf"}))[0] == 406
    assert await admin.text("/api/v1/gadgets") == (404, "404 page not found\n")
    assert (await admin.ask("/api/v1/nodes", "DELETE"))[0] == 405


async def test_large_answers_are_compressed(cluster, admin):
    """From 128 KiB a client that takes gzip gets it; a small answer stays as it is."""
    cluster.registry.create(
        CONFIG_MAPS, {"metadata": {"name": "big", "namespace": "default"}, "data": {"x": "y" * 200_000}}
    )
    path = "/api/v1/namespaces/default/configmaps/big"
    async with admin.open(path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert len((await answer.json())["data"]["x"]) == 200_000
    async with admin.open("/version", headers={"Accept-Encoding": "gzip"}) as answer:
        assert "Content-Encoding" not in answer.headers


# --- watching -----------------------------------------------------------------------------------------------


async def test_a_watch_tells_what_changes(cluster, admin):
    """From a version on, every change comes as one event, seen through the selectors."""
    version = cluster.registry.version
    path = f"{RUNNING}&watch=1&resourceVersion={version}"
    async with admin.watch(path, headers={"Accept": PARTIAL}) as events:
        pod = cluster.pods.of("worker-1")[0]
        cluster.registry.update(PODS, {**pod, "status": {"phase": "Succeeded"}})
        event_type, item = await events.next()
    assert (event_type, item["kind"]) == ("DELETED", "PartialObjectMetadata")
    assert item["metadata"]["name"] == pod["metadata"]["name"]


async def test_a_watch_from_the_past_repeats_it(cluster, admin):
    """Changes between a list and the watch that follows are not lost."""
    _, found = await admin.ask("/api/v1/nodes")
    await cluster.nodes.add("late")
    async with admin.watch(f"/api/v1/nodes?watch&resourceVersion={found['metadata']['resourceVersion']}") as events:
        event_type, item = await events.next()
    assert (event_type, item["metadata"]["name"]) == ("ADDED", "late")


async def test_a_watch_without_a_version_begins_with_what_exists(admin):
    """Everything that exists comes as additions first."""
    async with admin.watch("/api/v1/namespaces?watch=true") as events:
        names = [(await events.next())[1]["metadata"]["name"] for _ in range(4)]
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]


async def test_bookmarks_say_how_far_a_watch_is(cluster, admin):
    """A quiet watch is told the newest version, and ends when its time is over."""
    cluster.api.objects.bookmark_interval = 0.05
    version = cluster.registry.version
    cluster.pods.ensure_namespace("elsewhere")
    path = f"/api/v1/nodes?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion={version}"
    async with admin.watch(path, headers={"Accept": PARTIAL}) as events:
        event_type, item = await events.next()
        assert (event_type, item["metadata"]["resourceVersion"]) == ("BOOKMARK", str(cluster.registry.version))
        while not await events.ended():
            pass


async def test_a_past_that_is_forgotten_is_gone_within_the_stream(cluster, admin):
    """A watch from a forgotten version gets one ERROR event with code 410, and ends."""
    version = cluster.registry.version
    cluster.registry.forget()
    async with admin.watch(f"/api/v1/nodes?watch=1&resourceVersion={version}") as events:
        event_type, item = await events.next()
        assert (event_type, item["code"], item["reason"]) == ("ERROR", 410, "Expired")
        assert await events.ended()


async def test_running_watches_can_be_expired(cluster, admin):
    """Forgetting the past ends the watches that are open, so that clients list again."""
    async with admin.watch(f"/api/v1/nodes?watch=1&resourceVersion={cluster.registry.version}") as events:
        cluster.registry.forget()
        assert (await events.next())[1]["code"] == 410
        assert await events.ended()


async def test_a_forgotten_past_can_be_a_status(cluster, admin):
    """With the fault on, 410 is the HTTP status instead."""
    version = cluster.registry.version
    cluster.registry.forget()
    cluster.api.faults.gone_as_status = True
    assert (await admin.ask(f"/api/v1/nodes?watch=1&resourceVersion={version}"))[0] == 410


async def test_streaming_lists_are_not_offered(admin):
    """A client that asks for initial events is told to list."""
    status, found = await admin.ask("/api/v1/nodes?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan")
    assert (status, found["reason"]) == (422, "Invalid")


# --- writing ------------------------------------------------------------------------------------------------


async def test_objects_can_be_written(admin):
    """Create, update, patch and delete work, and answer as Kubernetes does."""
    path = "/api/v1/namespaces/default/configmaps"
    status, made = await admin.ask(path, "POST", json={"metadata": {"name": "c"}, "data": {"a": "1"}})
    assert (status, made["metadata"]["namespace"]) == (201, "default")
    status, put = await admin.ask(f"{path}/c", "PUT", json={**made, "data": {"a": "2"}})
    assert (status, put["data"]) == (200, {"a": "2"})
    merge = {"Content-Type": "application/merge-patch+json"}
    status, patched = await admin.ask(f"{path}/c", "PATCH", data=b'{"data":{"b":"3"}}', headers=merge)
    assert (status, patched["data"]) == (200, {"a": "2", "b": "3"})
    status, gone = await admin.ask(f"{path}/c", "DELETE")
    assert (status, gone["status"]) == (200, "Success")
    assert (await admin.ask(f"{path}/c"))[0] == 404


async def test_deleting_a_pod_stops_it(cluster, admin):
    """The kubelet no longer reports about a pod that was deleted through the API."""
    pod = cluster.pods.of("worker-1")[0]["metadata"]
    await admin.ask(f"/api/v1/namespaces/{pod['namespace']}/pods/{pod['name']}", "DELETE")
    assert (pod["namespace"], pod["name"]) not in cluster.pods.machine("worker-1").pods


async def test_tokens_can_be_requested(admin, call):
    """A TokenRequest gives a token of the service account."""
    path = "/api/v1/namespaces/kube-system/serviceaccounts/metrics-server/token"
    status, made = await admin.ask(path, "POST", json={"spec": {"expirationSeconds": 600}})
    assert (status, made["kind"]) == (201, "TokenRequest")
    assert (await call(token=made["status"]["token"]).ask("/api/v1/nodes"))[0] == 200
    assert (await admin.ask("/api/v1/nodes/worker-1/status"))[0] == 404


# --- reviews ------------------------------------------------------------------------------------------------


async def test_the_server_can_have_tokens_and_access_reviewed(cluster, server):
    """Delegated authentication and authorization work with the metrics server's rights."""
    token = cluster.tokens.issue("default", "bot")
    status, found = await server.ask(REVIEWS, "POST", json={"spec": {"token": token}})
    assert (status, found["status"]["user"]["username"]) == (201, "system:serviceaccount:default:bot")
    spec = {"user": "jane", "resourceAttributes": {"verb": "list", "group": "metrics.k8s.io", "resource": "pods"}}
    status, found = await server.ask(ACCESS, "POST", json={"spec": spec})
    assert (status, found["status"]) == (201, {"allowed": False})
    cluster.registry.create(*roles.binding("x", "system:aggregated-metrics-reader", [roles.user("jane")]))
    assert (await server.ask(ACCESS, "POST", json={"spec": spec}))[1]["status"]["allowed"] is True


async def test_reviews_need_rights_and_can_fail(cluster, call, server):
    """Others may not ask about tokens, and a fault makes reviews fail."""
    assert (await call("jane").ask(REVIEWS, "POST", json={"spec": {"token": "x"}}))[0] == 403
    cluster.api.faults.reviews_fail = True
    assert (await server.ask(REVIEWS, "POST", json={"spec": {"token": "x"}}))[0] == 500


async def test_anyone_known_may_ask_about_themselves(call):
    """Self reviews answer who I am and what I may do."""
    jane = call("jane", "dev")
    _, who = await jane.ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", "POST", json={})
    assert who["status"]["userInfo"]["groups"] == ["dev", "system:authenticated"]
    spec = {"nonResourceAttributes": {"verb": "get", "path": "/apis"}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    _, may = await jane.ask(path, "POST", json={"spec": spec})
    assert may["status"]["allowed"] is True


# --- discovery ----------------------------------------------------------------------------------------------


async def test_discovery_in_both_forms(admin):
    """Legacy documents and aggregated discovery name the same resources."""
    _, groups = await admin.ask("/apis")
    assert [group["name"] for group in groups["groups"]][:2] == ["apiregistration.k8s.io", "apps"]
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    async with admin.open("/apis", headers={"Accept": accept}) as answer:
        assert answer.headers["Content-Type"] == accept
        found = await answer.json(content_type=None)
    assert [item["metadata"]["name"] for item in found["items"]] == [group["name"] for group in groups["groups"]]
    _, core = await admin.ask("/api/v1")
    assert {"nodes", "pods"} <= {resource["name"] for resource in core["resources"]}
    assert (await admin.ask("/api"))[1]["versions"] == ["v1"]
    assert (await admin.ask("/apis/apps"))[1]["preferredVersion"]["version"] == "v1"
    assert (await admin.ask("/apis/apps/v1"))[1]["groupVersion"] == "apps/v1"
    assert (await admin.text("/apis/none/v1"))[0] == 404


async def test_openapi_v2_is_there_and_empty(admin):
    """Both forms of the document exist, as clients ask for one before they read OpenAPI v3."""
    assert (await admin.ask("/openapi/v2"))[1]["definitions"] == {}
    accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    async with admin.open("/openapi/v2", headers={"Accept": accept}) as answer:
        assert answer.headers["Content-Type"] == accept.replace("@", ".")
        assert (await answer.read()).startswith(b"\n\x032.0")


# --- faults -------------------------------------------------------------------------------------------------


async def test_the_server_can_refuse(cluster, admin):
    """A refusal answers 429 with Retry-After to as many requests as it says, on the paths it says."""
    cluster.api.faults.refusal = Refusal(retry_after=7, paths=("/api/v1/nodes",), count=1)
    assert (await admin.text("/livez"))[0] == 200
    async with admin.open("/api/v1/nodes") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert (await admin.ask("/api/v1/nodes"))[0] == 200
    cluster.api.faults.refusal = Refusal(code=503, retry_after=None)
    async with admin.open("/livez") as answer:
        assert (answer.status, "Retry-After" in answer.headers) == (503, False)


async def test_the_server_can_be_away(cluster, admin):
    """While it is paused nobody listens and watches are cut; it comes back on the same port with its objects."""
    port = cluster.api.port
    async with admin.watch(f"/api/v1/nodes?watch=1&resourceVersion={cluster.registry.version}") as events:
        await cluster.api.pause()
        with pytest.raises((aiohttp.ClientError, msgspec.DecodeError)):
            await events.next()
    with pytest.raises(aiohttp.ClientConnectionError):
        await admin.ask("/livez")
    await cluster.api.resume()
    assert cluster.api.port == port
    assert await admin.names("/api/v1/nodes") == ["worker-1"]


async def test_a_watch_ends_with_its_client(cluster, admin):
    """A client that goes away leaves no listener behind."""
    listeners = cluster.registry[NODES].listeners
    before = len(listeners)
    async with admin.watch("/api/v1/nodes?watch=1"):
        assert len(listeners) == before + 1
    async with asyncio.timeout(5):
        while len(listeners) != before:
            cluster.registry.forget()
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v1/namespaces/default/endpoints", "Endpoints"),
        ("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", "EndpointSlice"),
        ("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", "HorizontalPodAutoscaler"),
        ("/apis/batch/v1/namespaces/default/jobs", "Job"),
        ("/apis/batch/v1/namespaces/default/cronjobs", "CronJob"),
    ],
)
async def test_what_a_diagnosis_looks_at_is_stored_and_watched(admin, path, kind):
    """Each of these kinds can be created, discovered, listed and watched."""
    group, _, resource = path.partition("/namespaces/default/")
    _, discovered = await admin.ask(group)
    assert resource in [entry["name"] for entry in discovered["resources"]]
    async with admin.watch(f"{path}?watch=1") as events:
        assert (await admin.ask(path, "POST", json={"metadata": {"name": "a"}}))[0] == 201
        assert (await events.next())[1]["kind"] == kind
    assert await admin.names(path) == ["a"]
