"""Requests that the API server makes itself, to kubelets and to the servers behind Services, and their answers."""

from __future__ import annotations

import contextlib
import errno
import ssl
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from kubevitals.simulator.backend import response_headers

CONNECT_TIMEOUT = 5.0  # seconds
FAILURES = (aiohttp.ClientError, TimeoutError, OSError)
_NO_DEFAULTS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_WORDS = {
    errno.ECONNREFUSED: "connect: connection refused",
    errno.EHOSTUNREACH: "connect: no route to host",
    errno.ENETUNREACH: "connect: network is unreachable",
    errno.ETIMEDOUT: "i/o timeout",
}

_ALERTS = {
    "TLSV1_ALERT_INTERNAL_ERROR": "internal error",
    "TLSV1_ALERT_UNKNOWN_CA": "unknown certificate authority",
    "SSLV3_ALERT_BAD_CERTIFICATE": "bad certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "expired certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "unknown certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "unsupported certificate",
}


@contextlib.asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Hold connections that add no header and undo no compression."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=timeout,
        auto_decompress=False,
        skip_auto_headers=_NO_DEFAULTS,
    ) as made:
        yield made


def address(host: str, port: int) -> str:
    """Return host and port as URLs and messages have them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reason(error: BaseException, host: str, port: int) -> str:
    """Return why a request failed, in the words of Go's HTTP client, which clients of an API server look for."""
    dial = f"dial tcp {address(host, port)}"
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"tls: failed to verify certificate: {error}"
        case aiohttp.ClientConnectorError(os_error=ssl.SSLError() as failure):
            return f"remote error: tls: {_ALERTS.get(failure.reason or '', str(failure))}"
        case aiohttp.ClientConnectorError(os_error=ConnectionResetError()):
            return f"read tcp {address(host, port)}: read: connection reset by peer"
        case aiohttp.ClientConnectorError(os_error=os_error):
            return f"{dial}: {_WORDS.get(os_error.errno or 0, str(os_error))}"
        case aiohttp.ServerTimeoutError():
            return f"{dial}: i/o timeout"
        case aiohttp.ServerDisconnectedError():
            return "EOF"
        case TimeoutError():
            return "context deadline exceeded"
        case _:
            return str(error) or type(error).__name__


async def hand_back(request: web.BaseRequest, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
    """Send an answer on as it comes: status, headers, and the body piece by piece."""
    response.set_status(answer.status, answer.reason)
    for name, value in response_headers(answer.headers.items()):
        response.headers.add(name, value)
    await response.prepare(request)
    if request.method != "HEAD":
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
    await response.write_eof()


def cut_off(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """End an answer that was begun and cannot be completed, so that nobody takes it for whole."""
    response.force_close()
    if request.transport is not None:
        request.transport.abort()
    return response
