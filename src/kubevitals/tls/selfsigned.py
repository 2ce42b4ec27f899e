"""The serving certificate that is made when none is given: a fresh authority, and a leaf signed by it."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kubevitals.tls.keypair import KeyPair

_LIFETIME = timedelta(days=365)
_BACKDATED = timedelta(hours=1)  # callers' clocks may be behind ours
_OWN_ISSUER = re.compile(r"localhost-ca@\d+\Z")


def generate(bind_address: str, now: float) -> KeyPair:
    """Return a certificate for localhost, 127.0.0.1 and the address listened on, valid for a year.

    Names, lifetime, key size and file formats are those of the API server library (``apiserver.crt`` holds
    leaf and authority, the key is PKCS#1), so that either program can go on with what the other has written.
    """
    ca_key, key = _new_key(), _new_key()
    issuer, subject = _name(f"localhost-ca@{int(now)}"), _name(f"localhost@{int(now)}")
    authority = (
        _builder(issuer, issuer, ca_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(ca_key, SHA256())
    )
    leaf = (
        _builder(subject, issuer, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_authority_id(ca_key), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternatives(bind_address)), critical=False)
        .sign(ca_key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return KeyPair(leaf.public_bytes(Encoding.PEM) + authority.public_bytes(Encoding.PEM), pem, leaf)


def is_own(leaf: x509.Certificate) -> bool:
    """Tell whether a certificate was generated this way, and may be replaced without asking."""
    names = leaf.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    return any(_OWN_ISSUER.match(str(name.value)) for name in names)


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, now: float) -> x509.CertificateBuilder:
    start = datetime.fromtimestamp(now, UTC) - _BACKDATED
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        key_cert_sign=authority,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_id(key: rsa.RSAPrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _alternatives(bind_address: str) -> list[x509.GeneralName]:
    loopback = ipaddress.ip_address("127.0.0.1")
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(loopback)]
    try:
        address = ipaddress.ip_address(bind_address)
    except ValueError:
        return names
    if not address.is_unspecified and address != loopback:
        names.append(x509.IPAddress(address))
    return names
