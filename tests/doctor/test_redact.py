"""What must not be shown to strangers is not in what is shown to them."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from kubevitals.doctor.redact import Redactor, without_tokens

PART = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=5, max_size=9)
NODES = st.builds("{}-{}".format, PART, PART) | st.builds("{}.{}.example".format, PART, PART)
ADDRESSES = st.ip_addresses().map(str) | st.ip_addresses(v=4).map("::ffff:{}".format)
TOKEN_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SECRET = st.text(TOKEN_CHARACTERS, min_size=12, max_size=40)
BETWEEN = st.sampled_from([" ", ", ", '"', "'", ": ", "=", "(", ")", "[", "]", "\n", " is at ", "/", "://", ". "])
PORT = st.sampled_from(["", ":10250", ":443/metrics", "."])


def bearer(secret: str) -> str:
    """A header of a request."""
    return f"Authorization: Bearer {secret}"


def jwt(secret: str) -> str:
    """A ServiceAccount's token."""
    return f"eyJ{secret}.{secret}.{secret}"


def at(address: str, port: str) -> str:
    """An address as Go and Python write it before a port."""
    return f"[{address}]{port}" if ":" in address else address + port


TOKENS = st.tuples(st.sampled_from([bearer, jwt]), SECRET)


@given(
    st.lists(NODES, max_size=5),
    st.lists(st.tuples(ADDRESSES, PORT), max_size=5),
    st.lists(TOKENS, max_size=3),
    st.data(),
)
def test_nothing_that_is_known_leaves(nodes, addresses, tokens, data):
    """No token, node name or address of the input is in a redacted text, whatever stands between them."""
    shown = [*nodes, *(at(*pair) for pair in addresses), *(write(secret) for write, secret in tokens)]
    order = data.draw(st.permutations(shown))
    text = "".join(part for piece in order for part in (data.draw(BETWEEN), piece)) + data.draw(BETWEEN)
    redacted = Redactor({"node": nodes})(text)
    secrets = [*nodes, *(address for address, _ in addresses if len(address) > 4), *(secret for _, secret in tokens)]
    assert [secret for secret in secrets if secret in redacted] == []


@given(TOKENS, BETWEEN, st.sampled_from([" ", ", ", '"', "'", "\n", ")", "]"]))
def test_tokens_go_without_being_asked(token, before, after):
    """A token is never shown, with or without ``--redact``; what is not one stays."""
    write, secret = token
    shown = without_tokens(f"node-1{before}{write(secret)}{after}10.0.0.1")
    assert secret not in shown
    assert "node-1" in shown
    assert "10.0.0.1" in shown


@given(st.lists(NODES, min_size=2, max_size=4, unique=True))
def test_what_belongs_together_still_does(nodes):
    """The same name has the same placeholder throughout, and another one another."""
    assume(not any(one in other for one in nodes for other in nodes if one != other))
    redact = Redactor({"node": nodes})
    once = [redact(f"node {name} failed") for name in nodes]
    assert [redact(f"node {name} failed") for name in nodes] == once
    assert len(set(once)) == len(nodes)


def test_longer_names_first():
    """A name that begins like another is not cut."""
    redact = Redactor({"node": ["node-1", "node-1.example"], "host": ["node-1.example.com"]})
    assert redact("node-1.example.com node-1.example node-1, node-10") == "<host-1> <node-1> <node-2>, node-10"


def test_an_address_within_another():
    """IPv4 in IPv6 goes as a whole, and times and versions stay."""
    redact = Redactor({})
    assert redact("[::ffff:10.0.0.1]:10250") == "[<address-1>]:10250"
    assert redact("at 07:59:30 v1.34.1 of ::1, fe80::1%eth0") == "at 07:59:30 v1.34.1 of <address-2>, <address-3>%eth0"
