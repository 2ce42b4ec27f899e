"""Service-account tokens."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.simulator.tokens import Tokens

TOKENS = Tokens(now=lambda: 1000.0)


def test_a_token_names_its_account():
    """The user of a token is its service account, in the groups of all accounts and of its namespace."""
    user = TOKENS.user(TOKENS.issue("kube-system", "bot", "u-1"))
    assert (user.name, user.uid) == ("system:serviceaccount:kube-system:bot", "u-1")
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:kube-system")


def test_a_token_is_a_json_web_token():
    """Head and claims are what clients that look into tokens expect."""
    head, claims, _ = TOKENS.issue("a", "b", lifetime=60).split(".")
    assert msgspec.json.decode(base64.urlsafe_b64decode(head + "==")) == {"alg": "ES256", "typ": "JWT"}
    claims = msgspec.json.decode(base64.urlsafe_b64decode(claims + "=="))
    assert (claims["sub"], claims["exp"]) == ("system:serviceaccount:a:b", 1060)


def test_tokens_end():
    """A token is refused when its time is over, and once it is revoked."""
    now = [1000.0]
    tokens = Tokens(now=lambda: now[0])
    token, other = tokens.issue("a", "b", lifetime=60), tokens.issue("a", "b", lifetime=60)
    tokens.revoke(other)
    assert tokens.user(token) is not None
    assert tokens.user(other) is None
    now[0] = 1060.0
    assert tokens.user(token) is None


def test_another_clusters_token_is_refused():
    """Only the cluster's own signature counts."""
    assert TOKENS.user(Tokens(now=lambda: 1000.0).issue("a", "b")) is None


@pytest.mark.parametrize("change", ["head", "claims", "signature"])
def test_a_changed_token_is_refused(change):
    """No part of a token can be changed."""
    parts = TOKENS.issue("a", "b").split(".")
    at = ["head", "claims", "signature"].index(change)
    parts[at] = parts[at][:-2] + ("AA" if parts[at][-2:] != "AA" else "BB")
    assert TOKENS.user(".".join(parts)) is None


@given(st.text())
def test_any_text_is_a_token_or_refused(text):
    """No text makes the check fail otherwise than by refusing."""
    assert TOKENS.user(text) is None
