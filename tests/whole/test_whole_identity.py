"""Who may read: callers are known by what they prove, and the API server decides what they get."""

from __future__ import annotations

import time

import pytest
from tests.whole.callers import CUT, NODES, PODS, pods_in
from tests.whole.waiting import eventually
from tests.whole.world import POD_NAMES, World

from kubevitals.simulator import pki, roles
from kubevitals.simulator.rbac import MASTERS
from kubevitals.simulator.templates import FRONT_PROXY_NAME

READER = "system:aggregated-metrics-reader"
FOR_ROOT = [("X-Remote-User", "root"), ("X-Remote-Group", MASTERS)]
REFUSED_HANDSHAKE = "A caller's TLS handshake failed"


async def test_the_front_proxys_headers_name_the_user(still: World) -> None:
    """Every line with a group counts, commas stay in them, extra and uid arrive, and the user is authenticated."""
    more = [("X-Remote-Extra-Scopes", "a,b"), ("X-Remote-Extra-Scopes", "c"), ("X-Remote-Extra-Team%2fname", "x")]
    groups = ["dev", "ops,on call"]
    caller = still.proxied("jane", groups, more=[*more, ("X-Remote-Uid", "42")])

    answer = await caller.ask(PODS)

    spec = still.reviews("jane")[0]
    assert answer.code == 403
    assert spec["groups"] == [*groups, "system:authenticated"]
    assert spec["extra"] == {"scopes": ["a,b", "c"], "team/name": ["x"]}
    assert spec["uid"] == "42"
    assert spec["resourceAttributes"] == {
        "verb": "list", "group": "metrics.k8s.io", "version": "v1beta1", "resource": "pods",
    }  # fmt: skip


async def test_rights_come_from_a_group_of_any_line(still: World) -> None:
    """A role bound to the second group that the front proxy names is enough."""
    still.grant(roles.binding("ops-read", READER, [roles.group("ops")]))

    assert await still.proxied("jane", ["dev", "ops"]).names(PODS) == POD_NAMES
    assert await still.proxied("jane", ["dev", "op"]).code(PODS) == 403


async def test_the_aggregation_layer_names_the_user(still: World) -> None:
    """What the API server's front proxy says about its caller is what the server asks it about."""
    await still.cluster.wait_available()
    still.grant(roles.binding("jane-reads", READER, [roles.user("jane")]))

    assert await still.through_aggregator("jane", ["dev"]).names(PODS) == POD_NAMES
    assert still.reviews("jane")[-1]["groups"] == ["dev", "system:authenticated"]


async def test_a_client_certificate_cannot_speak_for_others(still: World) -> None:
    """A certificate of the client authority is its own name, even if that is the front proxy's."""
    caller = still.direct(still.cluster.client(FRONT_PROXY_NAME), FOR_ROOT)

    answer = await caller.ask(PODS)

    assert answer.code == 403
    assert f'User "{FRONT_PROXY_NAME}" cannot list' in answer.body["message"]
    assert still.reviews("root") == []


async def test_another_certificate_of_the_front_proxys_authority_is_refused(still: World) -> None:
    """The name of the front proxy's certificate must be among those that are allowed."""
    caller = still.proxied("root", [MASTERS], pair=still.cluster.front_proxy.client("somebody-else"))

    assert await caller.code(PODS) == 401


async def test_headers_without_a_certificate_mean_nothing(still: World) -> None:
    """Whoever shows no certificate is anonymous, whatever the headers say."""
    answer = await still.direct(headers=FOR_ROOT).ask(PODS)

    assert answer.code == 403
    assert 'User "system:anonymous" cannot list resource "pods"' in answer.body["message"]


async def test_the_front_proxys_certificate_alone_is_nobody(still: World) -> None:
    """Without identity headers the front proxy's certificate is of an authority that names no users: 401."""
    caller = still.direct(still.cluster.front_proxy.client(FRONT_PROXY_NAME))

    assert await caller.code(PODS) == 401


async def test_a_client_certificate_names_its_user(still: World) -> None:
    """The common name is the user and the organizations are the groups."""
    still.grant(roles.binding("dev-read", READER, [roles.group("dev")]))

    assert await still.direct(still.cluster.client("jane", ["dev"])).names(PODS) == POD_NAMES
    assert await still.direct(still.cluster.client("jane", ["ops"])).code(PODS) == 403


async def test_a_client_certificate_may_not_impersonate(still: World) -> None:
    """Impersonate headers are the API server's business: a direct caller that sends them is refused."""
    caller = still.direct(still.cluster.client("admin", [MASTERS]), [("Impersonate-User", "jane")])

    assert await caller.code(PODS) == 403


async def test_a_token_names_its_service_account(still: World) -> None:
    """The API server says whose token it is, and what that account may do."""
    still.grant(roles.binding("robot-reads", READER, [roles.service_account("robot", "default")]))
    issue = still.cluster.tokens.issue

    assert await still.bearer(issue("default", "robot")).names(PODS) == POD_NAMES
    assert await still.bearer(issue("default", "other")).code(PODS) == 403


async def test_a_bad_token_is_refused(still: World) -> None:
    """A token that the API server does not know, has revoked or that is over is 401, and never anonymous."""
    tokens = still.cluster.tokens
    revoked, over = tokens.issue("default", "robot"), tokens.issue("default", "robot", lifetime=-5.0)
    tokens.revoke(revoked)

    for token in ("nonsense", revoked, over):
        answer = await still.bearer(token).ask(PODS)
        assert (answer.code, answer.body["message"]) == (401, "Unauthorized")


async def test_a_foreign_certificate_is_cut_off(still: World) -> None:
    """A certificate of an unknown authority gets no connection, and one line says so; others go on."""
    foreign = pki.Authority("kubernetes", now=time.time).client("admin", [MASTERS])

    with pytest.raises(CUT):
        await still.direct(foreign).ask(PODS)
    with pytest.raises(CUT):
        await still.direct(foreign).ask(PODS)

    lines = still.log.lines(REFUSED_HANDSHAKE)
    assert len([line for line in lines if "self-signed" in line["cause"] or "issuer" in line["cause"]]) == 1
    assert "authority of this cluster" in lines[-1]["remedy"]
    assert await still.master().names(PODS) == POD_NAMES


@pytest.mark.parametrize("whose", ["client", "front proxy"])
async def test_an_expired_certificate_is_cut_off(still: World, whose: str) -> None:
    """A certificate that is over gets no connection, and a line names the cause."""
    authority = still.cluster.authority if whose == "client" else still.cluster.front_proxy
    over = authority.client(FRONT_PROXY_NAME, [MASTERS], lifetime=-60.0)

    with pytest.raises(CUT):
        await still.direct(over, FOR_ROOT).ask(PODS)

    line = await eventually(lambda: [x for x in still.log.lines(REFUSED_HANDSHAKE) if "expired" in x["cause"]])
    assert len(line) == 1
    assert line[0]["level"] == "warning"


async def test_a_namespaced_role_gives_just_that_namespace(still: World) -> None:
    """A binding in one namespace opens its pods, and neither others nor lists over all, nor nodes."""
    still.grant(roles.binding("jane-views", "view", [roles.user("jane")], "shop"))
    jane = still.direct(still.cluster.client("jane"))

    codes = {path: await jane.code(path) for path in (pods_in("data"), f"{pods_in('data')}/db-0", PODS, NODES)}

    assert await jane.names(pods_in("shop")) == ["cart-0", "till-0"]
    assert await jane.code(f"{pods_in('shop')}/cart-0") == 200
    assert set(codes.values()) == {403}, codes


async def test_nobody_may_look_at_the_probes(world: World) -> None:
    """Probes and nothing else are open to callers that show nothing."""
    nobody = world.direct()

    codes = {path: await nobody.code(path) for path in ("/livez", "/readyz", "/healthz", "/metrics", NODES)}

    assert codes == {"/livez": 200, "/readyz": 200, "/healthz": 200, "/metrics": 403, NODES: 403}
