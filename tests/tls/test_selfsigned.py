"""The certificate that is generated when none is given."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from kubevitals.tls import parse_key_pair, selfsigned

NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
def generated():
    return selfsigned.generate("10.1.2.3", NOW)


def _names(pair):
    value = pair.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return value.get_values_for_type(x509.DNSName), list(map(str, value.get_values_for_type(x509.IPAddress)))


def test_certificate_is_that_of_the_api_server_library(generated):
    """Names, lifetime, usage and key size are upstream's."""
    leaf, authority = x509.load_pem_x509_certificates(generated.chain)
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value

    assert leaf.subject.rfc4514_string() == "CN=localhost@1800000000"
    assert authority.subject.rfc4514_string() == "CN=localhost-ca@1800000000"
    assert leaf.not_valid_before_utc.timestamp() == NOW - 3600
    assert leaf.not_valid_after_utc.timestamp() == NOW - 3600 + 365 * 86400
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert (leaf.public_key().key_size, authority.public_key().key_size) == (2048, 2048)
    assert generated.key.startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    leaf.verify_directly_issued_by(authority)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3", ["127.0.0.1", "10.1.2.3"]),
        ("fd00::1", ["127.0.0.1", "fd00::1"]),
        ("0.0.0.0", ["127.0.0.1"]),
        ("::", ["127.0.0.1"]),
        ("127.0.0.1", ["127.0.0.1"]),
        ("", ["127.0.0.1"]),
    ],
)
def test_names_are_loopback_and_the_address(address, expected):
    """The certificate is for localhost, 127.0.0.1, and the address listened on if there is one."""
    alternatives = selfsigned._alternatives(address)

    assert [str(each.value) for each in alternatives] == ["localhost", *expected]


def test_own_certificates_are_told_from_others(generated, pki):
    """Only what was generated this way may be replaced without asking."""
    given = pki.Authority("localhost-ca").serving("localhost")

    assert [selfsigned.is_own(each) for each in (generated.leaf, given.certificate)] == [True, False]


async def test_certificate_verifies_over_a_connection(pki, door):
    """A caller that trusts the generated authority accepts the certificate, by name and strictly."""
    made = selfsigned.generate("0.0.0.0", pki.now)
    listener = door()
    listener.certificate.issued = _Generated(made)
    listener.tls.reload()
    context = ssl.create_default_context(cadata=made.chain.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    async with listener.listen() as server:
        for name in ("localhost", "127.0.0.1"):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context, server_hostname=name)
            writer.close()
            await writer.wait_closed()

    assert parse_key_pair(made.chain, made.key) == made


class _Generated:
    def __init__(self, pair):
        self.pem, self.key_pem = pair.chain, pair.key
