"""The socket that is listened on."""

from __future__ import annotations

import socket

from kubevitals.errors import ConfigError


def listen(address: str, port: int, *, share_port: bool = False) -> socket.socket:
    """Bind a listening socket; an unspecified IPv4 address takes IPv6 callers too where the host has IPv6.

    Raises:
        ConfigError: the address cannot be bound; names address, port, cause and remedy.
    """
    dual = address in ("", "0.0.0.0", "::") and socket.has_dualstack_ipv6()  # noqa: S104 - the flag's own default
    family = socket.AF_INET6 if dual or ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        sock.bind(("::" if dual else address, port))
        sock.listen(1024)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise ConfigError(_bind_problem(address, port, error)) from error
    return sock


def _bind_problem(address: str, port: int, error: OSError) -> str:
    where = f"cannot listen on {address or '*'}:{port}: {error.strerror or error}"
    if error.errno == 98:
        return f"{where}; something on this host holds the port (a kubelet holds 10250): set --secure-port"
    if error.errno == 13:
        return f"{where}; ports below 1024 need a privilege: set --secure-port to a higher one, such as 10250"
    return where
