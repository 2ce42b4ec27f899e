"""kube.status: a refusal carries what its Status says."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubevitals.errors import ApiStatusError
from kubevitals.kube.status import refusal


def fields(error):
    return error.code, error.reason, error.message, error.retry_after


def status(**extra):
    return json.dumps({"kind": "Status", "status": "Failure", **extra}).encode()


@pytest.mark.parametrize(
    ("code", "body", "header", "expected"),
    [
        (403, status(reason="Forbidden", message="no"), "", (403, "Forbidden", "no", None)),
        (429, status(reason="TooManyRequests", message="slow"), "7", (429, "TooManyRequests", "slow", 7.0)),
        (500, status(message="x", details={"retryAfterSeconds": 3}), "", (500, "", "x", 3.0)),
        (500, status(message="x", details={"retryAfterSeconds": 3}), "1", (500, "", "x", 1.0)),
        (0, status(reason="Expired", message="old", code=410), "", (410, "Expired", "old", None)),
        (0, b"{}", "", (500, "", "{}", None)),
        (502, b"<html>Bad Gateway</html>\n", "", (502, "", "<html>Bad Gateway</html>", None)),
        (503, b"", "Wed, 21 Oct 2015 07:28:00 GMT", (503, "", "", None)),
        (502, b"x" * 10_000, "", (502, "", "x" * 500, None)),
    ],
)
def test_a_refusal_carries_what_its_status_says(code, body, header, expected):
    """Or the start of the body, when a proxy answered instead."""
    assert fields(refusal(code, body, header)) == expected


@example(502, b'{"message":"\xff"}', "²")
@given(st.integers(300, 599), st.binary(max_size=100), st.text(max_size=10))
def test_any_body_gives_a_refusal(code, body, header):
    """Any bytes and any header give an ApiStatusError with the HTTP status code."""
    error = refusal(code, body, header)

    assert isinstance(error, ApiStatusError)
    assert error.code == code
