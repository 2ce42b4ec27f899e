"""The socket that is listened on."""

from __future__ import annotations

import socket

import pytest

from kubevitals.api.listening import listen
from kubevitals.errors import ConfigError


def test_an_unspecified_address_takes_both_families():
    """0.0.0.0 means every address of the host, as in Go."""
    sock = listen("0.0.0.0", 0)
    try:
        port = sock.getsockname()[1]
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            if family == socket.AF_INET6 and not socket.has_dualstack_ipv6():
                continue
            with socket.socket(family) as caller:
                caller.connect((address, port))
    finally:
        sock.close()


def test_a_port_that_is_taken_names_the_remedy():
    """The kubelet holds 10250 on a host network, which is how most people meet this."""
    taken = listen("127.0.0.1", 0)
    try:
        with pytest.raises(ConfigError, match="something on this host holds the port"):
            listen("127.0.0.1", taken.getsockname()[1])
    finally:
        taken.close()


def test_the_address_can_be_taken_again_at_once():
    """A server that starts where another ended a moment ago does not wait for its old connections."""
    sock = listen("127.0.0.1", 0)
    try:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 1
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT) == 0
    finally:
        sock.close()


def test_several_processes_may_share_the_port():
    """With the port shared, a second listener is let in."""
    sock = listen("127.0.0.1", 0, share_port=True)
    try:
        listen("127.0.0.1", sock.getsockname()[1], share_port=True).close()
    finally:
        sock.close()
