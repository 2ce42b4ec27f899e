"""Kubelets: HTTPS on loopback, one address per node or one for many, with everything a scraper meets there.

A protocol by hand rather than a web framework: a thousand of them share a process with the server they test.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from kubevitals.model import User
from kubevitals.simulator import kubeletconfig
from kubevitals.simulator.faults import KubeletFault
from kubevitals.simulator.framing import LAST_CHUNK, PLAIN, Request, chunked, joined, read_request, write_response
from kubevitals.simulator.identity import ANONYMOUS, certificate_user
from kubevitals.simulator.machine import Machine
from kubevitals.simulator.payload import CONTENT_TYPE
from kubevitals.simulator.verdicts import Check, Question, Verdict, wrong_answer

PATH = "/metrics/resource"
_LONGEST_HEAD = 16 * 1024
_NODE_PATH = re.compile(rf"/metrics/nodes/([^/]+){PATH}")
_SUBRESOURCES = {kubeletconfig.PATH: ("configz", "proxy")}  # of other paths: metrics


@dataclass(slots=True)
class Kubelet:
    """One node's kubelet, as tests steer it.

    ``requests`` counts the requests that were understood. ``fate`` says for each request what goes wrong with it; when
    it ends, ``fault`` says so for all. ``config`` is what differs from a usual configuration, by path such as
    ``authentication.webhook.enabled``: /configz shows it, and the kubelet lets in whom it says.
    """

    node: str
    machine: Machine
    fault: KubeletFault | None = None
    delay: float = 1.0  # seconds of KubeletFault.SLOW
    requests: int = 0
    connections: int = 0
    tokens: set[str] = field(default_factory=set)  # that were presented
    fate: Iterator[KubeletFault | None] = field(default_factory=lambda: iter(()))
    config: dict[str, Any] = field(default_factory=dict)


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
        self._user: User | None = None  # of the client certificate
        self._received = bytearray()
        self._endless = False
        self._paused = False
        self._later: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        # uvloop's TLS transport is one in all but its class.
        self._transport = cast("asyncio.Transport", transport)
        self._open.add(self._transport)
        self._user = _certificate(self._transport)
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
            self._send(write_response(400, PLAIN, b"400 Bad Request", compress=False))
            self._close()
            return
        kubelet = self._addressed(request.path)
        if kubelet is None:
            self._send(write_response(404, PLAIN, b"404 page not found\n", compress=False))
            return
        kubelet.requests += 1
        fault = next(kubelet.fate, kubelet.fault)
        if fault is None:
            self._send(self._response(kubelet, request))
        else:
            self._fail(kubelet, fault, request)

    def _addressed(self, path: str) -> Kubelet | None:
        if path in (PATH, kubeletconfig.PATH):
            return self._kubelet
        named = _NODE_PATH.fullmatch(path)
        return self._find(named[1]) if named else None

    def _response(self, kubelet: Kubelet, request: Request) -> bytes:
        verdict = self._verdict(kubelet, request)
        if verdict.code != 200:
            return write_response(verdict.code, PLAIN, verdict.body.encode(), compress=False)
        if request.path == kubeletconfig.PATH:
            body = kubeletconfig.body(kubelet.config, self._port())
            return write_response(200, "application/json", body, compress=False)
        compress = "gzip" in request.headers.get("accept-encoding", "")
        return write_response(200, CONTENT_TYPE, kubelet.machine.body(self._now()), compress=compress)

    def _verdict(self, kubelet: Kubelet, request: Request) -> Verdict:
        """Judge by certificate, else by token, else as anonymous, as far as the configuration has it."""
        token, user = request.token, self._user
        if token:
            kubelet.tokens.add(token)
        if not kubeletconfig.setting(kubelet.config, kubeletconfig.WEBHOOK):
            token = ""
        if user is None and not token and kubeletconfig.setting(kubelet.config, kubeletconfig.ANONYMOUS):
            user = ANONYMOUS
        subresources = _SUBRESOURCES.get(request.path, ("metrics",))
        verdict = self._check(Question(kubelet.node, token, user, subresources))
        lenient = kubeletconfig.setting(kubelet.config, kubeletconfig.AUTHORIZATION) == "AlwaysAllow"
        return Verdict(200) if lenient and verdict.code == 403 else verdict

    def _port(self) -> int:
        assert self._transport is not None
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

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
                self._send(joined(["HTTP/1.1 200 OK", f"Content-Type: {CONTENT_TYPE}", "Transfer-Encoding: chunked"]))
                self._endless = True
                self._pour()
            case _:
                self._send(wrong_answer(fault, kubelet.node))

    def _send_later(self, kubelet: Kubelet, request: Request) -> None:
        self._send(self._response(kubelet, request))

    def _pour(self) -> None:
        """Send comment lines until the transport has enough."""
        line = chunked(b"# all is well, and there is more to come\n" * 512).removesuffix(LAST_CHUNK)
        while self._endless and not self._paused:
            self._send(line)

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _certificate(transport: asyncio.Transport) -> User | None:
    """Return the user of the client certificate, which the handshake has verified."""
    connection = transport.get_extra_info("ssl_object")
    der = connection.getpeercert(True) if connection is not None else None
    return certificate_user(connection.getpeercert(), der) if der else None
