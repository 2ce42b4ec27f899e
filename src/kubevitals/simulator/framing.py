"""HTTP/1.1 as a kubelet reads and writes it, Go's server's habits included. Pure."""

from __future__ import annotations

import gzip
from typing import NamedTuple

PLAIN = "text/plain; charset=utf-8"
_BUFFERED = 2048  # bytes up to which an answer carries its length; a larger one is chunked
_CHUNK = 32 * 1024
LAST_CHUNK = b"0\r\n\r\n"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
}


class Request(NamedTuple):
    """The parts of a request that a kubelet looks at."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def token(self) -> str:
        """The bearer token, empty when there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


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
        return joined(head) + body
    return joined([*head, "Transfer-Encoding: chunked"]) + chunked(body)


def chunked(body: bytes) -> bytes:
    """Return a body in the chunked coding, with its end."""
    parts = [body[at : at + _CHUNK] for at in range(0, len(body), _CHUNK)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + LAST_CHUNK


def joined(head: list[str]) -> bytes:
    """Return the lines of a response's head with its end."""
    return "\r\n".join([*head, "", ""]).encode("latin-1")
