"""What the front proxy's headers say, line by line."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.api.authentication.certificates import CertificatePool, CertificateRefused
from kubevitals.api.authentication.requestheader import FrontProxy, proxied_user
from kubevitals.api.message import Headers, Request
from kubevitals.model import User

NAMES = {
    "username_headers": ("X-Remote-User",),
    "group_headers": ("X-Remote-Group",),
    "extra_prefixes": ("X-Remote-Extra-",),
    "uid_headers": ("X-Remote-Uid",),
}


@pytest.fixture(scope="module")
def authority(pki):
    return pki.Authority("front-proxy-ca")


@pytest.fixture(scope="module")
def ask(pki, authority):
    """Send headers as the front proxy, whose certificate is good."""
    chain = authority.issue("front-proxy-client").chain
    pool = CertificatePool(authority.pem)

    def send(*lines, **names):
        proxy = FrontProxy(pool, ("front-proxy-client",), **(NAMES | names))
        return proxied_user(proxy, Request("GET", "/", headers=Headers(lines), peer_chain=chain), pki.now)

    return send


def test_all_that_kube_apiserver_sends(ask):
    """User, uid, one line per group and percent-encoded extra keys are taken over."""
    user = ask(
        ("X-Remote-User", "jane"),
        ("X-Remote-Uid", "u-1"),
        ("X-Remote-Group", "dev"),
        ("X-Remote-Group", "system:authenticated"),
        ("X-Remote-Extra-Authentication.kubernetes.io%2Fcredential-Id", "X509SHA256=ab"),
        ("X-Remote-Extra-Scopes", "a"),
        ("X-Remote-Extra-Scopes", ""),
    )

    assert user == User(
        "jane",
        ("dev", "system:authenticated"),
        "u-1",
        {"authentication.kubernetes.io/credential-id": ("X509SHA256=ab",), "scopes": ("a", "")},
    )


def test_repeated_lines_stay_separate_and_commas_stay(ask):
    """Two lines are two groups, and a comma is part of a name."""
    user = ask(("X-Remote-User", "jane"), ("X-Remote-Group", "a"), ("X-Remote-Group", "a"), ("X-Remote-Group", "b,c"))

    assert user.groups == ("a", "a", "b,c")


def test_underscores_are_no_dashes(ask):
    """A header that only looks like an identity header is none."""
    user = ask(("X-Remote-User", "jane"), ("X_Remote_Group", "system:masters"), ("X-Remote_Group", "system:masters"))

    assert user.groups == ()


def test_first_username_header_with_a_value_counts(ask):
    """The configured headers are tried in order, and only their first lines."""
    user = ask(
        ("X-B", "b"), ("X-A", ""), ("X-A", "late"), ("X-B", "later"), username_headers=("X-A", "X-B")
    )  # fmt: skip

    assert user.name == "b"


def test_uid_counts_only_if_it_is_configured(ask):
    """Older API servers let a caller's own X-Remote-Uid through."""
    assert ask(("X-Remote-User", "jane"), ("X-Remote-Uid", "forged"), uid_headers=()).uid == ""


def test_no_username_is_nobody(ask):
    """The front proxy that names nobody speaks for nobody."""
    assert ask(("X-Remote-Group", "system:masters"), ("X-Remote-User", "")) is None


def test_extra_keys_that_do_not_decode_stay(ask):
    """A key that is not properly percent-encoded is taken as it is, and keys are lower case."""
    user = ask(("X-Remote-User", "jane"), ("X-Remote-Extra-Ab%zz", "1"), ("X-Remote-Extra-%41b", "2"))

    assert user.extra == {"ab%zz": ("1",), "Ab": ("2",)}


def test_extra_of_several_prefixes_is_joined(ask):
    """The same key under two prefixes collects the values of both, prefix by prefix."""
    user = ask(("X-Remote-User", "jane"), ("Y-K", "y"), ("X-K", "x"), extra_prefixes=("X-", "Y-"))

    assert user.extra["k"] == ("x", "y")


@pytest.mark.parametrize("names", [("other",), ("Front-Proxy-Client",), ("",)])
def test_common_name_must_be_allowed(pki, authority, names):
    """A certificate of the right authority with another name is refused, by the exact name."""
    proxy = FrontProxy(CertificatePool(authority.pem), names, **NAMES)
    chain = authority.issue("front-proxy-client").chain

    with pytest.raises(CertificateRefused, match="cn=front-proxy-client is not in the allowed list"):
        proxied_user(proxy, Request("GET", "/", peer_chain=chain), pki.now)


def test_without_a_certificate_headers_mean_nothing(pki, authority):
    """Headers alone are not even looked at."""
    proxy = FrontProxy(CertificatePool(authority.pem), **NAMES)
    request = Request("GET", "/", headers=Headers([("X-Remote-User", "admin")]))

    assert proxied_user(proxy, request, pki.now) is None


@given(st.lists(st.tuples(st.sampled_from(["X-Remote-User", "X-Remote-Group", "X-Remote-Extra-a%FF"]), st.text())))
def test_any_values_give_a_user_that_can_be_written(ask, lines):
    """Whatever bytes the values hold, the user can be written as JSON."""
    user = ask(("X-Remote-User", "a\udcff"), *lines)

    assert msgspec.json.encode(user)
    assert user.name == "a\ufffd"
