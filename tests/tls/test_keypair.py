"""A certificate and its key: what makes a pair, and what never reaches a disk."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from kubevitals.errors import ConfigError
from kubevitals.tls import parse_key_pair


@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519"])
def test_matching_pair_is_accepted(pki, kind):
    """Keys of every kind that OpenSSL serves with make a pair, with the leaf's chain kept whole."""
    key = {
        "ec": pki.new_key,
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }[kind]()
    issued = pki.Authority("middle", parent=pki.Authority("root")).serving("localhost", key=key)

    pair = parse_key_pair(issued.chain_pem, issued.key_pem)

    assert (pair.chain, pair.leaf) == (issued.chain_pem, issued.certificate)


def test_pairs_that_are_none_say_why(pki):
    """Each way to have no pair is told apart."""
    issued, other = (pki.Authority().serving("localhost") for _ in range(2))
    encrypted = issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw"))
    cases = [
        ((b"junk", issued.key_pem), "no readable PEM certificate"),
        ((pki.unknown_key(issued.certificate), issued.key_pem), "kind that is not supported"),
        ((issued.pem, b"junk"), "no readable PEM private key"),
        ((issued.pem, other.key_pem), "does not belong"),
        ((issued.pem, encrypted), "protected by a password"),
        ((issued.pem + pki.Authority().pem.replace(b"MII", b"AAA", 1), issued.key_pem), "certificate"),
    ]
    for (certificate, key), cause in cases:
        with pytest.raises(ConfigError, match=cause):
            parse_key_pair(certificate, key)


def test_key_that_openssl_finds_too_weak_is_refused(pki):
    """What OpenSSL would not serve with is refused when it is read, not when it is first used."""
    issued = pki.Authority().serving("localhost", key=rsa.generate_private_key(65537, 1024))

    with pytest.raises(ConfigError, match="OpenSSL refuses"):
        parse_key_pair(issued.pem, issued.key_pem)


def test_key_is_not_shown(pki):
    """The key is no part of what a pair prints as."""
    issued = pki.Authority().serving("localhost")

    assert "PRIVATE" not in repr(parse_key_pair(issued.pem, issued.key_pem))


def test_key_file_with_parameters_is_read(pki):
    """A key file that starts with EC parameters, as the openssl program writes it, is read."""
    issued = pki.Authority().serving("localhost")
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    key = issued.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())

    assert parse_key_pair(issued.pem, parameters + key).key == parameters + key


@pytest.mark.parametrize("missing", ["memfd_create", "/proc"])
def test_key_is_loaded_where_memory_files_do_not_work(pki, monkeypatch, missing):
    """Without files in memory, or without a way to name them, a temporary file does."""
    if missing == "/proc":
        monkeypatch.setattr(Path, "exists", lambda self: False)
    else:
        monkeypatch.setattr(os, "memfd_create", _refused, raising=False)
    issued = pki.Authority().serving("localhost")

    assert parse_key_pair(issued.pem, issued.key_pem).chain == issued.pem


def _refused(*_):
    raise PermissionError


@pytest.mark.parametrize("memory", [True, False])
def test_key_leaves_nothing_on_disk(pki, tmp_path, monkeypatch, memory):
    """The file that ssl reads is private to this user, and gone afterwards."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    if not memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    issued = pki.Authority().serving("localhost")
    seen: list[tuple[str, bool]] = []

    class Context(ssl.SSLContext):
        def load_cert_chain(self, certfile, *rest):
            seen.append((oct(certfile.stat().st_mode & 0o077), certfile.is_relative_to(tmp_path)))
            super().load_cert_chain(certfile, *rest)

    parse_key_pair(issued.pem, issued.key_pem).load_into(Context(ssl.PROTOCOL_TLS_SERVER))

    assert list(tmp_path.iterdir()) == []
    assert seen[0][1] is not memory
    assert memory or seen[0][0] == "0o0"
