"""Who is asking: every combination of credentials, and what must never work."""

from __future__ import annotations

import hashlib

import pytest

from kubevitals.api.authentication import (
    ANONYMOUS,
    Authenticated,
    Authenticator,
    ImpersonationRefused,
    Unauthorized,
)
from kubevitals.api.authentication.tokens import Tokens
from kubevitals.api.authentication.trust import ClientTrust, TrustFlags
from kubevitals.api.message import Headers, Request
from kubevitals.errors import ApiUnreachable
from kubevitals.model import User

AUTHENTICATED = "system:authenticated"
EXTRA_SPACE = '299 - "the provided Authorization header contains extra space before the bearer token, and is ignored"'
GOOD = ("Authorization", "Bearer good")
BAD = ("Authorization", "Bearer bad")
DOWN = ("Authorization", "Bearer down")
SLOW = ("Authorization", "Bearer slow")
ADMIN = ("X-Remote-User", "admin")


async def _review(token):
    if token == "down":
        raise ApiUnreachable("connection refused")
    if token == "slow":
        raise TimeoutError
    return User("robot", ("bots",), "u-9") if token == "good" else None


class World:
    """A cluster's authorities, its ConfigMap, and an authenticator that follows it."""

    def __init__(self, pki):
        self.pki = pki
        self.client_ca = pki.Authority("kubernetes")
        self.proxy_ca = pki.Authority("front-proxy-ca")
        self.seconds_left = []
        self.refused = []
        self.trust = ClientTrust(TrustFlags())
        tokens = Tokens(_review, secret=b"s" * 32, clock=lambda: 0.0)
        self.authenticator = Authenticator(
            self.trust,
            tokens,
            now=lambda: pki.now,
            certificate_seen=self.seconds_left.append,
            name_refused=self.refused.append,
        )
        self.front_proxy = self.proxy_ca.issue("front-proxy-client").chain
        self.jane = self.client_ca.issue("jane", ["dev", "ops"], uids=["u-7"]).chain
        self.foreign = pki.Authority("kubernetes").issue("jane").chain

    def publish(self, client_ca=None, proxy_ca=None, names='["front-proxy-client"]', **more):
        data = {
            "client-ca-file": (client_ca or self.client_ca).pem.decode(),
            "requestheader-client-ca-file": (proxy_ca or self.proxy_ca).pem.decode(),
            "requestheader-allowed-names": names,
            "requestheader-username-headers": '["X-Remote-User"]',
            "requestheader-group-headers": '["X-Remote-Group"]',
            "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
        }
        self.trust.update_config_map(data | more)

    async def ask(self, *lines, chain=()):
        return await self.authenticator.authenticate(Request("GET", "/", headers=Headers(lines), peer_chain=chain))

    async def name(self, *lines, chain=()):
        """Return who is asking, ``401`` for refused credentials."""
        try:
            return (await self.ask(*lines, chain=chain)).user.name
        except Unauthorized:
            return "401"


@pytest.fixture
def world(pki):
    world = World(pki)
    world.publish()
    return world


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), "system:anonymous"),
        ((("Authorization", "Basic YTpi"),), "system:anonymous"),
        ((("Authorization", "Bearer"),), "system:anonymous"),
        ((("Authorization", "Bearer  good"),), "system:anonymous"),
        ((BAD,), "401"),
        ((DOWN,), "401"),
        ((SLOW,), "401"),
        ((GOOD,), "robot"),
        ((ADMIN,), "system:anonymous"),
        ((ADMIN, GOOD), "robot"),
    ],
)
async def test_without_a_certificate(world, lines, expected):
    """No credentials are anonymous, bad ones are refused, identity headers are ignored."""
    assert await world.name(*lines) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), "401"),
        ((BAD,), "401"),
        ((DOWN,), "401"),
        ((ADMIN,), "401"),
        ((GOOD,), "robot"),
        ((ADMIN, GOOD), "robot"),
    ],
)
@pytest.mark.parametrize("kind", ["foreign", "expired", "server only"])
async def test_with_a_certificate_that_does_not_verify(world, pki, kind, lines, expected):
    """A bad certificate is refused, unless a good token comes with it; it never makes identity headers count."""
    chain = {
        "foreign": world.foreign,
        "expired": world.proxy_ca.issue("front-proxy-client", end=pki.now - 1).chain,
        "server only": world.proxy_ca.issue("front-proxy-client", usages=[pki.SERVER_AUTH]).chain,
    }[kind]

    assert await world.name(*lines, chain=chain) == expected


@pytest.mark.parametrize("lines", [(), (ADMIN,), (ADMIN, ("X-Remote-Group", "system:masters")), (BAD,), (DOWN,)])
async def test_client_certificate_is_its_own_user(world, lines):
    """A client certificate is its CN and O, whatever headers and tokens come with it."""
    fingerprint = hashlib.sha256(world.jane[0]).hexdigest()

    assert await world.ask(*lines, chain=world.jane) == Authenticated(
        User(
            "jane",
            ("dev", "ops", AUTHENTICATED),
            "u-7",
            {"authentication.kubernetes.io/credential-id": (f"X509SHA256={fingerprint}",)},
        )
    )


@pytest.mark.parametrize("uids", [["a", "b"], ["a", "a"]])
async def test_certificate_with_two_uids_is_refused(world, uids):
    """A subject with several uids identifies nobody, even when they agree."""
    assert await world.name(chain=world.client_ca.issue("jane", uids=uids).chain) == "401"


async def test_certificate_without_a_name_is_nobody(world):
    """A client certificate without CN stands for nobody; what it says of groups does not count either."""
    chain = world.client_ca.issue(organizations=["system:masters"]).chain
    clients_only = World(world.pki)
    clients_only.publish(client_ca=world.client_ca, **{"requestheader-client-ca-file": ""})

    assert [await world.name(chain=chain), await world.name(GOOD, chain=chain)] == ["401", "robot"]
    assert await clients_only.ask(chain=chain) == Authenticated(ANONYMOUS)


async def test_front_proxy_names_the_user(world):
    """The front proxy's headers count, and a token beside them is not looked at."""
    lines = [("X-Remote-Group", group) for group in ("a", "a", "b,c")]

    seen = await world.ask(ADMIN, *lines, ("X_Remote_Group", "system:masters"), DOWN, chain=world.front_proxy)

    assert seen == Authenticated(User("admin", ("a", "a", "b,c", AUTHENTICATED)))


async def test_front_proxy_with_another_name_is_refused(world):
    """A certificate of the front proxy's authority with a name that is not allowed gives 401."""
    chain = world.proxy_ca.issue("somebody").chain

    assert await world.name(ADMIN, chain=chain) == "401"
    assert world.refused == ["x509: subject with cn=somebody is not in the allowed list"]


async def test_front_proxy_that_names_nobody(world):
    """The front proxy is never a user itself: 401, or anonymous where no client authority is known."""
    headers_only = World(world.pki)
    headers_only.publish(**{"client-ca-file": ""})

    assert await world.name(chain=world.front_proxy) == "401"
    assert await headers_only.name(chain=headers_only.front_proxy) == "system:anonymous"
    assert world.refused == []


async def test_certificates_before_the_config_map_was_read(pki):
    """While no authority is known there is no opinion about certificates: anonymous, or the token's user."""
    world = World(pki)

    seen = [await world.name(*lines, chain=chain) for lines in ((ADMIN,), (ADMIN, GOOD))
            for chain in (world.jane, world.front_proxy)]  # fmt: skip

    assert seen == ["system:anonymous"] * 2 + ["robot"] * 2


async def test_shared_authority_needs_allowed_names(world):
    """Where both authorities are one, client certificates stay themselves and headers count for nobody."""
    world.publish(proxy_ca=world.client_ca, names="[]")

    assert await world.name(ADMIN, chain=world.jane) == "jane"

    world.publish(proxy_ca=world.client_ca)
    proxy = world.client_ca.issue("front-proxy-client").chain

    assert [await world.name(ADMIN, chain=chain) for chain in (world.jane, proxy)] == ["jane", "admin"]


async def test_rotation_is_live(world):
    """New authorities and names count from the next request on, the old ones no longer; a deletion keeps them."""
    old_jane, old_proxy = world.jane, world.front_proxy
    client_ca, proxy_ca = world.pki.Authority("kubernetes"), world.pki.Authority("front-proxy-ca")
    jane, proxy = client_ca.issue("new-jane").chain, proxy_ca.issue("aggregator").chain

    async def names():
        return [await world.name(ADMIN, chain=chain) for chain in (old_jane, old_proxy, jane, proxy)]

    before = await names()
    world.publish(client_ca, proxy_ca, '["aggregator"]')
    after = await names()
    world.trust.update_config_map(None)

    assert (before, after, await names()) == (
        ["jane", "admin", "401", "401"],
        ["401", "401", "new-jane", "admin"],
        ["401", "401", "new-jane", "admin"],
    )


async def test_extra_space_is_answered_with_a_warning(world):
    """Two spaces before the token make it ignored, and a warning says so, also on a 401."""
    spaced = ("Authorization", "Bearer  good")

    assert await world.ask(spaced) == Authenticated(ANONYMOUS, (EXTRA_SPACE,))
    with pytest.raises(Unauthorized) as refused:
        await world.ask(spaced, chain=world.foreign)
    assert refused.value.warnings == (EXTRA_SPACE,)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ((), (AUTHENTICATED,)),
        (("a",), ("a", AUTHENTICATED)),
        ((AUTHENTICATED, "a"), (AUTHENTICATED, "a")),
        (("system:unauthenticated",), ("system:unauthenticated",)),
    ],
)
async def test_authenticated_group_is_added_once(world, groups, expected):
    """Whoever is not anonymous is in system:authenticated, unless the groups say otherwise already."""
    lines = [("X-Remote-Group", group) for group in groups]

    assert (await world.ask(ADMIN, *lines, chain=world.front_proxy)).user.groups == expected


async def test_proxied_anonymous_stays_anonymous(world):
    """An anonymous caller that comes through the API server gains no group."""
    lines = [("X-Remote-User", "system:anonymous")]

    assert (await world.ask(*lines, chain=world.front_proxy)).user == User("system:anonymous")


@pytest.mark.parametrize("header", ["Impersonate-User", "impersonate-group", "IMPERSONATE-UID", "Impersonate-Extra-k"])
async def test_impersonation_is_refused(world, header):
    """Whoever asks to act as somebody else is refused by name, after authentication and not instead of it."""
    with pytest.raises(ImpersonationRefused) as refused:
        await world.ask((header, "admin"), chain=world.jane)
    assert refused.value.user.name == "jane"
    with pytest.raises(Unauthorized):
        await world.ask((header, "admin"), BAD)


async def test_reasons_name_what_failed_and_no_token(world):
    """The log can say why each of the credentials was refused; tokens are never part of it."""
    with pytest.raises(Unauthorized) as refused:
        await world.ask(BAD, chain=world.foreign)

    assert [reason.split(":")[0] for reason in refused.value.reasons] == [
        "certificate does not verify",
        "certificate does not verify",
        "invalid bearer token",
    ]
    assert "Bearer" not in str(refused.value)


async def test_the_rest_of_a_certificates_life_is_told(world):
    """Whose certificate stands for itself is seen; the front proxy's and a refused one are not."""
    soon = world.client_ca.issue("bob", end=world.pki.now + 60).chain
    for lines, chain in (((), world.jane), ((), soon), ((ADMIN,), world.front_proxy), ((), world.foreign)):
        await world.name(*lines, chain=chain)

    assert world.seconds_left == [86400, 60]
