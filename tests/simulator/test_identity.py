"""Who is asking."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from kubevitals.model import User
from kubevitals.simulator import identity
from kubevitals.simulator.attributes import Attributes
from kubevitals.simulator.status import Refused


def headers(*lines):
    return CIMultiDictProxy(CIMultiDict(lines))


def test_a_certificate_names_user_and_groups():
    """The common name is the user, every organization is a group, and the certificate is told by its digest."""
    subject = ((("organizationName", "dev"),), (("organizationName", "ops"),), (("commonName", "jane"),))
    user = identity.certificate_user({"subject": subject}, b"der")
    assert (user.name, user.groups) == ("jane", ("dev", "ops", "system:authenticated"))
    assert user.extra["authentication.kubernetes.io/credential-id"][0].startswith("X509SHA256=")


def test_a_certificate_without_a_name_is_nobodys():
    """A certificate without a common name says nothing about who asks."""
    assert identity.certificate_user({"subject": ()}, b"der") is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [("", ""), ("Bearer abc", "abc"), ("bearer  abc", ""), ("Basic abc", ""), ("Bearer abc def", "abc")],
)
def test_bearer_tokens(header, expected):
    """A token follows the scheme after one space."""
    assert identity.bearer_token(headers(("Authorization", header))) == expected


def test_a_certificate_goes_before_a_token():
    """With both, the certificate names the user; with neither, nobody is known."""
    jane = User("jane")
    assert identity.authenticate(jane, "bad", lambda _: None) is jane
    assert identity.authenticate(None, "", lambda _: None).name == "system:anonymous"
    known = identity.authenticate(None, "good", lambda _: User("bot"))
    assert known == User("bot", ("system:authenticated",))


def test_an_unknown_token_is_refused():
    """A token that nobody issued is 401 and not anonymous."""
    with pytest.raises(Refused) as refused:
        identity.authenticate(None, "bad", lambda _: None)
    assert refused.value.code == 401


def test_impersonation_makes_another_user():
    """The Impersonate headers together are the user; keys of extras are decoded."""
    lines = headers(
        ("Impersonate-User", "jane"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Extra-Acme.com%2fProject", "x"),
    )
    assert identity.impersonated(lines) == User(
        "jane", ("dev", "ops", "system:authenticated"), "7", {"acme.com/project": ("x",)}
    )
    assert identity.impersonation_questions(lines) == [
        Attributes("impersonate", "", "", "v1", "users", "", "", "jane"),
        Attributes("impersonate", "", "", "v1", "groups", "", "", "dev"),
        Attributes("impersonate", "", "", "v1", "groups", "", "", "ops"),
        Attributes("impersonate", "", "authentication.k8s.io", "v1", "uids", "", "", "7"),
        Attributes("impersonate", "", "authentication.k8s.io", "v1", "userextras", "acme.com/project", "", "x"),
    ]


def test_a_service_account_is_impersonated_in_its_namespace():
    """Acting as a service account is asked for as that object."""
    lines = headers(("Impersonate-User", "system:serviceaccount:a:bot"))
    assert identity.impersonation_questions(lines) == [
        Attributes("impersonate", "", "", "v1", "serviceaccounts", "", "a", "bot")
    ]


def test_nobody_is_impersonated_without_a_user():
    """Groups alone are refused, and no header means no impersonation."""
    assert identity.impersonated(headers()) is None
    with pytest.raises(Refused):
        identity.impersonated(headers(("Impersonate-Group", "dev")))
