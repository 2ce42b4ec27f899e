"""One pool of certificate authorities, and whether a caller's certificate is of one of them.

Judged as Go's ``crypto/x509`` judges client certificates: names in the certificate do not matter, key usages
do. Two kinds that Go accepts are refused here: chains signed with Ed25519, and certificates of X.509 version
1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kubevitals.api.cache import TtlCache
from kubevitals.errors import ConfigError, KubevitalsError

_UID = x509.ObjectIdentifier("1.3.6.1.4.1.57683.2")  # the user's uid in the subject, a Kubernetes convention
_AGNOSTIC = verification.Criticality.AGNOSTIC
_REMEMBERED = 1024  # verified leaves per pool
_LONGEST_CHAIN = 10
_SMALLEST_RSA = 1024


class CertificateRefused(KubevitalsError):
    """A certificate that does not verify against a pool; the text says why."""


class Subject(NamedTuple):
    """What a verified certificate says of its holder.

    ``fingerprint`` is its SHA-256, in hex; ``expires`` is in seconds since the epoch.
    """

    common_name: str
    organizations: tuple[str, ...]
    uids: tuple[str, ...]
    fingerprint: str
    expires: float


class _Verdict(NamedTuple):
    subject: Subject
    not_before: float
    not_after: float


class CertificatePool:
    """The authorities of one bundle. Immutable: a changed bundle is a new pool, which remembers nothing.

    Args:
        pem: PEM certificates, in any order, among any other text; empty for a pool that refuses everything.

    Raises:
        ConfigError: there is something, but not only certificates that can be read.
    """

    def __init__(self, pem: bytes) -> None:
        self._anchors = _load(pem) if pem.strip() else []
        self._store = verification.Store(self._anchors) if self._anchors else None
        self._verdicts: TtlCache[bytes, _Verdict] = TtlCache(_REMEMBERED)
        self._keys = frozenset(map(_key_of, self._anchors))

    @property
    def authorities(self) -> tuple[bytes, ...]:
        """The authorities' certificates, DER."""
        return tuple(anchor.public_bytes(Encoding.DER) for anchor in self._anchors)

    def includes(self, other: CertificatePool) -> bool:
        """Tell whether an authority of ``other`` is one of ours, or one that ours signed.

        What such an authority vouches for, this pool may vouch for as well.
        """
        return bool(self._keys & other._keys) or any(
            _issued_by(theirs, ours) for theirs in other._anchors for ours in self._anchors
        )

    def verify(self, chain: Sequence[bytes], now: float) -> Subject:
        """Return who a chain speaks for, if one of our authorities vouches for its leaf at ``now``.

        Args:
            chain: DER certificates as presented, leaf first, at least one.
            now: seconds since the epoch.

        Raises:
            CertificateRefused: none does, or the leaf is not for clients.
        """
        digest = hashlib.sha256(chain[0]).digest()
        known = self._verdicts.get(digest, now)
        if known is None or now < known.not_before:
            # Only good verdicts are kept: they hold for the leaf, whatever else is presented along with it.
            known = self._judge(chain, now, digest.hex())
            self._verdicts.put(digest, known, known.not_after, now)
        return known.subject

    def _judge(self, chain: Sequence[bytes], now: float, fingerprint: str) -> _Verdict:
        if self._store is None:
            raise CertificateRefused("no certificate authority is known")
        try:
            leaf, *others = (x509.load_der_x509_certificate(der) for der in chain[:_LONGEST_CHAIN])
            _check_key(leaf)
            verified = _verifier(self._store, now).verify(leaf, others).chain
            subject = _subject(leaf, fingerprint)
        except (verification.VerificationError, x509.UnsupportedGeneralNameType) as error:
            raise CertificateRefused(f"certificate does not verify: {error}") from error
        except (ValueError, UnsupportedAlgorithm) as error:
            raise CertificateRefused(f"certificate cannot be read: {error}") from error
        return _Verdict(
            subject,
            max(each.not_valid_before_utc.timestamp() for each in verified),
            min(each.not_valid_after_utc.timestamp() for each in verified),
        )


def bundle_pool(pem: bytes) -> CertificatePool:
    """Return the pool of a bundle that must hold something.

    Raises:
        ConfigError: it holds no certificate, or something that cannot be read.
    """
    pool = CertificatePool(pem)
    if not pool.authorities:
        raise ConfigError("the bundle is empty")
    return pool


def _load(pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ConfigError("the bundle is not made of readable PEM certificates") from error


def _key_of(authority: x509.Certificate) -> bytes:
    """Return what identifies an authority: its key, which a renewed certificate keeps."""
    try:
        return authority.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("the bundle holds an authority whose key is of an unsupported kind") from error


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check_key(leaf: x509.Certificate) -> None:
    key = leaf.public_key()
    if isinstance(key, RSAPublicKey) and key.key_size < _SMALLEST_RSA:
        raise CertificateRefused(f"certificate has an RSA key of less than {_SMALLEST_RSA} bits")


def _subject(leaf: x509.Certificate, fingerprint: str) -> Subject:
    def values(oid: x509.ObjectIdentifier) -> tuple[str, ...]:
        found = (each.value for each in leaf.subject.get_attributes_for_oid(oid))
        return tuple(value for value in found if isinstance(value, str))

    # Of several common names the last counts, as in Go.
    common_name = values(NameOID.COMMON_NAME)[-1:]
    expires = leaf.not_valid_after_utc.timestamp()
    return Subject("".join(common_name), values(NameOID.ORGANIZATION_NAME), values(_UID), fingerprint, expires)


# --- the rules ----------------------------------------------------------------------------------------------


def _verifier(store: verification.Store, now: float) -> verification.ClientVerifier:
    return (
        verification.PolicyBuilder()
        .store(store)
        .time(datetime.fromtimestamp(now, UTC))
        .extension_policies(ca_policy=_AUTHORITY_RULES, ee_policy=_LEAF_RULES)
        .build_client_verifier()
    )


def _for_clients(_: verification.Policy, __: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
    clients = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if usage is not None and not any(oid in usage for oid in clients):
        raise ValueError("extended key usage does not include clientAuth")


def _signs(_: verification.Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("issuer's key usage does not include keyCertSign")


_LEAF_RULES = verification.ExtensionPolicy.permit_all().may_be_present(x509.ExtendedKeyUsage, _AGNOSTIC, _for_clients)
# An authority that is limited to certain uses passes the limit on to what it signs, as in Go.
_AUTHORITY_RULES = (
    verification.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, _AGNOSTIC, None)  # that they say CA, the verifier checks itself
    .may_be_present(x509.KeyUsage, _AGNOSTIC, _signs)
    .may_be_present(x509.ExtendedKeyUsage, _AGNOSTIC, _for_clients)
)
