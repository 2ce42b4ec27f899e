"""kube.users: one user entry becomes credentials and impersonation headers."""

from __future__ import annotations

import base64
import json
import re

import pytest

from kubevitals.errors import ConfigError
from kubevitals.kube.exec_plugin import ExecSpec
from kubevitals.kube.kubeconfig import AuthProvider, Entry, UserEntry
from kubevitals.kube.users import Surroundings, credentials, decode_data, impersonation


@pytest.fixture
def around(clock):
    return Surroundings(clock, {"PATH": "/usr/bin:/bin"}, interactive=False, cluster={"server": "https://a"})


@pytest.fixture
def entry(tmp_path):
    return lambda **fields: Entry(UserEntry(**fields), tmp_path / "config")


@pytest.mark.parametrize(
    ("fields", "header"),
    [
        ({}, None),
        ({"token": "abc"}, "Bearer abc"),
        ({"username": "u", "password": "p"}, "Basic dTpw"),
        (
            {"token": "abc", "exec": ExecSpec(api_version="client.authentication.k8s.io/v1", command="x")},
            "Bearer abc",
        ),
    ],
)
async def test_the_header_of_a_user(entry, around, fields, header):
    """A token spares the exec plugin, as in client-go."""
    assert await credentials(entry(**fields), "jane", around).authorization() == header


async def test_a_token_file_counts_before_a_token(entry, around, tmp_path):
    """Of tokenFile and token the first is used (kubeconfig reference); it is relative to the kubeconfig."""
    (tmp_path / "token").write_text("from-file")
    made = credentials(entry(token="abc", token_file="token"), "jane", around)

    assert await made.authorization() == "Bearer from-file"


async def test_a_client_certificate_may_come_with_a_token(entry, around, tmp_path, client_pair):
    """Data counts before files; files are relative to the kubeconfig."""
    chain, key = client_pair
    (tmp_path / "key.pem").write_bytes(key)
    made = credentials(
        entry(
            client_certificate_data=base64.encodebytes(chain).decode(),
            client_certificate="nowhere",
            client_key="key.pem",
            token="abc",
        ),
        "jane",
        around,
    )

    assert made.client_certificate() == (chain, key)
    assert await made.authorization() == "Bearer abc"


async def test_a_relative_command_stands_beside_the_kubeconfig(entry, around, tmp_path):
    """A command with a slash is relative to the file, one without is looked up in PATH."""
    script = tmp_path / "plugin.sh"
    script.write_text(
        '#!/bin/sh\necho \'{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",'
        '"status":{"token":"t"}}\'\n'
    )
    script.chmod(0o700)
    spec = ExecSpec(api_version="client.authentication.k8s.io/v1", command="./plugin.sh")

    assert await credentials(entry(exec=spec), "jane", around).authorization() == "Bearer t"


async def test_the_id_token_of_the_oidc_provider_is_used(entry, around, clock):
    """While it is valid; there is no refresh."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": clock.at + 60}).encode()).decode()
    provider = AuthProvider("oidc", {"id-token": f"h.{claims}.s", "refresh-token": "r"})
    made = credentials(entry(auth_provider=provider), "jane", around)

    assert await made.authorization() == f"Bearer h.{claims}.s"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"token": "t", "username": "u"}, "has both a token and a username; remove one"),
        ({"client_key_data": "a2V5"}, "has no client-certificate or client-certificate-data"),
        ({"client_certificate_data": "Y2VydA=="}, "has no client-key or client-key-data"),
        (
            {"client_certificate_data": "Y2VydA==", "client_key_data": "a2V5"},
            "there is no readable PEM certificate",
        ),
        ({"client_certificate_data": "%%%"}, 'client-certificate of user "jane" in .* is not base64'),
        ({"token_file": "none"}, 'tokenFile of user "jane" in .*: cannot read .*/none'),
        (
            {"auth_provider": AuthProvider("gcp")},
            "auth-provider 'gcp' is gone from Kubernetes; use its exec plugin",
        ),
        (
            {"auth_provider": AuthProvider("oidc")},
            "has no id-token; log in, or use an exec plugin such as kubelogin",
        ),
    ],
)
def test_a_user_that_cannot_work_is_refused(entry, around, fields, message):
    """The error names user, file, key and remedy."""
    with pytest.raises(ConfigError, match=message) as caught:
        credentials(entry(**fields), "jane", around)

    assert re.search(r'user "jane" in .*/config', str(caught.value))


def test_impersonation_becomes_headers(entry):
    """As kubectl sends them; keys of extra are escaped as client-go escapes them."""
    made = entry(as_="bob", as_groups=["dev", "ops"], as_uid="7", as_user_extra={"acme.com/project%": ["a", "b"]})

    assert impersonation(made, "jane") == (
        ("Impersonate-User", "bob"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Extra-acme.com%2Fproject%25", "a"),
        ("Impersonate-Extra-acme.com%2Fproject%25", "b"),
    )
    assert impersonation(entry(), "jane") == ()


def test_impersonating_a_group_needs_a_user(entry):
    """The API server would refuse it with a 500."""
    with pytest.raises(ConfigError, match=r'user "jane" in .* need "as"'):
        impersonation(entry(as_groups=["dev"]), "jane")


def test_data_may_be_broken_into_lines():
    """base64 writes lines of 76 characters."""
    assert decode_data("cG\n Vt\n", "x") == b"pem"
