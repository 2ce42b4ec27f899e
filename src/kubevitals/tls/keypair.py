"""A certificate and its private key, from PEM to an SSLContext."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from kubevitals.errors import ConfigError


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate chain (PEM, leaf first), the key that belongs to its leaf (PEM), and the leaf."""

    chain: bytes
    key: bytes = field(repr=False)
    leaf: x509.Certificate = field(repr=False, compare=False)

    def load_into(self, context: ssl.SSLContext) -> None:
        """Make ``context`` show this certificate.

        Raises:
            ConfigError: OpenSSL refuses the pair.
        """
        try:
            with _private_file(self.chain + b"\n" + self.key) as path:
                context.load_cert_chain(path)
        except ssl.SSLError as error:
            raise ConfigError(f"OpenSSL refuses the certificate: {error.reason or error}") from error


def parse_key_pair(certificate: bytes, key: bytes) -> KeyPair:
    """Return the pair, tried on a throw-away context so that it cannot fail later.

    Raises:
        ConfigError: either is unreadable, the key is encrypted, or they do not belong together.
    """
    leaf = _leaf(certificate)
    if _public_key(leaf) != _public_half(key):
        raise ConfigError("the private key does not belong to the certificate")
    pair = KeyPair(certificate, key, leaf)
    pair.load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    return pair


def _leaf(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except ValueError as error:
        raise ConfigError("there is no readable PEM certificate") from error


def _public_key(leaf: x509.Certificate) -> bytes:
    try:
        return leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("the certificate's key is of a kind that is not supported") from error


def _public_half(key: bytes) -> bytes:
    try:
        private = load_pem_private_key(key, password=None)
    except TypeError as error:
        raise ConfigError("the private key is protected by a password; write it without one") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("there is no readable PEM private key") from error
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@contextlib.contextmanager
def _private_file(content: bytes) -> Iterator[Path]:
    """Yield a path that only this user can read, gone afterwards; ssl reads keys from files only."""
    file, path = _memory_file() or _temporary_file()
    with file:
        file.write(content)
        file.flush()
        yield path


def _memory_file() -> tuple[IO[bytes], Path] | None:
    """Return a file in memory: no writable file system is needed, and nothing stays after a kill."""
    try:
        file = os.fdopen(os.memfd_create("key"), "wb")
    except (AttributeError, OSError):
        return None
    path = Path(f"/proc/self/fd/{file.fileno()}")
    if path.exists():
        return file, path
    file.close()
    return None


def _temporary_file() -> tuple[IO[bytes], Path]:
    file = tempfile.NamedTemporaryFile()  # noqa: SIM115 - the caller closes it; its mode is 0600
    return file, Path(file.name)
