"""What every certificate that we make has in common."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

BACKDATED = timedelta(hours=1)  # callers' clocks may be behind ours

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def common_name(name: str) -> x509.Name:
    """Return a subject or issuer that is a common name alone."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def builder(
    subject: x509.Name, issuer: x509.Name, key: PublicKey, now: float, lifetime: timedelta
) -> x509.CertificateBuilder:
    """Return the beginning of a certificate, valid from an hour before ``now`` (seconds since the epoch)."""
    start = datetime.fromtimestamp(now, UTC) - BACKDATED
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def usage(*, authority: bool) -> x509.KeyUsage:
    """Return what the key may be used for, as the API server's library sets it."""
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


def authority_id(key: PrivateKey) -> x509.AuthorityKeyIdentifier:
    """Return the extension that tells which key has signed."""
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
