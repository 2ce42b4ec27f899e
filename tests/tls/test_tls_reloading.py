"""TLS contexts, and private keys that leave no trace."""

from __future__ import annotations

import os
import ssl
import tempfile

import pytest
import trustme

from kubevitals.errors import ConfigError
from kubevitals.tls import ReloadingContext, client_context


@pytest.fixture
def authority():
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
def client_pair(authority):
    """A client certificate and its key in PEM."""
    issued = authority.issue_cert(common_name="jane")
    return b"".join(blob.bytes() for blob in issued.cert_chain_pems), issued.private_key_pem.bytes()


def test_a_context_verifies_as_go_does(authority):
    """Intermediate roots are trusted, authorities need no key usage, and a common name is no host name."""
    context = client_context(authority.cert_pem.bytes())

    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname is True
    assert context.hostname_checks_common_name is False
    assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert len(context.get_ca_certs()) == 1


def test_without_authorities_those_of_the_system_count(monkeypatch, tmp_path, authority):
    """OpenSSL's own variables say where they are."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(authority.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    assert len(client_context(None).get_ca_certs()) == 1


def test_comments_in_a_bundle_are_no_obstacle(authority):
    """Bundles carry names of authorities, in any script."""
    pem = "# Österreich\n".encode() + authority.cert_pem.bytes()

    assert len(client_context(pem).get_ca_certs()) == 1


@pytest.mark.parametrize("memory", [True, False])
def test_a_key_leaves_no_file_behind(monkeypatch, tmp_path, client_pair, memory):
    """Neither where the system keeps files in memory nor where a temporary file is needed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    modes = []
    if not memory:
        monkeypatch.delattr(os, "memfd_create")
        original = tempfile.NamedTemporaryFile

        def recording(*args, **kwargs):
            file = original(*args, **kwargs)
            modes.append(os.stat(file.name).st_mode & 0o777)
            return file

        monkeypatch.setattr(tempfile, "NamedTemporaryFile", recording)
    before = len(os.listdir("/proc/self/fd"))
    client_context(None, insecure=True, certificate=client_pair)

    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == before
    assert set(modes) == (set() if memory else {0o600})


def test_a_context_is_made_anew_only_after_a_change(authority):
    """Connections are pooled by context, so an unchanged one must stay the same object."""
    bundles = [authority.cert_pem.bytes()]
    context = ReloadingContext(lambda: bundles[-1], lambda: None)
    first = context.current()
    second = context.current()
    bundles.append(authority.cert_pem.bytes() * 2)

    assert first is second
    assert context.current() is not first


def test_a_bad_change_keeps_the_last_good_context(authority, caplog):
    """A bundle caught in the middle of a write is no reason to lose the API server; it is logged once."""
    bundles = [authority.cert_pem.bytes()]
    context = ReloadingContext(lambda: bundles[-1], lambda: None)
    first = context.current()
    bundles.append(b"half a bund")

    assert [context.current() is first, context.current() is first] == [True, True]
    assert [record.getMessage() for record in caplog.records] == ["Keeping the last good certificates"]


def test_a_bad_start_is_an_error():
    """There is no last good context to keep."""
    with pytest.raises(ConfigError, match="no PEM certificate"):
        ReloadingContext(lambda: b"nonsense", lambda: None).current()
