"""The serving certificate that is made when none is given: a fresh authority, and a leaf signed by it."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kubevitals.tls.issuing import authority_id, builder, common_name, usage
from kubevitals.tls.keypair import KeyPair

_LIFETIME = timedelta(days=365)
_OWN_ISSUER = re.compile(r"localhost-ca@\d+\Z")


def generate(bind_address: str, now: float) -> KeyPair:
    """Return a certificate for localhost, 127.0.0.1 and the address listened on, valid for a year.

    Names, lifetime, key size and file formats are those of the API server library (``apiserver.crt`` holds
    leaf and authority, the key is PKCS#1), so that either program can go on with what the other has written.
    """
    ca_key, key = _new_key(), _new_key()
    issuer, subject = common_name(f"localhost-ca@{int(now)}"), common_name(f"localhost@{int(now)}")
    authority = (
        builder(issuer, issuer, ca_key.public_key(), now, _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage(authority=True), critical=True)
        .sign(ca_key, SHA256())
    )
    leaf = (
        builder(subject, issuer, key.public_key(), now, _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(authority_id(ca_key), critical=False)
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
