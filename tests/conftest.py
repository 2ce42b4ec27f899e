"""Certificates of every shape a cluster has, and some that no cluster should have."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = float(int(time.time()))  # real handshakes judge by the real clock
DAY = 86400.0
UID = x509.ObjectIdentifier("1.3.6.1.4.1.57683.2")
CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
ANY_USAGE = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE


class Issued:
    """A certificate, its key, and the chain to present: the leaf, then the intermediate authorities."""

    def __init__(self, certificate, key, chain=()):
        self.certificate = certificate
        self.key = key
        self.chain = (self.der, *chain)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def chain_pem(self) -> bytes:
        certificates = map(x509.load_der_x509_certificate, self.chain)
        return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Authority(Issued):
    """A certificate authority; with a parent an intermediate one. Leave out extensions to make it odd.

    With ``key_ids`` it and what it issues carry key identifiers, as nearly all authorities do.
    """

    def __init__(
        self, name="ca", *, parent=None, key=None, basic=True, key_ids=True, path_length=None, usages=(), extra=()
    ):
        key = key or new_key()
        self._key_ids = key_ids
        extensions = [(x509.BasicConstraints(True, path_length), True)] if basic else []
        if key_ids:
            extensions += identifiers(key, parent.key if parent else key)
        if usages:
            extensions.append((x509.ExtendedKeyUsage(usages), False))
        certificate = sign(
            subject(name), key, parent.certificate.subject if parent else subject(name),
            parent.key if parent else key, extensions=[*extensions, *extra],
        )  # fmt: skip
        super().__init__(certificate, key)
        self._above = (self.der, *parent._above) if parent else ()

    def issue(
        self,
        name="",
        organizations: Sequence[str] = (),
        *,
        uids: Sequence[str] = (),
        usages: Iterable[x509.ObjectIdentifier] | None = (CLIENT_AUTH,),
        hosts: Sequence[str] = (),
        key=None,
        start=NOW - DAY,
        end=NOW + DAY,
        extra=(),
        names: x509.Name | None = None,
    ) -> Issued:
        """Issue a leaf; ``hosts`` are DNS names or, when they look so, IP addresses."""
        key = key or new_key()
        extensions = [(x509.ExtendedKeyUsage(usages), False)] if usages else []
        if self._key_ids:
            extensions += identifiers(key, self.key)
        if hosts:
            extensions.append((x509.SubjectAlternativeName([alternative(host) for host in hosts]), False))
        certificate = sign(
            names or subject(name, organizations, uids), key, self.certificate.subject, self.key,
            start=start, end=end, extensions=[*extensions, *extra],
        )  # fmt: skip
        return Issued(certificate, key, self._above)

    def serving(self, *hosts: str, **options) -> Issued:
        return self.issue(hosts[0], usages=(SERVER_AUTH,), hosts=hosts, **options)


def identifiers(key, issuer_key):
    return [
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False),
    ]


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def subject(name, organizations=(), uids=()):
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in organizations]
    parts += [x509.NameAttribute(UID, each) for each in uids]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else parts)


def alternative(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def sign(name, key, issuer, issuer_key, *, start=NOW - DAY, end=NOW + DAY, extensions=()):
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(start, UTC))
        .not_valid_after(datetime.fromtimestamp(end, UTC))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    algorithm = SHA256() if hasattr(issuer_key, "curve") or hasattr(issuer_key, "key_size") else None
    return builder.sign(issuer_key, algorithm)


def version_1(issued: Issued, issuer_key) -> bytes:
    """Return the certificate (it must have no extensions) as X.509 version 1, DER: without its version field."""
    tbs = issued.certificate.tbs_certificate_bytes
    content = _content(tbs)
    assert content.startswith(b"\xa0\x03\x02\x01\x02")
    tbs = _tagged(0x30, content[5:])
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")  # ecdsa-with-SHA256
    signature = _tagged(0x03, b"\0" + issuer_key.sign(tbs, ec.ECDSA(SHA256())))
    return _tagged(0x30, tbs + algorithm + signature)


def unknown_key(certificate) -> bytes:
    """Return the certificate, PEM, with the kind of its key changed to one that does not exist."""
    elliptic = bytes.fromhex("06072a8648ce3d0201")
    der = certificate.public_bytes(Encoding.DER).replace(elliptic, elliptic[:-1] + b"\x63")
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def _content(der: bytes) -> bytes:
    return der[2 + (der[1] & 0x7F if der[1] & 0x80 else 0) :]


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


@pytest.fixture(scope="session")
def pki():
    """What makes certificates: authorities, keys, and the moment they are valid at."""
    return SimpleNamespace(
        Authority=Authority, new_key=new_key, version_1=version_1, unknown_key=unknown_key, subject=subject,
        now=NOW, day=DAY, CLIENT_AUTH=CLIENT_AUTH, SERVER_AUTH=SERVER_AUTH, ANY_USAGE=ANY_USAGE,
    )  # fmt: skip
