"""Real TLS over loopback: a listener that tells what it saw, and callers of every kind."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile

import pytest

from kubevitals.tls import ServerTls, ServingCertificate, parse_key_pair, peer_chain


class Fixed(ServingCertificate):
    """A serving certificate that changes when the test says so."""

    def __init__(self, issued):
        self.issued = self._shown = issued

    @property
    def pair(self):
        return parse_key_pair(self._shown.pem, self._shown.key_pem)

    def reload(self):
        changed = self._shown is not self.issued
        self._shown = self.issued
        return changed


class Listener:
    """Answers every connection with one byte, and keeps what each of them presented."""

    def __init__(self, context):
        self._context = context
        self.chains = []
        self.resumed = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        connection = writer.get_extra_info("ssl_object")
        self.chains.append(peer_chain(connection))
        self.resumed.append(connection.session_reused)
        writer.write(b"x")
        with contextlib.suppress(OSError):
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    async def call(self, context, name="localhost"):
        """Return the certificate that was shown; None when the connection was cut off."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context, server_hostname=name)
        except (ssl.SSLError, OSError):
            return None
        shown = writer.get_extra_info("ssl_object").getpeercert(True)
        try:
            answer = await reader.read(1)
        except OSError:
            answer = b""
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return shown if answer else None


def caller_context(issued=None, version=None):
    """A caller that trusts anybody, and presents a certificate if it has one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if issued is not None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(issued.chain_pem + issued.key_pem)
            file.flush()
            context.load_cert_chain(file.name)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


class Door:
    """A ServerTls, its certificate, and the failures it reported."""

    def __init__(self, issued, **options):
        self.failures = []
        self.certificate = Fixed(issued)
        self.tls = ServerTls(self.certificate, on_failure=self.failures.append, **options)

    def listen(self):
        return Listener(self.tls.context)


@pytest.fixture(scope="session")
def serving_ca(pki):
    return pki.Authority("serving")


@pytest.fixture(scope="session")
def door(serving_ca):
    """Make a ServerTls with a certificate for localhost."""
    return lambda **options: Door(serving_ca.serving("localhost"), **options)


@pytest.fixture(scope="session")
def caller():
    return caller_context


@pytest.fixture(scope="session")
def fixed():
    return Fixed
