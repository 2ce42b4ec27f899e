"""Kubelets on loopback: as small as can be, and as rude as a test wants them."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import ssl

import pytest
import trustme

from kubevitals.scraper.client import KubeletClient
from kubevitals.scraper.target import Target
from kubevitals.tls.client import client_context

BODY = b"node_cpu_usage_seconds_total 1.5 1789999998000\nnode_memory_working_set_bytes 4096 1789999998000\n"
NOW = 1_790_000_000.5


def ok(body=BODY, *, status="200 OK", headers=(), compress=False, chunked=False):
    """Return a response as a kubelet writes it."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/plain; version=0.0.4", *headers]
    if compress:
        body = gzip.compress(body)
        lines.append("Content-Encoding: gzip")
    if chunked:
        half = len(body) // 2
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
        body += b"0\r\n\r\n"
        lines.append("Transfer-Encoding: chunked")
    else:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Kubelet:
    """A loopback server; ``respond(head, writer)`` writes what it likes, and may close or do nothing.

    ``heads`` are the requests so far, ``connections`` how many were accepted.
    """

    BODY = BODY
    NOW = NOW
    ok = staticmethod(ok)

    def __init__(self, respond=None, *, tls=None, host="127.0.0.1"):
        self.respond = respond or (lambda head, writer: writer.write(ok()))
        self.heads = []
        self.connections = 0
        self.asked = asyncio.Event()
        self._host = host
        self._tls = tls
        self._writers = set()
        self._tasks = set()

    async def __aenter__(self):
        # An idle client answers no goodbye; the server must not wait for one.
        goodbye = {"ssl_shutdown_timeout": 0.01} if self._tls else {}
        self._server = await asyncio.start_server(self._serve, self._host, 0, ssl=self._tls, **goodbye)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def hang_up(self, *, politely):
        """Close every connection, as a kubelet does with idle ones, and wait until that has happened."""
        for writer in self._writers:
            writer.close() if politely else writer.transport.abort()
        await asyncio.gather(*self._tasks)

    async def _serve(self, reader, writer):
        self.connections += 1
        self._writers.add(writer)
        self._tasks.add(asyncio.current_task())
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head.decode())
                self.respond(self.heads[-1], writer)
                self.asked.set()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    def target(self, node="node-a", *, scheme=None, addresses=None):
        """Return where this kubelet is scraped."""
        scheme = scheme or ("https" if self._tls else "http")
        return Target(node, addresses or (self._host,), self.port, scheme=scheme)


@pytest.fixture(scope="session")
def kubelets():
    """The class of kubelets on loopback; an instance serves within ``async with``."""
    return Kubelet


@pytest.fixture(scope="session")
def authority():
    """The CA that kubelets' certificates are trusted from."""
    return trustme.CA()


@pytest.fixture(scope="session")
def trust(authority):
    """A client context that trusts it."""
    return client_context(authority.cert_pem.bytes())


@pytest.fixture(scope="session")
def serve_tls(authority):
    """Return a server context for these names, signed by the CA or by another one."""

    def make(*names, by=authority, **validity):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        by.issue_cert(*(names or ("127.0.0.1", "::1", "localhost")), **validity).configure_cert(context)
        return context

    return make


@pytest.fixture(scope="session")
def tls(serve_tls):
    """A server context with a certificate for loopback addresses."""
    return serve_tls()


@pytest.fixture
def client_of(trust):
    """Return a client; settings replace the usual ones."""

    def make(**settings):
        usual = {"context": lambda: trust, "now": lambda: NOW, "timeout": 5.0}
        return KubeletClient(**(usual | settings))

    return make


def descriptors():
    """Return the open file descriptors of this process and what they are."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
    return {number: what for number, what in found.items() if what.startswith("socket:")}


@pytest.fixture
def open_sockets():
    """Return a function that tells which sockets this process has open."""
    return descriptors
