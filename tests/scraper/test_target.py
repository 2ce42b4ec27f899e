"""Where a node is scraped."""

from __future__ import annotations

import pytest

from kubevitals.errors import ScrapeError
from kubevitals.model import Address, Node
from kubevitals.scraper.target import Target, authority, certificate_name, resolve

ADDRESSES = (
    Address("InternalIP", "10.0.0.7"),
    Address("InternalIP", "fd00::7"),
    Address("Hostname", "worker-7"),
    Address("ExternalIP", "192.0.2.7"),
)


def target(node, types=("Hostname", "InternalIP"), **settings):
    settings = {"port": 10250, "use_status_port": False} | settings
    return resolve(node, address_types=types, **settings)


def test_addresses_come_in_the_preferred_order_of_types():
    """The first address is metrics-server's choice; other preferred ones follow, others never."""
    assert target(Node("worker-7", addresses=ADDRESSES)) == Target(
        "worker-7", ("worker-7", "10.0.0.7", "fd00::7"), 10250, "/metrics/resource", "https"
    )


def test_an_address_listed_under_two_types_is_tried_once():
    """A node whose host name is its IP does not get it dialled twice."""
    node = Node("n", addresses=(Address("Hostname", "10.0.0.7"), Address("InternalIP", "10.0.0.7")))

    assert target(node).addresses == ("10.0.0.7",)


def test_no_address_of_a_preferred_type_names_both_sides():
    """The error says which types were wanted and which the node has."""
    with pytest.raises(ScrapeError) as raised:
        target(Node("n", addresses=ADDRESSES), types=("ExternalDNS",))

    assert raised.value.cause == "no_address"
    assert raised.value.detail == (
        "no address matched types ExternalDNS; the node has ExternalIP, Hostname, InternalIP"
    )


@pytest.mark.parametrize(
    ("addresses", "has"), [((), "none"), ((Address("Hostname", ""),), "Hostname")], ids=["none", "empty"]
)
def test_a_node_without_a_usable_address_is_an_error(addresses, has):
    """A node that just registered has no addresses, and an empty one does not count."""
    with pytest.raises(ScrapeError) as raised:
        target(Node("n", addresses=addresses))

    assert raised.value.detail.endswith(f"the node has {has}")


@pytest.mark.parametrize(
    ("use_status_port", "kubelet_port", "expected"),
    [(True, 10249, 10249), (True, 0, 10250), (False, 10249, 10250)],
)
def test_port_of_the_node_status_is_used_when_wanted_and_set(use_status_port, kubelet_port, expected):
    """--kubelet-use-node-status-port falls back to --kubelet-port where the status has none."""
    node = Node("n", addresses=ADDRESSES, kubelet_port=kubelet_port)

    assert target(node, use_status_port=use_status_port).port == expected


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("", "/metrics/resource"),
        ("/metrics/nodes/kwok-0/metrics/resource", "/metrics/nodes/kwok-0/metrics/resource"),
        ("relative", "/relative"),
        ("//evil.example/x", "//evil.example/x"),
        ("/a?b=c#d", "/a%3Fb=c%23d"),
        ("/100%", "/100%25"),
        ("/a b\r\nX-Evil: 1", "/a%20b%0D%0AX-Evil:%201"),
        ("/é", "/%C3%A9"),
    ],
)
def test_path_annotation_replaces_the_path_and_nothing_else(annotation, expected):
    """Whoever may annotate a node chooses a path on its port, but no query, header or host."""
    assert target(Node("n", addresses=ADDRESSES, metrics_path=annotation)).path == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.7", "10.0.0.7:10250"),
        ("worker-7.example", "worker-7.example:10250"),
        ("ip_10_0_0_7", "ip_10_0_0_7:10250"),
        ("fd00::7", "[fd00::7]:10250"),
        ("::1", "[::1]:10250"),
        ("fe80::1%eth0", "[fe80::1]:10250"),
    ],
)
def test_authority_is_a_host_header(address, expected):
    """IPv6 addresses are bracketed, and zones stay at home."""
    assert authority(address, 10250) == expected


@pytest.mark.parametrize("address", ["", "a b", "a\r\nb", "a/b", "user@host", ".dot", "[::1]", "é", "x" * 254])
def test_an_address_that_is_none_is_refused(address):
    """Whoever may write a node's status can put nothing but a host into a header."""
    with pytest.raises(ScrapeError) as raised:
        authority(address, 10250)

    assert raised.value.cause == "dns"


def test_certificate_name_has_no_zone():
    """A certificate names an address, not the interface it is reached by."""
    assert [certificate_name("fe80::1%eth0"), certificate_name("worker-7")] == ["fe80::1", "worker-7"]
