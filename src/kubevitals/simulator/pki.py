"""Certificates for the simulated cluster: authorities, and the serving and client certificates they sign."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEAR = 365 * 24 * 3600.0
_BACKDATED = timedelta(hours=1)


class KeyPair(NamedTuple):
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """A certificate authority of one cluster; ECDSA on P-256 throughout.

    Args:
        name: the common name, such as ``kubernetes`` or ``front-proxy-ca``.
        now: the wall clock, in seconds since the epoch; OpenSSL judges validity by the real one.
    """

    def __init__(self, name: str, *, now: Callable[[], float]) -> None:
        self._now = now
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        self._certificate = (
            _builder(subject, subject, self._key.public_key(), now(), 10 * YEAR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=True), critical=True)
            .sign(self._key, SHA256())
        )

    @property
    def pem(self) -> bytes:
        """The authority's own certificate, PEM."""
        return self._certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The authority's private key, PEM: for a signer in another process."""
        return _key_pem(self._key)

    def serving(self, name: str, hosts: Sequence[str], *, lifetime: float = YEAR) -> KeyPair:
        """Return a serving certificate for host names and addresses; a negative lifetime is one long over."""
        names = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
        return self._issue(_name(name), ExtendedKeyUsageOID.SERVER_AUTH, lifetime, names)

    def client(self, name: str, groups: Sequence[str] = (), *, lifetime: float = YEAR) -> KeyPair:
        """Return a client certificate: ``name`` is the user (CN), ``groups`` are its organizations (O)."""
        return self._issue(_name(name, groups), ExtendedKeyUsageOID.CLIENT_AUTH, lifetime, None)

    def _issue(
        self,
        subject: x509.Name,
        purpose: x509.ObjectIdentifier,
        lifetime: float,
        names: x509.SubjectAlternativeName | None,
    ) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(subject, self._certificate.subject, key.public_key(), self._now(), lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False)
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return _pem(builder.sign(self._key, SHA256()), key)


def load_pair(context: ssl.SSLContext, pair: KeyPair) -> None:
    """Give a context a certificate to present; replacing it on a live context affects new connections.

    The ssl module reads key material from files only, so it passes through one that nobody else can open.
    """
    with tempfile.TemporaryDirectory(prefix="kubevitals-") as directory:
        path = Path(directory, "pair.pem")
        path.touch(mode=0o600)
        path.write_bytes(pair.certificate + pair.key)
        context.load_cert_chain(path)


def serving_context(pair: KeyPair, *, client_ca: bytes = b"") -> ssl.SSLContext:
    """Return a server's TLS context; with ``client_ca`` (PEM) clients may present certificates of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_pair(context, pair)
    if client_ca:
        context.load_verify_locations(cadata=client_ca.decode())
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def client_context(ca: bytes, pair: KeyPair | None = None) -> ssl.SSLContext:
    """Return a client's TLS context that trusts ``ca`` (PEM); without ``ca`` the server is not verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    if ca:
        context.load_verify_locations(cadata=ca.decode())
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if pair is not None:
        load_pair(context, pair)
    return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: float, lifetime: float
) -> x509.CertificateBuilder:
    today = datetime.fromtimestamp(now, UTC)
    end = today + timedelta(seconds=lifetime)
    start = min(today, end) - _BACKDATED
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common: str, organizations: Sequence[str] = ()) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, value) for value in organizations]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    return KeyPair(certificate.public_bytes(Encoding.PEM), _key_pem(key))


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
