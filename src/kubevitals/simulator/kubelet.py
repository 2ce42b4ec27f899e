"""Kubelets: HTTPS on loopback, one address per node or one for many, with everything a scraper meets there.

A protocol by hand rather than a web framework: a thousand of them share a process with the server they test.
"""

from __future__ import annotations

import asyncio
import functools
import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from kubevitals.simulator.faults import KubeletFault
from kubevitals.simulator.machine import Machine
from kubevitals.simulator.payload import CONTENT_TYPE

PATH = "/metrics/resource"
_PLAIN = "text/plain; charset=utf-8"
_BUFFERED = 2048  # bytes up to which an answer carries its length; a larger one is chunked
_CHUNK = 32 * 1024
_LAST_CHUNK = b"0\r\n\r\n"
_LONGEST_HEAD = 16 * 1024
_GARBAGE = bytes(range(256)) * 64
_HTML = b"<!doctype html><html><body><h1>It works!</h1></body></html>\n"
_NODE_PATH = re.compile(rf"/metrics/nodes/([^/]+){PATH}")


class Verdict(NamedTuple):
    """What authentication and authorization say; ``code`` 200 lets a request pass."""

    code: int
    body: str = ""


Check = Callable[[str, str], Verdict]  # bearer token (may be empty) and node name


@dataclass(slots=True)
class Kubelet:
    """One node's kubelet, as tests steer it.

    ``requests`` counts the requests that were understood. ``fate`` says for each request what goes wrong with it; when
    it ends, ``fault`` says so for all.
    """

    node: str
    machine: Machine
    fault: KubeletFault | None = None
    delay: float = 1.0  # seconds of KubeletFault.SLOW
    requests: int = 0
    connections: int = 0
    tokens: set[str] = field(default_factory=set)  # that were presented
    fate: Iterator[KubeletFault | None] = field(default_factory=lambda: iter(()))


class Request(NamedTuple):
    """The parts of a request that a kubelet looks at."""

    method: str
    path: str
    headers: dict[str, str]


def read_request(head: bytes) -> Request | None:
    """Return a request's head, None when it is none."""
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        return None
    pairs = (line.partition(":") for line in lines)
    return Request(parts[0], parts[1].partition("?")[0], {k.strip().lower(): v.strip() for k, _, v in pairs})


def write_response(code: int, content_type: str, body: bytes, *, compress: bool) -> bytes:
    """Return a response as Go's server frames it: with its length when it is short, else chunked."""
    head = [f"HTTP/1.1 {code} {_REASONS.get(code, '')}", f"Content-Type: {content_type}"]
    if compress:
        body = gzip.compress(body, compresslevel=1)
        head.append("Content-Encoding: gzip")
    if len(body) <= _BUFFERED:
        head.append(f"Content-Length: {len(body)}")
        return _joined(head) + body
    return _joined([*head, "Transfer-Encoding: chunked"]) + chunked(body)


def chunked(body: bytes) -> bytes:
    """Return a body in the chunked coding, with its end."""
    parts = [body[at : at + _CHUNK] for at in range(0, len(body), _CHUNK)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + _LAST_CHUNK


_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
}


def _joined(head: list[str]) -> bytes:
    return "\r\n".join([*head, "", ""]).encode("latin-1")


class KubeletProtocol(asyncio.Protocol):
    """One connection.

    Args:
        find: returns the kubelet of a node by name, None when there is none.
        kubelet: whose address this is; a path that names another node reaches that one.
        check: authentication and authorization.
        now: the wall clock.
        open_connections: where this connection is kept while it is open.
    """

    def __init__(
        self,
        find: Callable[[str], Kubelet | None],
        kubelet: Kubelet | None,
        check: Check,
        now: Callable[[], float],
        open_connections: set[asyncio.Transport],
    ) -> None:
        self._find = find
        self._kubelet = kubelet
        self._check = check
        self._now = now
        self._open = open_connections
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._endless = False
        self._paused = False
        self._later: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        # uvloop's TLS transport is one in all but its class.
        self._transport = cast("asyncio.Transport", transport)
        self._open.add(self._transport)
        if self._kubelet is not None:
            self._kubelet.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, and what was still to be sent."""
        assert self._transport is not None
        self._open.discard(self._transport)
        self._endless = False
        if self._later is not None:
            self._later.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete; bodies are not expected."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end])
            del self._received[: end + 4]
            self._answer(read_request(head))
        if len(self._received) > _LONGEST_HEAD:
            self._close()

    def pause_writing(self) -> None:
        """Hold an endless body back until the peer has read some of it."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on with an endless body."""
        self._paused = False
        self._pour()

    # --- one request ----------------------------------------------------------------------------------------

    def _answer(self, request: Request | None) -> None:
        if request is None:
            self._send(write_response(400, _PLAIN, b"400 Bad Request", compress=False))
            self._close()
            return
        kubelet = self._addressed(request.path)
        if kubelet is None:
            self._send(write_response(404, _PLAIN, b"404 page not found\n", compress=False))
            return
        kubelet.requests += 1
        fault = next(kubelet.fate, kubelet.fault)
        if fault is None:
            self._send(self._response(kubelet, request))
        else:
            self._fail(kubelet, fault, request)

    def _addressed(self, path: str) -> Kubelet | None:
        if path == PATH:
            return self._kubelet
        named = _NODE_PATH.fullmatch(path)
        return self._find(named[1]) if named else None

    def _response(self, kubelet: Kubelet, request: Request) -> bytes:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        if token:
            kubelet.tokens.add(token)
        verdict = self._check(token, kubelet.node)
        if verdict.code != 200:
            return write_response(verdict.code, _PLAIN, verdict.body.encode(), compress=False)
        compress = "gzip" in request.headers.get("accept-encoding", "")
        return write_response(200, CONTENT_TYPE, kubelet.machine.body(self._now()), compress=compress)

    def _fail(self, kubelet: Kubelet, fault: KubeletFault, request: Request) -> None:
        match fault:
            case KubeletFault.NOTHING:
                self._close()
            case KubeletFault.SILENT:
                pass
            case KubeletFault.SLOW:
                loop = asyncio.get_running_loop()
                self._later = loop.call_later(kubelet.delay, self._send_later, kubelet, request)
            case KubeletFault.HALF_BODY:
                whole = self._response(kubelet, Request(request.method, request.path, request.headers))
                self._send(whole[: len(whole) * 2 // 3])
                self._close()
            case KubeletFault.ENDLESS:
                self._send(_joined(["HTTP/1.1 200 OK", f"Content-Type: {CONTENT_TYPE}", "Transfer-Encoding: chunked"]))
                self._endless = True
                self._pour()
            case _:
                self._send(_wrong_answer(fault, kubelet.node))

    def _send_later(self, kubelet: Kubelet, request: Request) -> None:
        self._send(self._response(kubelet, request))

    def _pour(self) -> None:
        """Send comment lines until the transport has enough."""
        line = chunked(b"# all is well, and there is more to come\n" * 512).removesuffix(_LAST_CHUNK)
        while self._endless and not self._paused:
            self._send(line)

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def forbidden(user: str) -> Verdict:
    """Return the refusal of a user without rights, as kubelets since 1.32 word it."""
    return Verdict(403, f"Forbidden (user={user}, verb=get, resource=nodes, subresource(s)=[metrics])\n")


UNAUTHORIZED = Verdict(401, "Unauthorized")


@functools.cache
def _bomb() -> bytes:
    """Return 64 MiB of spaces, as some 64 KiB of gzip without an end: nobody is to read that far."""
    press = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    mebibyte = press.compress(b" " * (1 << 20)) + press.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + mebibyte * 64


def _wrong_answer(fault: KubeletFault, node: str) -> bytes:
    if fault is KubeletFault.REDIRECT:
        return _joined(
            ["HTTP/1.1 302 Found", "Location: https://198.51.100.7:10250/metrics/resource", "Content-Length: 0"]
        )
    if fault is KubeletFault.BOMB:
        head = ["HTTP/1.1 200 OK", f"Content-Type: {CONTENT_TYPE}", "Content-Encoding: gzip"]
        return _joined([*head, f"Content-Length: {len(_bomb())}"]) + _bomb()
    match fault:
        case KubeletFault.UNAUTHORIZED:
            code, kind, body = 401, _PLAIN, UNAUTHORIZED.body.encode()
        case KubeletFault.FORBIDDEN:
            code, kind, body = (
                403,
                _PLAIN,
                forbidden("system:serviceaccount:kube-system:metrics-server").body.encode(),
            )
        case KubeletFault.HTML:
            code, kind, body = 200, "text/html; charset=utf-8", _HTML
        case KubeletFault.GARBAGE:
            code, kind, body = 200, CONTENT_TYPE, _GARBAGE
        case _:
            text = f"An error has occurred while serving metrics:\n\nno statistics of node {node}\n"
            code, kind, body = 500, _PLAIN, text.encode()
    return write_response(code, kind, body, compress=False)
