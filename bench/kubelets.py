"""Kubelets that cost as little as they can: plain TLS sockets on the event loop, one listener for all addresses.

The listener is bound to the loopback device, so that it takes every address of 127.0.0.0/8 and no other; the address
that was dialled tells which node is meant.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping, Sequence

from bench.body import Body, compress
from bench.cluster import Plan, address, node_name
from bench.record import Record
from kubevitals.simulator import pki
from kubevitals.simulator.framing import chunked
from kubevitals.simulator.kubelet import PATH
from kubevitals.simulator.payload import CONTENT_TYPE

_PER_CERTIFICATE = 10  # nodes that share one
_BACKLOG = 4096
_ACCEPTED_AT_ONCE = 32
_LONGEST = 16 * 1024
_BLOCKED = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: " + CONTENT_TYPE.encode() + b"\r\nTransfer-Encoding: chunked\r\n"
_UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 12\r\n\r\nUnauthorized"
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot Found"
_GET = f"GET {PATH} HTTP/1.1\r\n".encode()


class Kubelets:
    """All kubelets of a plan.

    Args:
        plan: how many.
        authority: signs their certificates.
        records: by bearer token; any other token is refused.
        housekeeping: seconds between two measurements of one container.
    """

    def __init__(
        self, plan: Plan, authority: pki.Authority, records: Mapping[bytes, Record], *, housekeeping: float
    ) -> None:
        self._bodies = [Body(node, plan, int(housekeeping * 1000)) for node in range(plan.nodes)]
        self._packed: list[tuple[int, bytes]] = [(-1, b"")] * plan.nodes
        self._records = {b"Bearer " + token: record for token, record in records.items()}
        self._contexts = _contexts(plan, authority)
        self._places = {address(node): node for node in range(plan.nodes)}
        self._listener = socket.socket()
        self._connections: set[_Connection] = set()

    @property
    def port(self) -> int:
        """The port of every kubelet."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Listen, on any free port."""
        # By name, as Python has a constant for it only on Linux; nobody outside of this machine gets in.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
        self._listener.bind(("0.0.0.0", 0))
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept)

    def stop(self) -> None:
        """Stop listening and cut off every connection."""
        asyncio.get_running_loop().remove_reader(self._listener.fileno())
        self._listener.close()
        for connection in list(self._connections):
            connection.close()

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            node = self._places.get(sock.getsockname()[0])
            if node is None:
                sock.close()
                continue
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            secure = self._contexts[node // _PER_CERTIFICATE].wrap_socket(
                sock, server_side=True, do_handshake_on_connect=False
            )
            self._connections.add(_Connection(secure, node, self))

    def answer(self, node: int, head: bytes, known: Record | None) -> tuple[bytes, Record | None]:
        """Return the response to one request, and whose record it went into.

        Args:
            node: which kubelet is asked.
            head: the request's.
            known: the record that the connection's first request went into.
        """
        record = self._records.get(_field(head, b"authorization"))
        if not head.startswith(_GET):
            return _NOT_FOUND, record
        if record is None:
            return _UNAUTHORIZED, None
        record.connections += known is None
        record.note(node, time.monotonic())
        body, now = self._bodies[node], time.time_ns() // 1_000_000
        if b"gzip" not in _field(head, b"accept-encoding"):
            return _HEAD + b"\r\n" + chunked(body.at(now)), record
        period = body.period(now)
        if self._packed[node][0] != period:
            packed = _HEAD + b"Content-Encoding: gzip\r\n\r\n" + chunked(compress(body.at(now)))
            self._packed[node] = (period, packed)
        return self._packed[node][1], record

    def forget(self, connection: _Connection) -> None:
        """Drop a connection that was closed."""
        self._connections.discard(connection)


class _Connection:
    """One connection to one kubelet: a handshake, then requests without bodies, one at a time."""

    def __init__(self, sock: ssl.SSLSocket, node: int, kubelets: Kubelets) -> None:
        self._sock = sock
        self._fd = sock.fileno()
        self._node = node
        self._kubelets = kubelets
        self._record: Record | None = None
        self._received = b""
        self._unsent = memoryview(b"")
        self._stuck = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._handshake)

    def close(self) -> None:
        """Close it at once."""
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._sock.close()
        self._kubelets.forget(self)

    def _handshake(self) -> None:
        try:
            self._sock.do_handshake()
        except _BLOCKED:
            return
        except OSError:
            self.close()
            return
        self._loop.add_reader(self._fd, self._readable)

    def _readable(self) -> None:
        try:
            data = self._sock.recv(_LONGEST)
        except _BLOCKED:
            return
        except OSError:
            data = b""
        if not data or len(self._received) > _LONGEST:
            self.close()
            return
        self._received += data
        if self._received.endswith(b"\r\n\r\n"):
            response, self._record = self._kubelets.answer(self._node, self._received, self._record)
            self._received = b""
            self._unsent = memoryview(response)
            self._send()

    def _send(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self._sock.send(self._unsent) :]
        except _BLOCKED:
            self._loop.add_writer(self._fd, self._send)
            self._stuck = True
        except OSError:
            self.close()
        else:
            if self._stuck:
                self._loop.remove_writer(self._fd)
                self._stuck = False


def _field(head: bytes, name: bytes) -> bytes:
    """Return the value of a header field, empty when there is none."""
    start = head.lower().find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    return head[start : head.find(b"\r\n", start)].strip()


def _contexts(plan: Plan, authority: pki.Authority) -> Sequence[ssl.SSLContext]:
    contexts = []
    for first in range(0, plan.nodes, _PER_CERTIFICATE):
        nodes = range(first, min(plan.nodes, first + _PER_CERTIFICATE))
        names = [address(node) for node in nodes] + [node_name(node) for node in nodes]
        context = pki.serving_context(authority.serving(f"system:node:{node_name(first)}", names))
        context.num_tickets = 1  # as Go does; OpenSSL would send two
        contexts.append(context)
    return contexts
