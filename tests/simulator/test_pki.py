"""Certificates: who vouches for whom, tried with real handshakes in memory."""

from __future__ import annotations

import ssl
import time

import pytest

from kubevitals.simulator import pki

AUTHORITY = pki.Authority("kubernetes", now=time.time)
OTHER = pki.Authority("front-proxy-ca", now=time.time)


def shake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """Do a handshake; return the server's side."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = set(ends)
    for _ in range(10):
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.discard(end)
            except ssl.SSLWantReadError:
                pass
    assert not waiting
    return ends[1]


@pytest.mark.parametrize("name", ["127.1.0.1", "worker-1", "::1"])
def test_a_serving_certificate_is_good_for_its_names(name):
    """A client that trusts the authority accepts each name and address, and no other."""
    server = pki.serving_context(AUTHORITY.serving("x", ["127.1.0.1", "worker-1", "::1"]))
    client = pki.client_context(AUTHORITY.pem)
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 does by itself
    assert shake(server, client, name).version() == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server, client, "worker-2")


def test_a_client_certificate_carries_user_and_groups():
    """The server sees the common name and every organization of a certificate of its client CA."""
    server = pki.serving_context(AUTHORITY.serving("x", ["x"]), client_ca=AUTHORITY.pem)
    client = pki.client_context(AUTHORITY.pem, AUTHORITY.client("jane", ["dev", "ops"]))
    subject = shake(server, client, "x").getpeercert()["subject"]
    assert [pair for part in subject for pair in part] == [
        ("organizationName", "dev"),
        ("organizationName", "ops"),
        ("commonName", "jane"),
    ]


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (OTHER.client("jane"), "unable to get"),
        (AUTHORITY.client("jane", lifetime=-60), "expired"),
        (AUTHORITY.serving("jane", ["jane"]), "purpose"),
    ],
)
def test_a_bad_client_certificate_is_refused(pair, reason):
    """Another authority's, an expired and a serving certificate are none to show."""
    server = pki.serving_context(AUTHORITY.serving("x", ["x"]), client_ca=AUTHORITY.pem)
    with pytest.raises(ssl.SSLError, match=reason):
        shake(server, pki.client_context(AUTHORITY.pem, pair), "x")


def test_without_an_authority_nothing_is_verified():
    """A client context without a CA accepts anybody."""
    server = pki.serving_context(OTHER.serving("x", ["x"]))
    assert shake(server, pki.client_context(b""), "other").version() == "TLSv1.3"


def test_a_certificate_can_be_replaced_on_a_live_context():
    """New handshakes on an old context present the new certificate."""
    server = pki.serving_context(AUTHORITY.serving("x", ["x"]))
    client = pki.client_context(OTHER.pem)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server, client, "x")
    pki.load_pair(server, OTHER.serving("x", ["x"]))
    assert shake(server, client, "x").version() == "TLSv1.3"
