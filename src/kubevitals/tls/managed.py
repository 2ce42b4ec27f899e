"""An authority of our own and the serving certificate that it signs, both renewed long before they end. Pure.

The bundle holds the authority that signs, first, and the one before it for as long as that is valid: who trusts the
bundle trusts the certificate in use before, during and after a renewal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from kubevitals.errors import ConfigError
from kubevitals.tls.issuing import BACKDATED, authority_id, builder, common_name, usage
from kubevitals.tls.keypair import KeyPair, parse_key_pair

AUTHORITY_LIFETIME: Final = timedelta(days=3650)
LIFETIME: Final = timedelta(days=365)
_ISSUER: Final = "kubevitals-ca@{}"


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs: the bundle to trust (PEM, the one that signs first), and its key (PEM)."""

    bundle: bytes
    key: bytes = field(repr=False)

    @property
    def certificates(self) -> list[x509.Certificate]:
        """The bundle, parsed."""
        return x509.load_pem_x509_certificates(self.bundle)


def read_authority(bundle: bytes, key: bytes) -> Authority:
    """Return the authority that was kept somewhere.

    Raises:
        ConfigError: it is damaged, or the key is not that of the first certificate.
    """
    parse_key_pair(bundle, key)
    return Authority(bundle, key)


def new_authority(now: float, before: Authority | None = None) -> Authority:
    """Return a fresh authority, with those of ``before`` in its bundle that are still valid."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = common_name(_ISSUER.format(int(now)))
    made = (
        builder(name, name, key.public_key(), now, AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(authority=True), critical=True)
        .sign(key, SHA256())
    )
    kept = [each for each in before.certificates if each.not_valid_after_utc.timestamp() > now] if before else []
    bundle = b"".join(each.public_bytes(Encoding.PEM) for each in [made, *kept])
    return Authority(bundle, _pem(key))


def issue(authority: Authority, names: Sequence[str], now: float) -> KeyPair:
    """Return a serving certificate for these DNS names."""
    signer, signing_key = authority.certificates[0], load_pem_private_key(authority.key, password=None)
    assert isinstance(signing_key, ec.EllipticCurvePrivateKey), "authorities are made here alone"
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = (
        builder(common_name(names[0]), signer.subject, key.public_key(), now, LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(authority_id(signing_key), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(signing_key, SHA256())
    )
    return KeyPair(leaf.public_bytes(Encoding.PEM), _pem(key), leaf)


def due(certificate: x509.Certificate, now: float) -> bool:
    """Return whether two thirds of a certificate's life are over."""
    start, end = (each.timestamp() for each in (certificate.not_valid_before_utc, certificate.not_valid_after_utc))
    return now >= start + (end - start) * 2 / 3


def age(authority: Authority, now: float) -> float:
    """Return for how many seconds there has been the authority that signs."""
    return now - (authority.certificates[0].not_valid_before_utc + BACKDATED).timestamp()


def fits(pair: KeyPair, authority: Authority, names: Sequence[str]) -> bool:
    """Return whether a serving certificate is of the authority that signs now, and for these names."""
    try:
        pair.leaf.verify_directly_issued_by(authority.certificates[0])
        found = pair.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return set(names) == set(found.get_values_for_type(x509.DNSName))


def valid(pair: KeyPair, authority: Authority, now: float) -> bool:
    """Return whether who trusts the bundle takes this certificate now."""
    if not pair.leaf.not_valid_before_utc.timestamp() <= now < pair.leaf.not_valid_after_utc.timestamp():
        return False
    return any(_signed(pair.leaf, each) for each in authority.certificates)


def _signed(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def read_pair(certificate: bytes, key: bytes) -> KeyPair:
    """Return a serving certificate that was kept somewhere.

    Raises:
        ConfigError: it is damaged.
    """
    try:
        return parse_key_pair(certificate, key)
    except ConfigError as error:
        raise ConfigError(f"the serving certificate: {error}") from error


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
