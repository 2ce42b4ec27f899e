"""Which requests may be approved, and why the others may not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AttributeOID, ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kubeletcerts.making import SIGNER, USAGES, pem, subject

from kubevitals.kubeletcerts.objects import Node, Service, SigningRequest
from kubevitals.kubeletcerts.owners import owners
from kubevitals.kubeletcerts.reading import examine
from kubevitals.kubeletcerts.verdict import Refusal, judge

NODE = Node(
    "n1",
    (
        ("Hostname", "n1"),
        ("InternalIP", "10.0.0.1"),
        ("InternalIP", "fd00::1"),
        ("InternalDNS", "n1.Example"),
        ("ExternalIP", "192.0.2.1"),
        ("ExternalDNS", "n1.example.org"),
    ),
)
OTHER = Node(
    "n2", (("Hostname", "n2"), ("InternalIP", "10.0.0.2"), ("InternalIP", "fd00::2"), ("InternalDNS", "n2.example"))
)
SERVICES = (Service("kubernetes", "default", ("10.96.0.1", "fd00:96::1")), Service("web", "shop", ("10.96.0.7",)))
NODES = (NODE, OTHER)
OWN_SUBJECT = subject("system:node:n1", "system:nodes")
A_URI, AN_ID = x509.UniformResourceIdentifier("spiffe://x"), x509.RegisteredID(NameOID.COMMON_NAME)


def asked(*names, node="n1", request=None, **changed) -> SigningRequest:
    found = SigningRequest(
        name="csr-1",
        created=0.0,
        signer=SIGNER,
        username=f"system:node:{node}",
        groups=("system:nodes", "system:authenticated"),
        usages=USAGES,
        pem=pem(node, names) if request is None else request,
    )
    return replace(found, **changed)


def codes(request: SigningRequest, node: Node | None = NODE, nodes=NODES) -> list[str]:
    return [refusal.code for refusal in judge(request, node, owners(nodes, SERVICES))]


@pytest.mark.parametrize(
    "names",
    [
        ("n1", "10.0.0.1"),
        ("10.0.0.1",),
        ("n1.example.org", "n1.example", "N1", "192.0.2.1", "fd00:0:0::1"),
        ("::ffff:10.0.0.1",),
    ],
)
def test_a_nodes_own_names_are_approved(names):
    """Names count in any case and addresses in any form, of every kind that a kubelet asks for."""
    assert codes(asked(*names)) == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), ["no-names"]),
        (("n1", "10.0.0.9"), ["foreign-address"]),
        (("n1", "fd00::9"), ["foreign-address"]),
        (("n3",), ["foreign-name"]),
        (("n1.n1",), ["foreign-name"]),
        (("*.example",), ["bad-name"]),
        (("n1.",), ["bad-name"]),
        (("169.254.169.254",), ["bad-address"]),
        (("fe80::1", "ff02::1"), ["bad-address", "bad-address"]),
        (("n2",), ["foreign-name", "taken"]),
        (("10.0.0.2",), ["foreign-address", "taken"]),
        (("10.96.0.1",), ["foreign-address", "taken"]),
        (("fd00:96:0::1",), ["foreign-address", "taken"]),
        (("kubernetes",), ["foreign-name", "taken"]),
        (("kubernetes.default.svc.any.domain",), ["foreign-name", "taken"]),
        (("web.shop",), ["foreign-name", "taken"]),
        (("localhost", "127.0.0.1"), ["foreign-name", "taken", "foreign-address", "taken"]),
    ],
)
def test_other_names_are_refused(names, expected):
    """What is not the node's, and what is somebody else's, is refused with a reason for each."""
    assert codes(asked(*names)) == expected


@pytest.mark.parametrize(
    ("claimed", "wanted"),
    [
        (("InternalIP", "10.0.0.2"), "10.0.0.2"),
        (("InternalIP", "::ffff:10.0.0.2"), "10.0.0.2"),
        (("ExternalDNS", "n2"), "n2"),
        (("Hostname", "N2.example"), "n2.example"),
        (("InternalIP", "10.96.0.7"), "10.96.0.7"),
        (("InternalDNS", "kubernetes.default.svc"), "kubernetes.default.svc"),
        (("Hostname", "localhost"), "localhost"),
        (("InternalIP", "127.0.0.1"), "127.0.0.1"),
    ],
)
def test_what_a_node_claims_of_others_is_refused(claimed, wanted):
    """A kubelet writes its own addresses: that it writes another's does not make them its own."""
    liar = replace(NODE, addresses=(*NODE.addresses, claimed))
    assert codes(asked(wanted), liar, (liar, OTHER)) == ["taken"]


def test_a_host_name_that_is_an_address_is_asked_for_as_an_address():
    """A kubelet whose host name is an address has it among the addresses."""
    node = Node("n1", (("Hostname", "10.0.0.5"),))
    assert codes(asked("10.0.0.5"), node, (node,)) == []
    assert codes(asked(x509.DNSName("10.0.0.5")), node, (node,)) == ["foreign-name"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"signer": "kubernetes.io/kube-apiserver-client"}, ["signer"]),
        ({"pending": False}, ["decided"]),
        ({"groups": ("system:authenticated",)}, ["requester"]),
        ({"username": "jane"}, ["requester", "subject"]),
        ({"username": "system:node:n2"}, ["node", "subject"]),
        ({"username": "system:node:"}, ["requester", "subject"]),
        ({"usages": ("server auth",)}, ["usages"]),
        ({"usages": ("digital signature", "server auth")}, []),
        ({"usages": ("digital signature", "key encipherment")}, ["usages"]),
        ({"usages": (*USAGES, "client auth")}, ["usages"]),
        ({"usages": ()}, ["usages"]),
        ({"pem": b""}, ["unreadable"]),
        ({"pem": pem("n1", ["n1"]) * 2}, ["unreadable"]),
        ({"pem": b"\xff" + pem("n1", ["n1"])}, ["unreadable"]),
        ({"pem": pem("n1", ["n1"]).replace(b"-----BEGIN", b"x\n-----BEGIN")}, ["unreadable"]),
        ({"pem": pem("n1", ["n1"]).replace(b" CERTIFICATE ", b" NEW CERTIFICATE ")}, ["unreadable"]),
    ],
)
def test_who_asks_and_for_what(change, expected):
    """Requester, signer and usages are those of a kubelet's serving certificate, and nothing more."""
    assert codes(asked("n1", **change)) == expected


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ({"name": subject("system:node:n2", "system:nodes")}, "subject"),
        ({"name": subject("system:node:n1")}, "subject"),
        ({"name": subject("", "system:nodes")}, "subject"),
        ({"name": subject("system:node:n1", "system:nodes", "system:masters")}, "subject"),
        ({"name": x509.Name([*OWN_SUBJECT, x509.NameAttribute(NameOID.COUNTRY_NAME, "DE")])}, "strange"),
        ({"extensions": [x509.BasicConstraints(ca=True, path_length=None)]}, "strange"),
        ({"extensions": [x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])]}, "strange"),
        ({"attributes": [(AttributeOID.CHALLENGE_PASSWORD, b"secret")]}, "strange"),
        ({"key": ec.generate_private_key(ec.SECP256K1())}, "key"),
        ({"key": rsa.generate_private_key(65537, 1024)}, "key"),
    ],
)
def test_what_the_request_says_besides_names(made, expected):
    """Subject, extensions, attributes and key are those of a kubelet."""
    assert codes(asked(request=pem("n1", ["n1"], **made))) == [expected]


@pytest.mark.parametrize("name", [x509.RFC822Name("a@b.example"), A_URI, AN_ID])
def test_names_of_another_kind_are_refused(name):
    """The signer takes DNS names and addresses alone."""
    assert codes(asked("n1", name)) == ["strange"]


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa.generate_private_key(65537, 2048), SHA256()),
        (ec.generate_private_key(ec.SECP521R1()), SHA256()),
        (ed25519.Ed25519PrivateKey.generate(), None),
    ],
)
def test_good_keys_are_approved(key, algorithm):
    """RSA, elliptic curves and Ed25519 are signed."""
    assert codes(asked(request=pem("n1", ["n1"], key=key, algorithm=algorithm))) == []


def test_a_request_signed_with_another_key_is_refused():
    """Who asks must hold the key: a changed signature is told."""
    request = x509.load_pem_x509_csr(pem("n1", ["n1"]))
    der = request.public_bytes(Encoding.DER)
    at = der.index(request.signature) + len(request.signature) - 1
    broken = x509.load_der_x509_csr(der[:at] + bytes([der[at] ^ 1]) + der[at + 1 :])
    assert codes(asked(request=broken.public_bytes(Encoding.PEM))) == ["signature"]


def test_without_a_node_object_nothing_is_approved():
    """A requester that has no Node is refused, whatever it asks for."""
    assert codes(asked("n1"), None) == ["node"]
    assert codes(asked("n2", request=pem("n1", ["n2"])), OTHER) == ["node"]


def test_of_a_node_the_newest_is_approved():
    """The older ones that are in order are replaced; one that is not is refused, and hides nothing."""
    old, new = asked("n1", name="old", created=1.0), asked("n1", name="new", created=2.0)
    bad, n2 = asked("n9", name="bad", created=3.0), asked("n2", name="n2", node="n2", created=0.0)
    found = examine([old, bad, n2, new], NODES, owners(NODES, SERVICES))
    told = [(each.asked.name, bool(each.refusals), each.replaced, each.approvable) for each in found]
    assert told == [
        ("bad", True, False, False),
        ("new", False, False, True),
        ("old", False, True, False),
        ("n2", False, False, True),
    ]


def test_every_refusal_is_a_sentence_with_a_remedy():
    """What the cluster chose is quoted, so that no line of it looks like ours."""
    (refusal,) = judge(asked("n1", username="\x1b[2Jevil\n", request=pem("n1", ["n1"])), None, owners(()))[:1]
    assert isinstance(refusal, Refusal)
    assert r'"\x1b[2Jevil\n"' in refusal.detail
    assert refusal.detail.endswith(".")
    assert refusal.remedy


_HOSTS = ("n1", "n2", "n3", "n1.example", "*.example", "kubernetes.default.svc", "localhost", "web.shop.svc.x")
_ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.96.0.1", "192.0.2.1", "fd00::1", "fd00::2", "::ffff:10.0.0.2")
_NAMES = st.sampled_from(_HOSTS + _ADDRESSES)
_OWN = {"n1", "n1.example", "10.0.0.1", "fd00::1", "::ffff:10.0.0.1", "192.0.2.1"}


@given(st.lists(_NAMES, max_size=4), st.sampled_from(["n1", "n2"]))
@settings(max_examples=150, deadline=None)
def test_no_foreign_name_is_ever_approved(names, claimed_by):
    """Whatever a node claims of others, it gets its own names and addresses and no more."""
    claims = tuple(("InternalIP" if name[0].isdigit() or ":" in name else "Hostname", name) for name in names)
    node = replace(NODE, addresses=NODE.addresses + (claims if claimed_by == "n1" else ()))
    found = codes(asked(*names), node, (node, OTHER))
    if "n3" not in names:
        assert (found == []) == (bool(names) and set(names) <= _OWN)
