"""Only the front proxy's certificate makes headers count, and then exactly the lines of the configured headers.

No headers whatsoever make a caller without that certificate anybody but itself or anonymous.
An input is lines of headers.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kubevitals.api.authentication import (
    ANONYMOUS,
    AUTHENTICATED,
    UNAUTHENTICATED,
    Authenticator,
    ImpersonationRefused,
    Unauthorized,
)
from kubevitals.api.authentication.tokens import Tokens
from kubevitals.api.authentication.trust import ClientTrust, TrustFlags
from kubevitals.api.message import Headers, Request
from kubevitals.model import User
from kubevitals.simulator.pki import Authority, KeyPair

_NOW = 1_790_000_000.0
_PROXY = "front-proxy-client"
_USERS, _GROUPS = ("X-Remote-User", "X-Forwarded-User"), ("X-Remote-Group", "X-Forwarded-Groups")
_UID, _EXTRA, _TOKEN = "X-Remote-Uid", "X-Remote-Extra-", "Authorization"
_ROBOT = User("robot", ("bots", AUTHENTICATED), "u-9")

Lines = Sequence[tuple[str, str]]
Chain = tuple[bytes, ...]


def one(data: bytes) -> None:
    """Hold the promise against lines of headers, sent with every kind of certificate and without one."""
    text = data.decode("utf-8", "surrogateescape")
    pairs = (line.partition(":") for line in text.split("\n"))
    check([(name, value.strip()) for name, _, value in pairs])


def seeds() -> Iterator[bytes]:
    """Yield what kube-apiserver sends, and what somebody sends who would like to be it."""
    yield b"X-Remote-User: jane\nX-Remote-Uid: u\nX-Remote-Group: a\nX-Remote-Group: b,c\nX-Remote-Extra-Sco%2Fpe: s"
    yield b"x-remote-user: system:admin\nX_Remote_Group: system:masters\nX-Remote-Group: system:masters"
    yield b"Authorization: Bearer good\nX-Forwarded-User: admin\nX-Forwarded-Groups: system:masters"
    yield b"Authorization: Bearer bad\nImpersonate-User: admin\nX-Remote-Extra-a%ff: x"


def check(lines: Lines) -> None:
    """Assert that headers name whom they may name, whoever sends them."""
    asyncio.run(_check_all(lines))


async def _check_all(lines: Lines) -> None:
    for cluster in clusters():
        for caller in cluster.callers:
            found = await who(cluster.authenticator, caller.chain, lines)
            assert found == caller.own or (not caller.own and _is_nobody_else(found, lines)), (caller, found)
        if cluster.front_proxy:
            _check_named(await who(cluster.authenticator, cluster.front_proxy, lines), lines)


def _is_nobody_else(found: User | None, lines: Lines) -> bool:
    """Tell whether somebody without a certificate of their own is refused, anonymous, or the owner of a token."""
    return found in (None, ANONYMOUS) or (found == _ROBOT and any("good" in value for value in lines_of(lines, _TOKEN)))


def _check_named(found: User | None, lines: Lines) -> None:
    """Assert that whom the front proxy names is what the configured headers say, and nothing else."""
    firsts = [value for header in _USERS for value in lines_of(lines, header)[:1] if value]
    if not firsts:
        assert found is None or _is_nobody_else(found, lines)
        return
    assert found is not None
    assert msgspec.json.encode(found)
    name = well_formed(firsts[0])
    groups = [well_formed(group) for header in _GROUPS for group in lines_of(lines, header) if group]
    if name != ANONYMOUS.name and {AUTHENTICATED, UNAUTHENTICATED}.isdisjoint(groups):
        groups.append(AUTHENTICATED)
    assert (found.name, list(found.groups)) == (name, groups)
    assert found.uid == well_formed("".join(lines_of(lines, _UID)[:1]))
    extra = [well_formed(value) for name, value in lines if name.lower().startswith(_EXTRA.lower())]
    assert sorted(value for values in found.extra.values() for value in values) == sorted(extra)


def lines_of(lines: Lines, header: str) -> list[str]:
    """Return the values of a header, line by line."""
    return [value for name, value in lines if name.lower() == header.lower()]


def well_formed(text: str) -> str:
    """Return text with U+FFFD for every character that UTF-8 does not have."""
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


async def who(authenticator: Authenticator, chain: Chain, lines: Lines) -> User | None:
    """Return who is asking, None for credentials that are refused."""
    request = Request("GET", "/", headers=Headers(lines), peer_chain=chain)
    try:
        return (await authenticator.authenticate(request)).user
    except ImpersonationRefused as refused:
        return refused.user
    except Unauthorized:
        return None


# --- the callers --------------------------------------------------------------------------------------------


class _Caller(NamedTuple):
    """A chain of certificates, and who it stands for; None for nobody."""

    chain: Chain
    own: User | None = None


class _Cluster(NamedTuple):
    """Who may speak for others, if anybody, and all who may not."""

    authenticator: Authenticator
    callers: list[_Caller]
    front_proxy: Chain


@functools.cache
def clusters() -> tuple[_Cluster, _Cluster]:
    """Return a cluster with an authority for its front proxy, and one where nothing tells the two kinds apart."""
    clients, proxies = (Authority(name, now=lambda: _NOW) for name in ("kubernetes", "front-proxy-ca"))
    jane, proxy = _der(clients.client("jane", ["dev"])), _der(proxies.client(_PROXY))
    foreign = Authority("front-proxy-ca", now=lambda: _NOW)
    itself = _Caller((jane,), _jane(jane))
    callers = [
        _Caller(()),
        itself,
        _Caller((jane, proxy), _jane(jane)),
        _Caller((_der(foreign.client(_PROXY)), proxy)),
        _Caller((_der(foreign.client("jane", ["system:masters"])),)),
        _Caller((_der(proxies.client("somebody")),)),
        _Caller((_der(proxies.client(_PROXY, lifetime=-1.0)),)),
        _Caller((_der(proxies.serving(_PROXY, [_PROXY])),)),
        _Caller((b"no certificate",)),
    ]
    shared = [_Caller(()), itself]
    return (
        _Cluster(_authenticator(clients, proxies, [_PROXY]), callers, (proxy,)),
        _Cluster(_authenticator(clients, clients, []), shared, ()),
    )


def _der(pair: KeyPair) -> bytes:
    return x509.load_pem_x509_certificate(pair.certificate).public_bytes(Encoding.DER)


def _jane(der: bytes) -> User:
    fingerprint = f"X509SHA256={hashlib.sha256(der).hexdigest()}"
    return User("jane", ("dev", AUTHENTICATED), extra={"authentication.kubernetes.io/credential-id": (fingerprint,)})


def _authenticator(clients: Authority, proxies: Authority, names: list[str]) -> Authenticator:
    trust = ClientTrust(TrustFlags())
    trust.update_config_map({
        "client-ca-file": clients.pem.decode(),
        "requestheader-client-ca-file": proxies.pem.decode(),
        "requestheader-allowed-names": json.dumps(names),
        "requestheader-username-headers": json.dumps(_USERS),
        "requestheader-group-headers": json.dumps(_GROUPS),
        "requestheader-extra-headers-prefix": json.dumps([_EXTRA]),
        "requestheader-uid-headers": json.dumps([_UID]),
    })  # fmt: skip
    return Authenticator(trust, Tokens(_owner, secret=b"s", clock=lambda: 0.0), now=lambda: _NOW)


async def _owner(token: str) -> User | None:
    return User("robot", ("bots",), "u-9") if token == "good" else None
