"""The listener's TLS over real connections: who gets in, what is shown, and how both change."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading

import pytest

from kubevitals.api.authentication.certificates import CertificatePool, CertificateRefused
from kubevitals.errors import ConfigError
from kubevitals.tls import NamedCertificate, parse_key_pair, peer_chain

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def client_ca(pki):
    return pki.Authority("kubernetes")


@pytest.mark.parametrize("version", VERSIONS)
async def test_certificate_of_a_known_authority_comes_through_whole(pki, door, caller, client_ca, version):
    """The listener hands over what a caller presented, intermediates too; without a certificate, nothing."""
    leaf = pki.Authority("middle", parent=client_ca).issue("jane")
    made = door()
    made.tls.trust([client_ca.der])
    async with made.listen() as listener:
        assert await listener.call(caller(leaf, version))
        assert await listener.call(caller(None, version))

    assert (listener.chains, made.failures) == ([leaf.chain, ()], [])


@pytest.mark.parametrize("kind", ["foreign", "expired", "server only"])
async def test_other_certificates_are_cut_off_and_reported(pki, door, caller, client_ca, kind):
    """A certificate that OpenSSL cannot verify ends the handshake, and the report says why and what to do."""
    leaf = {
        "foreign": pki.Authority("kubernetes").issue("jane"),
        "expired": client_ca.issue("jane", end=pki.now - 60),
        "server only": client_ca.issue("jane", usages=[pki.SERVER_AUTH]),
    }[kind]
    made = door()
    made.tls.trust([client_ca.der])
    async with made.listen() as listener:
        assert await listener.call(caller(leaf)) is None

    assert ([failure.cause for failure in made.failures], listener.chains) == (["client_certificate"], [])
    assert made.failures[0].detail.startswith("the caller's certificate was refused: ")
    assert "authority of this cluster" in made.failures[0].remedy


async def test_authorities_change_while_listening(pki, door, caller):
    """After a rotation the new authority's certificates come in, and the old one's are cut off."""
    old, new = pki.Authority("kubernetes"), pki.Authority("kubernetes")
    made = door()
    seen = []
    async with made.listen() as listener:
        for authorities in ((), (old.der,), (old.der, new.der), (new.der,)):
            made.tls.trust(authorities)
            seen.append([bool(await listener.call(caller(each.issue("jane")))) for each in (old, new)])

    assert seen == [[False, False], [True, False], [True, True], [False, True]]


async def test_callers_are_not_asked_when_nobody_can_identify(door, caller, client_ca):
    """Without any authority to come, callers are not asked, and one with a certificate is let in without it."""
    made = door(ask=False)
    async with made.listen() as listener:
        assert await listener.call(caller(client_ca.issue("jane")))

    assert listener.chains == [()]


@pytest.mark.parametrize("name", ["localhost", None])
async def test_serving_certificate_changes_while_listening(serving_ca, door, caller, name):
    """A reload shows new connections the new certificate, also when the caller names no server."""
    made = door()
    first, second = made.certificate.issued, serving_ca.serving("localhost")
    async with made.listen() as listener:
        seen = [await _shown(listener.port, name)]
        unchanged = made.tls.reload()
        made.certificate.issued = second
        changed = made.tls.reload()
        seen.append(await _shown(listener.port, name))

    assert (seen, unchanged, changed) == ([first.der, second.der], False, True)


async def _shown(port, name):
    """Connect with or without a server name (SNI) and return the certificate that is shown."""

    def connect():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            context.wrap_socket(plain, server_hostname=name) as tls,
        ):
            tls.recv(1)
            return tls.getpeercert(True)

    return await asyncio.to_thread(connect)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("explicit.example", "explicit"),
        ("EXPLICIT.example", "explicit"),
        ("a.wild.example", "explicit"),
        ("a.b.wild.example", "default"),
        ("implied.example", "implied"),
        ("both.example", "explicit"),
        ("twice.example", "implied"),
        ("plain.example", "plain"),
        ("other.example", "default"),
        (None, "default"),
    ],
)
async def test_certificate_goes_by_the_name_asked_for(serving_ca, door, fixed, asked, expected):
    """Explicit names come first, then those in certificates, earlier flags before later ones; else the default."""
    issued = {
        "implied": serving_ca.serving("implied.example", "both.example", "twice.example"),
        "explicit": serving_ca.serving("ignored.example"),
        "late": serving_ca.issue("twice.example", usages=None),
    }
    issued["plain"] = serving_ca.issue("plain.example", usages=None)
    names = ("explicit.example", "*.Wild.example", "both.example")
    made = door(
        named=[
            NamedCertificate(fixed(issued["implied"])),
            NamedCertificate(fixed(issued["explicit"]), names),
            NamedCertificate(fixed(issued["late"])),
            NamedCertificate(fixed(issued["plain"])),
        ]
    )
    shown = {"default": made.certificate.issued.der} | {kind: each.der for kind, each in issued.items()}
    async with made.listen() as listener:
        assert await _shown(listener.port, asked) == shown[expected]


def test_tls_1_3_session_is_never_resumed(door, caller, client_ca):
    """A caller that brings its last session back is verified anew: after a rotation it is cut off."""
    made = door()
    made.tls.trust([client_ca.der])
    context = caller(client_ca.issue("jane"), ssl.TLSVersion.TLSv1_3)

    first, _, session = _handshake(made.tls.context, context)
    second, _, _ = _handshake(made.tls.context, context, session)
    made.tls.trust([])
    third, _, _ = _handshake(made.tls.context, context, session)

    assert (first, second, third) == ("full", "full", "CERTIFICATE_VERIFY_FAILED")


def test_tls_1_2_session_that_is_resumed_still_shows_its_chain(pki, door, caller, client_ca):
    """Python cannot forbid resumption by session id; the chain then comes along, to be judged per request."""
    leaf = pki.Authority("middle", parent=client_ca).issue("jane")
    made = door()
    made.tls.trust([client_ca.der])
    context = caller(leaf, ssl.TLSVersion.TLSv1_2)

    first, _, session = _handshake(made.tls.context, context)
    made.tls.trust([])
    second, chain, _ = _handshake(made.tls.context, context, session)

    assert (first, second, chain) == ("full", "resumed", leaf.chain)
    with pytest.raises(CertificateRefused):
        CertificatePool(pki.Authority("kubernetes").pem).verify(chain, pki.now)


@pytest.mark.parametrize("version", VERSIONS)
def test_plain_context_would_resume(serving_ca, caller, version):
    """The two tests above can fail: with Python's defaults both versions resume, and without a chain."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = serving_ca.serving("localhost")
    parse_key_pair(issued.pem, issued.key_pem).load_into(context)
    context.load_verify_locations(cadata=serving_ca.der)
    context.verify_mode = ssl.CERT_OPTIONAL
    client = caller(serving_ca.issue("jane"), version)

    first, _, session = _handshake(context, client)
    second, chain, _ = _handshake(context, client, session)

    assert (first, second, len(chain)) == ("full", "resumed", 1)


def _handshake(server_context, client_context, session=None):
    """Return how the server saw the handshake, the chain it got, and the caller's session; both sides end cleanly."""
    here, there = socket.socketpair()
    outcome = []

    def serve():
        try:
            with server_context.wrap_socket(here, server_side=True) as tls:
                outcome.extend(("resumed" if tls.session_reused else "full", peer_chain(tls)))
                tls.sendall(b"x")
                tls.unwrap().close()
        except ssl.SSLError as error:
            outcome.extend((error.reason, ()))
        finally:
            here.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client_context.wrap_socket(there, server_hostname="localhost", session=session) as tls:
            tls.recv(1)
            session = tls.session
            tls.unwrap().close()
    except OSError:
        pass
    finally:
        there.close()
        thread.join()
    return *outcome, session


@pytest.mark.parametrize(
    ("sent", "cause"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "plain_http"),
        (b"SSH-2.0-x\r\n", "not_tls"),
        (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "other"),
    ],
)
async def test_what_is_no_handshake_is_reported(door, sent, cause):
    """A caller that speaks something else to the TLS port is cut off, and reported as what it is if that is known."""
    made = door()
    async with made.listen() as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(sent)
        await reader.read()
        writer.close()

    assert [failure.cause for failure in made.failures] == [cause]


async def test_caller_that_distrusts_us_is_reported(door):
    """A caller that refuses the serving certificate is reported as distrusting, with where to look."""
    made = door()
    async with made.listen() as listener:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        await asyncio.to_thread(_refuse, context, listener.port)
        while not made.failures:
            await asyncio.sleep(0)

    assert made.failures[0].cause == "distrusted"
    assert "caBundle" in made.failures[0].remedy


def _refuse(context, port):
    with socket.create_connection(("127.0.0.1", port)) as plain, pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(plain, server_hostname="localhost")


async def test_old_versions_are_cut_off(door, caller):
    """With TLS 1.3 as the minimum, a caller that only speaks 1.2 is cut off and reported."""
    made = door(minimum=ssl.TLSVersion.TLSv1_3)
    async with made.listen() as listener:
        assert await listener.call(caller(version=ssl.TLSVersion.TLSv1_2)) is None
        assert await listener.call(caller(version=ssl.TLSVersion.TLSv1_3))

    assert [failure.cause for failure in made.failures] == ["version"]


async def test_ciphers_are_limited(door, caller):
    """The configured suites are the only ones up to TLS 1.2."""
    made = door(ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")
    chosen, other = caller(version=ssl.TLSVersion.TLSv1_2), caller(version=ssl.TLSVersion.TLSv1_2)
    chosen.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    other.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    async with made.listen() as listener:
        assert await listener.call(chosen)
        assert await listener.call(other) is None

    assert [failure.cause for failure in made.failures] == ["cipher"]


async def test_authority_that_openssl_refuses_leaves_the_others(door, caller, client_ca, caplog):
    """One authority that cannot be loaded is logged, and the others count."""
    made = door()
    made.tls.trust([b"junk", client_ca.der])
    async with made.listen() as listener:
        assert await listener.call(caller(client_ca.issue("jane")))

    assert ["OpenSSL refuses an authority" in record.message for record in caplog.records] == [True]


def test_pair_that_does_not_match_never_gets_here(pki, serving_ca):
    """What a listener shows has been tried before."""
    with pytest.raises(ConfigError, match="does not belong"):
        parse_key_pair(serving_ca.serving("a").pem, serving_ca.serving("a").key_pem)
