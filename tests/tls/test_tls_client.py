"""The context towards kubelets, against certificates that kubelets have."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from kubevitals.errors import ConfigError
from kubevitals.tls import client_context


@pytest.fixture
def dial(door):
    """Connect to a kubelet with a certificate; return what it saw, or why the connection failed."""

    async def connect(issued, context, name, authorities=()):
        kubelet = door()
        kubelet.certificate.issued = issued
        kubelet.tls.reload()
        kubelet.tls.trust(authorities)
        async with kubelet.listen() as listener:
            try:
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", listener.port, ssl=context, server_hostname=name
                )
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
            await reader.read(1)
            writer.close()
            await writer.wait_closed()
            return listener.chains

    return connect


async def test_certificate_of_the_bundle_is_accepted_by_its_names(pki, dial):
    """A kubelet is known by an address or a name of its certificate, whichever is asked for."""
    authority = pki.Authority("kubelets")
    issued = authority.serving("node-1", "127.0.0.1")
    context = client_context(authority.pem)

    assert [await dial(issued, context, name) for name in ("node-1", "127.0.0.1")] == [[()], [()]]
    assert "not valid for 'node-2'" in await dial(issued, context, "node-2")


async def test_stranger_is_refused(pki, dial):
    """A certificate of another authority is refused."""
    context = client_context(pki.Authority("kubelets").pem)

    assert "local issuer" in await dial(pki.Authority("other").serving("node-1"), context, "node-1")


async def test_common_name_is_no_host_name(pki, dial):
    """As in Go, a certificate without alternative names is for no host."""
    authority = pki.Authority("kubelets")
    issued = authority.issue("node-1", usages=[pki.SERVER_AUTH])

    assert "not valid for 'node-1'" in await dial(issued, client_context(authority.pem), "node-1")


@pytest.mark.parametrize("anchor", ["intermediate", "leaf"])
async def test_any_certificate_of_the_bundle_is_an_anchor(pki, dial, anchor):
    """A bundle may hold an intermediate authority or a kubelet's own certificate alone, as in Go."""
    middle = pki.Authority("middle", parent=pki.Authority("root"))
    issued = middle.serving("node-1")
    pem = {"intermediate": middle.pem, "leaf": issued.pem}[anchor]

    assert await dial(issued, client_context(pem), "node-1") == [()]


async def test_authority_without_key_identifiers_is_accepted(pki, dial):
    """Old authorities lack extensions that Python 3.13 asks for by default."""
    authority = pki.Authority("kubelets", key_ids=False)

    assert await dial(authority.serving("node-1"), client_context(authority.pem), "node-1") == [()]
    assert not client_context(authority.pem).verify_flags & ssl.VERIFY_X509_STRICT


async def test_insecure_accepts_anything(pki, dial):
    """With verification off, expired certificates of strangers for other names are accepted."""
    issued = pki.Authority("other").serving("node-1", end=pki.now - 60)

    assert await dial(issued, client_context(None, insecure=True), "127.0.0.1") == [()]


async def test_client_certificate_is_presented(pki, dial):
    """A kubelet that asks sees our client certificate."""
    authority, client_ca = pki.Authority("kubelets"), pki.Authority("clients")
    issued = client_ca.issue("metrics")
    context = client_context(authority.pem, certificate=(issued.pem, issued.key_pem))

    assert await dial(authority.serving("node-1"), context, "node-1", [client_ca.der]) == [issued.chain]


def test_without_a_bundle_the_system_is_trusted():
    """No bundle means the authorities of the system, and never nobody's."""
    context = client_context(None)

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_what_cannot_be_used_is_a_config_error(pki):
    """A bundle without certificates and a key that does not match are named at the start."""
    issued, other = (pki.Authority().issue("metrics") for _ in range(2))

    for ca_pem in (b"", b"junk"):
        with pytest.raises(ConfigError, match="no PEM certificate"):
            client_context(ca_pem)
    with pytest.raises(ConfigError, match="does not belong"):
        client_context(issued.pem, certificate=(issued.pem, other.key_pem))
