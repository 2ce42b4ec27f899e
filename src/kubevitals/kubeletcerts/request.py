"""A certificate signing request (PKCS #10, RFC 2986), from PEM to the facts an approver judges. Pure."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import MD5, SHA1
from cryptography.x509.oid import ExtensionOID, NameOID

from kubevitals.errors import SigningRequestError
from kubevitals.kubeletcerts.owners import Address, unmapped

_LONGEST: Final = 64 * 1024  # bytes; one of a kubelet has less than two thousand
_SMALLEST_RSA, _LARGEST_RSA = 2048, 8192  # bits
_CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")
# One block and nothing beside it: parsers differ in what they do with headers, text around it and a second block.
_BLOCK = re.compile(
    rb"\s*-----BEGIN CERTIFICATE REQUEST-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE REQUEST-----\s*"
)


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """What a certificate is asked to say.

    Args:
        common_names: every CN of the subject.
        organizations: every O of the subject.
        names: the DNS names it shall be for.
        addresses: the IP addresses it shall be for; one that is IPv4 within IPv6 is IPv4 here.
        strange: what a kubelet never asks for, each in a word or two: e-mail addresses, URIs, further parts of the
            subject, extensions and attributes besides the names.
        key: the kind of its key, such as ``ECDSA secp256r1``.
        strong: whether that key is one that is signed today.
        signed: whether it is signed with that key, by a hash that still counts.
    """

    common_names: tuple[str, ...]
    organizations: tuple[str, ...]
    names: tuple[str, ...]
    addresses: tuple[Address, ...]
    strange: tuple[str, ...]
    key: str
    strong: bool
    signed: bool


def read(pem: bytes) -> CertificateRequest:
    """Return the facts of a request.

    Raises:
        SigningRequestError: it is not one PEM block with a request that can be read.
    """
    if len(pem) > _LONGEST:
        raise SigningRequestError(f"it has more than {_LONGEST // 1024} KiB")
    if not _BLOCK.fullmatch(pem):
        raise SigningRequestError("it is not one PEM block of the kind CERTIFICATE REQUEST")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parts longer than X.520 allows: a node's name may be
            return _facts(x509.load_pem_x509_csr(pem))
    except _UNREADABLE as error:
        raise SigningRequestError("it is damaged, or of a form that no kubelet uses") from error


def _facts(found: x509.CertificateSigningRequest) -> CertificateRequest:
    names, addresses, odd = _alternatives(found)
    key, strong = _key(found)
    return CertificateRequest(
        _subject(found, NameOID.COMMON_NAME),
        _subject(found, NameOID.ORGANIZATION_NAME),
        names,
        addresses,
        (*odd, *_other_subject(found), *_other_attributes(found), *_other_extensions(found)),
        key,
        strong,
        _signed(found),
    )


def _subject(found: x509.CertificateSigningRequest, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    return tuple(str(part.value) for part in found.subject.get_attributes_for_oid(oid))


def _other_subject(found: x509.CertificateSigningRequest) -> list[str]:
    known = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    return [f"the subject's {part.rfc4514_attribute_name}" for part in found.subject if part.oid not in known]


def _other_attributes(found: x509.CertificateSigningRequest) -> list[str]:
    """Return the attributes besides one that asks for extensions; readers differ in which of two they take."""
    oids = [attribute.oid for attribute in found.attributes]
    others = [f"the attribute {oid.dotted_string}" for oid in oids if oid != _EXTENSION_REQUEST]
    return others + (["extensions in two places"] if oids.count(_EXTENSION_REQUEST) > 1 else [])


def _other_extensions(found: x509.CertificateSigningRequest) -> list[str]:
    others = (one.oid for one in found.extensions if one.oid != ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    return [f"the extension {oid.dotted_string}" for oid in others]


def _alternatives(
    found: x509.CertificateSigningRequest,
) -> tuple[tuple[str, ...], tuple[Address, ...], list[str]]:
    """Return DNS names, IP addresses, and the kinds of all else."""
    names: list[str] = []
    addresses: list[Address] = []
    odd: list[str] = []
    try:
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), (), odd
    for one in alternatives:
        address = unmapped(one.value) if isinstance(one, x509.IPAddress) else None
        if isinstance(one, x509.DNSName):
            names.append(one.value)
        elif address is not None:
            addresses.append(address)
        else:
            odd.append(_KINDS.get(type(one), "a name of another kind than DNS and IP"))
    return tuple(names), tuple(addresses), odd


def _key(found: x509.CertificateSigningRequest) -> tuple[str, bool]:
    key = found.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}", _SMALLEST_RSA <= key.key_size <= _LARGEST_RSA
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {key.curve.name}", key.curve.name in _CURVES
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519", True
    return type(key).__name__.removesuffix("PublicKey"), False


def _signed(found: x509.CertificateSigningRequest) -> bool:
    return not isinstance(found.signature_hash_algorithm, MD5 | SHA1) and found.is_signature_valid


_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_EXTENSION_REQUEST: Final = x509.ObjectIdentifier("1.2.840.113549.1.9.14")
_KINDS: Final[dict[type[x509.GeneralName], str]] = {
    x509.RFC822Name: "an e-mail address",
    x509.UniformResourceIdentifier: "a URI",
    x509.IPAddress: "a network",
}
