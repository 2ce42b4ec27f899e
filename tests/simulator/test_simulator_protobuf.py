"""Kubernetes' protobuf objects, as kubectl sends them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.simulator.protobuf import WireError, decode


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def sent(kind, raw, version="v1"):
    return b"k8s\0" + field(1, field(1, version) + field(2, kind)) + field(2, raw) + field(3, "") + field(4, "")


def test_an_access_review():
    """The question of `kubectl auth can-i` comes out as its JSON."""
    attributes = field(1, "ns") + field(2, "list") + field(5, "pods") + field(9, field(1, "x"))
    body = sent("SelfSubjectAccessReview", field(1, b"") + field(2, field(1, attributes)), "authorization.k8s.io/v1")
    assert decode(body) == {
        "kind": "SelfSubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "spec": {"resourceAttributes": {"namespace": "ns", "verb": "list", "resource": "pods"}},
    }


def test_lists_maps_and_numbers():
    """Repeated fields are lists, maps are objects, numbers are numbers."""
    labels = field(11, field(1, "a") + field(2, "b")) + field(11, field(1, "c"))
    subject = field(1, "User") + field(3, "jane")
    binding = field(1, field(1, "x") + labels) + field(2, subject) + field(2, field(1, "Group")) + field(3, b"")
    assert decode(sent("ClusterRoleBinding", binding)) == {
        "kind": "ClusterRoleBinding",
        "apiVersion": "v1",
        "metadata": {"name": "x", "labels": {"a": "b", "c": ""}},
        "subjects": [{"kind": "User", "name": "jane"}, {"kind": "Group"}],
        "roleRef": {},
    }
    token = decode(sent("TokenRequest", field(2, field(1, "aud") + field(4, 600))))
    assert token["spec"] == {"audiences": ["aud"], "expirationSeconds": 600}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not a Kubernetes protobuf object"),
        (b"k8s\0\x0a\x05", "cut off"),
        (b"k8s\0" + b"\x80" * 11, "a number of more than 64 bits"),
        (b"k8s\0\x0b", "wire type 3 is not used by Kubernetes"),
        (sent("Pod", b""), "objects of kind 'Pod' are not known in protobuf"),
        (sent("Namespace", field(1, 5)), "a number where text or a message belongs"),
        (sent("TokenRequest", field(2, field(4, "x"))), "expirationSeconds is no number"),
    ],
)
def test_what_is_no_such_object_is_refused(body, message):
    """Anything else is refused in words."""
    with pytest.raises(WireError) as refused:
        decode(body)
    assert str(refused.value) == message


@given(st.binary(max_size=60), st.sampled_from(["Namespace", "ClusterRole", "TokenRequest"]))
def test_any_bytes_are_an_object_or_refused(raw, kind):
    """Any bytes give an object or a WireError, never anything else."""
    try:
        found = decode(sent(kind, raw))["kind"]
    except WireError:
        found = kind
    assert found == kind
