"""What a kubelet's serving certificate says, in the few facts that explain why it is or is not believed. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

_SHOWN: Final = 8  # names of a certificate that are told; one may hold thousands
_DAY: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """One serving certificate.

    Args:
        fingerprint: SHA-256 of its DER form, in lower-case hexadecimal digits.
        subject: its common name, or its whole subject where it has none.
        issuer: the same of who signed it.
        names: the host names and IP addresses that it is for, as text, the first few.
        not_before: seconds since the epoch from which it is valid.
        not_after: seconds since the epoch until which it is valid.
    """

    fingerprint: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: float
    not_after: float

    def days_left(self, now: float) -> float:
        """Return for how many days it is still valid; negative when it has expired."""
        return (self.not_after - now) / _DAY

    def is_for(self, name: str) -> bool:
        """Return whether it names a host or address, as far as the first few names tell; wildcards do not count."""
        return f"DNS:{name}" in self.names or f"IP:{name}" in self.names

    def __str__(self) -> str:
        """Return the facts as one clause."""
        names = ", ".join(self.names) or "no name"
        return f"certificate of {self.subject}, issued by {self.issuer}, for {names}"


@lru_cache(maxsize=64)  # one that many kubelets share, as behind a proxy, may name them all and take a millisecond
def read(der: bytes) -> Certificate | None:
    """Return the facts of a certificate in DER form, None of one that cannot be read."""
    try:
        found = x509.load_der_x509_certificate(der)
        return Certificate(
            fingerprint(der),
            _name(found.subject),
            _name(found.issuer),
            _names(found),
            found.not_valid_before_utc.timestamp(),
            found.not_valid_after_utc.timestamp(),
        )
    except (ValueError, x509.UnsupportedGeneralNameType):
        return None


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate in DER form, as lower-case hexadecimal digits."""
    return hashlib.sha256(der).hexdigest()


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string() or "nobody"


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(islice(map(_shown, alternatives), _SHOWN))


def _shown(name: x509.GeneralName) -> str:
    kind = {x509.DNSName: "DNS", x509.IPAddress: "IP"}.get(type(name), type(name).__name__)
    return f"{kind}:{name.value}"
