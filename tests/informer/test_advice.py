"""informer.advice: why a resource cannot be followed, and whether a list helps."""

from __future__ import annotations

import socket
import ssl

import pytest

from kubevitals.errors import ApiServerError, ApiStatusError, ApiUnreachable, ConfigError
from kubevitals.informer.advice import is_away, is_expired, is_for_a_person, needs_list, sentence


def status(code, message=""):
    return ApiStatusError(code, "", message)


@pytest.mark.parametrize(
    ("error", "needed"),
    [
        (ApiUnreachable("x"), False),
        (ApiServerError("garbled"), True),
        (status(400), True),
        (status(401), False),
        (status(403), True),
        (status(404), True),
        (status(410), True),
        (status(429), False),
        (status(500), False),
        (status(504, "Too large resource version: 99, current: 3"), True),
    ],
)
def test_when_only_a_list_helps(error, needed):
    """When what is held may be wrong."""
    assert needs_list(error) is needed


def test_only_a_410_is_expired():
    """Gone or Expired, the code is what counts."""
    assert [is_expired(error) for error in (status(410), status(404), ApiServerError("x"))] == [True, False, False]


def unreachable(cause):
    error = ApiUnreachable("x")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (unreachable(ConnectionRefusedError()), True),
        (unreachable(ConnectionResetError()), True),
        (unreachable(TimeoutError()), True),
        (unreachable(socket.gaierror()), True),
        (unreachable(ssl.SSLEOFError()), True),
        (unreachable(ConfigError("no token")), False),
        (unreachable(None), False),
        (status(503), False),
        (ApiServerError("garbled"), False),
    ],
)
def test_who_is_away(error, away):
    """Where the network says that nobody was reached; not where we had nothing to show, or were answered."""
    assert is_away(error) is away


def test_who_must_act():
    """Waiting mends an outage, not a missing permission."""
    found = [is_for_a_person(error) for error in (status(401), status(403), status(500), ApiUnreachable("x"))]

    assert found == [True, True, False, False]


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        (ApiUnreachable("cannot reach it"), ["cannot reach it"]),
        (status(401, "Unauthorized"), ["401 Unauthorized", "token or client certificate"]),
        (status(403, "User x cannot list"), ["403 User x cannot list", "allow list and watch on nodes", "role"]),
        (status(500, "boom"), ["the API server answered 500 error: boom"]),
    ],
)
def test_the_sentence_says_what_and_what_to_do(error, parts):
    """With a remedy where one is known."""
    text = sentence(error, "nodes")

    assert [part for part in parts if part not in text] == []


def test_where_kubernetes_has_a_role_it_is_named():
    """Who may not read the callers' CAs needs a binding, not a rule of their own."""
    text = sentence(status(403, "User x cannot list"), "configmaps/a", "the Role a-reader in kube-system")

    assert text.endswith("; bind the Role a-reader in kube-system to this service account or user")
