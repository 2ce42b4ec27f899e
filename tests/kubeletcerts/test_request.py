"""Bytes that may be a certificate signing request."""

from __future__ import annotations

import base64
import contextlib
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kubeletcerts.making import KEY, pem

from kubevitals.errors import SigningRequestError
from kubevitals.kubeletcerts.request import CertificateRequest, read

GOOD = pem("n1", ["n1", "10.0.0.1", "fd00::1"])
DER = x509.load_pem_x509_csr(GOOD).public_bytes(Encoding.DER)


def armoured(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE REQUEST-----\n%b-----END CERTIFICATE REQUEST-----\n" % base64.encodebytes(der)


def tagged(tag: int, content: bytes) -> bytes:
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)] if len(content) >= 0x80 else [tag]) + length + content


def pieces(der: bytes) -> list[bytes]:
    """Return the elements within a DER element."""
    content, found = der[_head(der) :], []
    while content:
        size = _head(content) + _size(content)
        found.append(content[:size])
        content = content[size:]
    return found


def _head(der: bytes) -> int:
    return 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)


def _size(der: bytes) -> int:
    return int.from_bytes(der[2 : _head(der)], "big") if der[1] & 0x80 else der[1]


def asking_twice(first: list[str], second: list[str]) -> bytes:
    """Return a request, DER, with two attributes that ask for extensions, signed as a whole."""
    requests = [x509.load_pem_x509_csr(pem("n1", names)) for names in (first, second)]
    heads = [pieces(request.tbs_certrequest_bytes) for request in requests]
    attributes = b"".join(pieces(parts[3])[0] for parts in heads)
    whole = tagged(0x30, b"".join(heads[0][:3]) + tagged(0xA0, attributes))
    signature = tagged(0x03, b"\0" + KEY.sign(whole, ec.ECDSA(SHA256())))
    return tagged(0x30, whole + pieces(DER)[1] + signature)


def test_the_facts_of_a_kubelets_request():
    """Names, addresses, subject and key are what was asked for."""
    assert read(GOOD) == CertificateRequest(
        common_names=("system:node:n1",),
        organizations=("system:nodes",),
        names=("n1",),
        addresses=(ipaddress.ip_address("10.0.0.1"), ipaddress.ip_address("fd00::1")),
        strange=(),
        key="ECDSA secp256r1",
        strong=True,
        signed=True,
    )


def test_a_long_node_name_is_no_warning():
    """A node's name may be longer than X.520 allows a common name to be."""
    user = "system:node:" + "n" * 100
    with pytest.warns(UserWarning, match="length"):
        long = pem("", ["n1"], name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user, _validate=False)]))
    assert read(long).common_names == (user,)


def test_extensions_in_two_places_are_told():
    """A reader that takes the first list of names and a signer that takes the second would not see the same."""
    twice = read(armoured(asking_twice(["n1"], ["kubernetes"])))
    assert (twice.signed, twice.strange) == (True, ("extensions in two places",))


def test_too_much_is_not_read():
    """A request has a bound."""
    with pytest.raises(SigningRequestError, match="more than 64 KiB"):
        read(GOOD + b"\n" * 70_000)


@given(st.binary(max_size=300) | st.binary(max_size=300).map(armoured))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_facts_or_an_error(data):
    """Any bytes give facts or a SigningRequestError."""
    with contextlib.suppress(SigningRequestError):
        read(data)


@given(st.lists(st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=800, deadline=None)
def test_any_damage_gives_facts_or_an_error(changes):
    """A request with some bytes changed gives facts that are not signed, or an error."""
    damaged = bytearray(DER)
    for at, value in changes:
        damaged[at] = value
    with contextlib.suppress(SigningRequestError):
        assert bytes(damaged) == DER or not read(armoured(bytes(damaged))).signed
