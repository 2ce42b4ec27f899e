"""A small client for tests: JSON over one kept TLS connection per thread, perhaps with a certificate."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import weakref
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

MERGE_PATCH = "application/merge-patch+json"


class Answer(NamedTuple):
    """Status code, decoded body (text when it is no JSON), and the headers in lower case."""

    code: int
    body: Any
    headers: Mapping[str, str]


class RefusedError(OSError):
    """An answer outside 200–299."""

    def __init__(self, method: str, path: str, answer: Answer) -> None:
        super().__init__(f"{method} {path}: {answer.code} {answer.body}")
        self.code = answer.code
        self.body = answer.body


class KubeApi:
    """Speaks to one HTTPS server on loopback.

    Args:
        port: where it listens, on 127.0.0.1.
        certificate: client certificate and key in one PEM file; None calls anonymously.
        authority: CA file to verify the server with; None accepts any certificate.
        headers: sent with every request, in this order; a name may occur more than once.
    """

    def __init__(
        self,
        port: int,
        *,
        certificate: Path | None = None,
        authority: Path | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.port = port
        self._headers = tuple(headers)
        self._context = _context(certificate, authority)
        self._local = threading.local()
        self._opened: list[http.client.HTTPSConnection] = []
        weakref.finalize(self, _close_all, self._opened)

    def request(self, method: str, path: str, body: object = None, *, content_type: str = "application/json") -> Answer:
        """One request; a kept connection that the server has closed is opened anew, once."""
        payload = b"" if body is None else json.dumps(body).encode()
        kept = getattr(self._local, "connection", None)
        if kept is not None:
            try:
                return self._exchange(kept, method, path, payload, content_type)
            except (http.client.HTTPException, OSError):
                self.close()
        fresh = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self._context)
        self._local.connection = fresh
        self._opened.append(fresh)
        try:
            return self._exchange(fresh, method, path, payload, content_type)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise ConnectionError(f"{method} {path}: {error}") from error

    def get(self, path: str) -> Any:
        """The body of a GET, raising RefusedError."""
        return self._accepted("GET", path, None)

    def post(self, path: str, body: object) -> Any:
        """Create something, raising RefusedError."""
        return self._accepted("POST", path, body)

    def put(self, path: str, body: object) -> Any:
        """Replace something, raising RefusedError."""
        return self._accepted("PUT", path, body)

    def patch(self, path: str, body: object) -> Any:
        """Merge into something, raising RefusedError."""
        return self._accepted("PATCH", path, body, content_type=MERGE_PATCH)

    def delete(self, path: str) -> Any:
        """Delete at once, raising RefusedError."""
        return self._accepted("DELETE", path, {"gracePeriodSeconds": 0})

    def create_all(self, bodies: Iterable[tuple[str, object]], *, workers: int = 8) -> None:
        """Post many (path, object) pairs side by side."""
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(lambda pair: self.post(*pair), bodies):
                pass

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _accepted(self, method: str, path: str, body: object, content_type: str = "application/json") -> Any:
        answer = self.request(method, path, body, content_type=content_type)
        if not 200 <= answer.code < 300:
            raise RefusedError(method, path, answer)
        return answer.body

    def _exchange(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        payload: bytes,
        content_type: str,
    ) -> Answer:
        connection.putrequest(method, path)
        connection.putheader("Accept", "application/json")
        connection.putheader("Content-Type", content_type)
        connection.putheader("Content-Length", str(len(payload)))
        for name, value in self._headers:
            connection.putheader(name, value)
        connection.endheaders(payload)
        response = connection.getresponse()
        text = response.read().decode()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, _decoded(text), headers)


def _close_all(connections: Iterable[http.client.HTTPSConnection]) -> None:
    for connection in connections:
        connection.close()


def _context(certificate: Path | None, authority: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if authority is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(certificate)
    return context


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
