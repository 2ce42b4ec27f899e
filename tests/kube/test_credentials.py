"""kube.credentials: who the API server takes us for."""

from __future__ import annotations

import base64
import json

import pytest

from kubevitals.errors import ConfigError
from kubevitals.kube.credentials import (
    BasicAuth,
    CertificateAndHeader,
    ClientCertificate,
    IdToken,
    NoCredentials,
    StaticToken,
    TokenFile,
)
from kubevitals.kube.files import FileContent, FixedContent


def id_token(**claims):
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


async def test_without_credentials_nothing_is_sent():
    """The API server then sees an anonymous caller."""
    nobody = NoCredentials()

    assert await nobody.authorization() is None
    assert nobody.client_certificate() is None
    assert await nobody.refresh() is False


async def test_a_static_token_is_a_bearer_token():
    """Blanks around the token are not part of it."""
    assert await StaticToken(" abc\n").authorization() == "Bearer abc"


@pytest.mark.parametrize("token", ["", " ", "a b", "a\nb", "ä"])
def test_what_no_header_may_carry_is_no_token(token):
    """A token with blanks or control characters would let a file inject headers."""
    with pytest.raises(ConfigError, match="token is not a bearer token"):
        StaticToken(token)


async def test_user_name_and_password_are_basic():
    """RFC 7617."""
    assert await BasicAuth("jane", "s:cret").authorization() == "Basic amFuZTpzOmNyZXQ="


async def test_a_rotated_token_is_used_within_a_minute(tmp_path, clock):
    """Bound service account tokens are replaced while the pod runs."""
    path = tmp_path / "token"
    path.write_text("one\n")
    credentials = TokenFile(path, clock)
    before = await credentials.authorization()
    path.write_text("two\n")
    clock.at += 60

    assert [before, await credentials.authorization()] == ["Bearer one", "Bearer two"]


async def test_a_refused_token_is_read_again_at_once(tmp_path, clock):
    """After a 401 the file counts, however young what is known of it may be."""
    path = tmp_path / "token"
    path.write_text("one")
    credentials = TokenFile(path, clock)
    path.write_text("two")

    assert await credentials.refresh() is True
    assert await credentials.authorization() == "Bearer two"
    assert await credentials.refresh() is False


async def test_an_id_token_is_used_while_it_is_valid(clock):
    """An expired one is an error that names what to use instead, and never shows the token."""
    token = id_token(exp=clock.at + 10)
    credentials = IdToken(token, 'id-token of user "jane"', clock)
    header = await credentials.authorization()
    clock.at += 10
    with pytest.raises(ConfigError, match=r'id-token of user "jane" has expired.*kubelogin') as caught:
        await credentials.authorization()

    assert header == f"Bearer {token}"
    assert token not in str(caught.value)


@pytest.mark.parametrize("token", ["abc", "a.b.c", "a.!!.c", id_token(sub="jane"), id_token(exp="soon")])
def test_an_id_token_needs_an_expiry(token, clock):
    """What is no JSON web token with an expiry is refused when the kubeconfig is read."""
    with pytest.raises(ConfigError, match="not a JSON web token with an expiry"):
        IdToken(token, "id-token", clock)


async def test_certificate_files_are_read_again_after_a_refusal(tmp_path, clock):
    """Both halves of the pair are looked at, even if the first has changed."""
    chain, key = tmp_path / "crt", tmp_path / "key"
    chain.write_bytes(b"chain one")
    key.write_bytes(b"key one")
    credentials = ClientCertificate(FileContent(chain, "crt", clock), FileContent(key, "key", clock))
    before = credentials.client_certificate()
    chain.write_bytes(b"chain two")
    key.write_bytes(b"key two")

    assert await credentials.refresh() is True
    assert [before, credentials.client_certificate()] == [
        (b"chain one", b"key one"),
        (b"chain two", b"key two"),
    ]


async def test_certificate_and_header_come_from_two_sources(tmp_path, clock):
    """A user may have a client certificate and a token; both are renewed."""
    path = tmp_path / "token"
    path.write_text("one")
    both = CertificateAndHeader(ClientCertificate(FixedContent(b"chain"), FixedContent(b"key")), TokenFile(path, clock))
    path.write_text("two")

    assert both.client_certificate() == (b"chain", b"key")
    assert await both.refresh() is True
    assert await both.authorization() == "Bearer two"
