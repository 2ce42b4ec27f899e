"""Whoever asks the server: one kept TLS connection, or eight at once, with as little of its own as possible."""

from __future__ import annotations

import io
import selectors
import socket
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bench.process import BenchError

# As the aggregation layer of kube-apiserver speaks for a user.
MASTER = {"X-Remote-User": "system:admin", "X-Remote-Group": "system:masters"}
_BUFFER = 256 * 1024
_PATIENCE = 120.0  # seconds for an answer


class Answer(NamedTuple):
    """A response: its status, its body as sent, and seconds from the first byte sent to the last one received."""

    status: int
    body: bytes
    seconds: float


class Address(NamedTuple):
    """Where a server is, and how it is spoken to.

    ``ca`` is a PEM file, None to leave its certificate unverified; ``certificate`` and ``key`` are PEM files of a
    client certificate, None for none.
    """

    url: str
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return a TLS context.

        Raises:
            BenchError: a file cannot be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(["http/1.1"])
        if self.ca is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        try:
            if self.ca is not None:
                context.load_verify_locations(self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except OSError as error:
            raise BenchError(f"the certificates for {self.url} cannot be used: {error.strerror}") from error
        return context

    def connect(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Open a connection; an OSError when it cannot be."""
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port or 443
        sock = socket.create_connection((host, port), timeout=_PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(sock, server_hostname=host)


class Client:
    """One kept connection, opened with the first request and again after a failure.

    Args:
        address: of the server.
        headers: of every request.
    """

    def __init__(self, address: Address, headers: Mapping[str, str] = MASTER) -> None:
        self._address = address
        self._context = address.context()
        self._headers = dict(headers)
        self._sock: ssl.SSLSocket | None = None
        self._stream: io.BufferedReader | None = None

    def close(self) -> None:
        """Close the connection."""
        if self._stream is not None:
            self._stream.close()
        if self._sock is not None:
            self._sock.close()
        self._sock = self._stream = None

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a path; an underscore in a header's name stands for a hyphen.

        Raises:
            BenchError: no answer came.
        """
        sent = request(path, self._headers | {name.replace("_", "-"): value for name, value in headers.items()})
        try:
            if self._sock is None:
                self._sock = self._address.connect(self._context)
                self._stream = io.BufferedReader(self._sock.makefile("rb", 0), _BUFFER)
            assert self._stream is not None
            start = time.perf_counter()
            self._sock.sendall(sent)
            status, body = _read(self._stream)
            return Answer(status, body, time.perf_counter() - start)
        except (OSError, ValueError) as error:
            self.close()
            raise BenchError(f"{self._address.url} does not answer: {error}") from error


def request(path: str, headers: Mapping[str, str]) -> bytes:
    """Return a GET request."""
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _read(stream: io.BufferedReader) -> tuple[int, bytes]:
    """Return status and body of a response; a ValueError or OSError when it is cut short."""
    status = int(stream.readline().split()[1])
    length, chunked = 0, False
    while line := stream.readline().strip().lower():
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
        chunked = chunked or line == b"transfer-encoding: chunked"
    return status, _chunks(stream) if chunked else _exactly(stream, length)


def _chunks(stream: io.BufferedReader) -> bytes:
    parts = []
    while size := int(stream.readline(), 16):
        parts.append(_exactly(stream, size))
        stream.readline()
    stream.readline()
    return b"".join(parts)


def _exactly(stream: io.BufferedReader, length: int) -> bytes:
    body = stream.read(length)
    if len(body) != length:
        raise ConnectionResetError("the answer was cut short")
    return body


def throughput(address: Address, path: str, *, connections: int, seconds: float) -> float:
    """Return how many requests per second are answered when each connection asks again at once.

    Raises:
        BenchError: one of them was not answered with 200.
    """
    context, sent = address.context(), request(path, MASTER)
    with selectors.DefaultSelector() as selector:
        try:
            for _ in range(connections):
                sock = address.connect(context)
                sock.setblocking(False)
                selector.register(sock, selectors.EVENT_READ, bytearray())
                sock.send(sent)
            return _rate(selector, sent, seconds)
        except OSError as error:
            raise BenchError(f"{address.url} does not answer {connections} connections: {error}") from error
        finally:
            for key in list(selector.get_map().values()):
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.close()


def _rate(selector: selectors.BaseSelector, sent: bytes, seconds: float) -> float:
    answered, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        for key, _ in selector.select(_PATIENCE):
            assert isinstance(key.fileobj, ssl.SSLSocket)
            try:
                data = key.fileobj.recv(_BUFFER)
            except ssl.SSLWantReadError:
                continue
            if not data:
                raise ConnectionResetError("a connection was closed")
            key.data.extend(data)
            if _complete(key.data):
                answered += 1
                key.data.clear()
                key.fileobj.send(sent)
    return answered / elapsed


def _complete(received: bytearray) -> bool:
    """Tell whether a whole response with a length has come.

    Raises:
        ConnectionError: it is no 200.
    """
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return False
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(f"answered {bytes(head[:40])!r}")
    start = head.lower().find(b"content-length:")
    if start < 0:
        raise ConnectionError("answered without a length")
    return len(body) >= int(head[start + len(b"content-length:") :].partition(b"\r\n")[0])
