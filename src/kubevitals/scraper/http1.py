"""One HTTP/1.1 exchange as bytes: a GET out, a bounded response in. Pure.

A reader is fed what arrives and answers None until the response is complete, as RFC 9112 frames it. What it
holds is bounded: the head by 64 KiB, the body by a limit that counts decompressed bytes.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Final, NamedTuple, NoReturn

from kubevitals import deflate
from kubevitals.quoting import quote
from kubevitals.scraper.causes import failure

HEAD_LIMIT: Final = 64 * 1024
BODY_LIMIT: Final = 4 * 1024 * 1024
ACCEPT: Final = "text/plain;version=0.0.4,*/*;q=0.1"  # never OpenMetrics: its timestamps are another unit

_PREFIX: Final = b"HTTP/1."
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: .*)?\Z")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]++):(.*)\Z", re.DOTALL)
_LENGTH = re.compile(r"[0-9]{1,18}\Z")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\Z", re.DOTALL)
_CHUNK_LINE_LIMIT: Final = 4096
_INTERIM_LIMIT: Final = 8  # responses of the 1xx class before the one that counts
_CRLF: Final = b"\r\n"


class Answer(NamedTuple):
    """A complete response.

    Args:
        status: the HTTP status code.
        headers: by lower-case name; repeated lines are joined with commas.
        body: decompressed.
        reusable: whether the connection may carry another request.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    reusable: bool


def get_request(path: str, host: str, *, user_agent: str, authorization: str = "") -> bytes:
    """Return a GET request that keeps the connection and takes gzip.

    Args:
        path: percent-encoded.
        host: the Host header, as ``target.authority`` makes it.
        user_agent: name and version of this client.
        authorization: the whole header value, such as ``Bearer ...``; empty sends none.

    Raises:
        ScrapeError: cause ``credentials``, when the authorization cannot be a header.
    """
    if not (authorization.isascii() and authorization.isprintable()):
        raise failure("credentials", "the bearer token holds characters that no header may hold")
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        f"User-Agent: {user_agent}",
        f"Accept: {ACCEPT}",
        "Accept-Encoding: gzip",
    ]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


class ResponseReader:
    """Reads one response from pieces of any size."""

    def __init__(self, *, head_limit: int = HEAD_LIMIT, body_limit: int = BODY_LIMIT) -> None:
        self._buffer = bytearray()
        self._closed = False
        self._head_limit = head_limit
        self._body_limit = body_limit
        self.in_body = False
        self._parser = self._response()
        next(self._parser)

    def feed(self, data: bytes) -> Answer | None:
        """Take what arrived, ``b""`` when the peer closed; return the response once it is complete.

        Raises:
            ScrapeError: ``closed`` before the first byte, ``truncated``, ``not_http``, ``too_large``,
                ``encoding``.
        """
        self._buffer += data
        self._closed = not data
        try:
            self._parser.send(None)
        except StopIteration as done:
            answer: Answer = done.value
            return answer
        return None

    def _response(self) -> Generator[None, None, Answer]:
        yield
        for _ in range(_INTERIM_LIMIT):
            head = yield from self._until(b"\r\n\r\n", self._head_limit, "a head")
            version, status, headers = _parse_head(head)
            if status >= 200:
                break
        else:
            _not_http("only interim responses")
        self.in_body = True
        body = _Body(headers, self._body_limit)
        framed = yield from self._body(status, headers, body)
        kept = version == 1 and "close" not in headers.get("connection", "").lower()
        reusable = framed and kept and not self._buffer
        return Answer(status, headers, body.finish(), reusable)

    def _body(self, status: int, headers: dict[str, str], body: _Body) -> Generator[None, None, bool]:
        """Read the body; return whether the response said where it ends."""
        if status in (204, 304):
            return True
        if coding := headers.get("transfer-encoding"):
            if coding.lower() != "chunked":
                _not_http(f"transfer coding {quote(coding)}")
            yield from self._chunks(body)
            return True
        if (length := headers.get("content-length")) is not None:
            if not _LENGTH.match(length):
                _not_http(f"Content-Length {quote(length)}")
            yield from self._pour(int(length), body)
            return True
        while not self._closed:
            self._drain(body)
            yield
        return False

    def _chunks(self, body: _Body) -> Generator[None, None, None]:
        while True:
            line = yield from self._until(_CRLF, _CHUNK_LINE_LIMIT, "a chunk size")
            size = _CHUNK_SIZE.match(line)
            if size is None:
                _not_http(f"chunk size {_excerpt(line)}")
            count = int(size[1], 16)
            if count == 0:
                break
            yield from self._pour(count, body)
            yield from self._until(_CRLF, 0, "after a chunk, something")
        room = self._head_limit
        while line := (yield from self._until(_CRLF, max(0, room), "trailers")):
            room -= len(line) + len(_CRLF)

    def _pour(self, count: int, body: _Body) -> Generator[None, None, None]:
        body.expect(count)
        while count:
            if not self._buffer:
                yield from self._more()
            piece = bytes(self._buffer[:count])
            del self._buffer[:count]
            body.add(piece)
            count -= len(piece)

    def _drain(self, body: _Body) -> None:
        body.add(bytes(self._buffer))
        self._buffer.clear()

    def _until(self, end: bytes, limit: int, what: str) -> Generator[None, None, bytes]:
        """Return what precedes ``end``, and remove both; what precedes may be ``limit`` bytes long."""
        searched = 0
        while (at := self._buffer.find(end, searched, limit + len(end))) < 0:
            if len(self._buffer) >= limit + len(end):
                _not_http(f"{what} of more than {limit} bytes: {_excerpt(self._buffer)}")
            if not self.in_body and not _PREFIX.startswith(self._buffer[: len(_PREFIX)]):
                _not_http(_excerpt(self._buffer))
            searched = max(0, len(self._buffer) - len(end) + 1)
            yield from self._more()
        found = bytes(self._buffer[:at])
        del self._buffer[: at + len(end)]
        return found

    def _more(self) -> Generator[None, None, None]:
        if self._closed:
            if not self.in_body and not self._buffer:
                raise failure("closed", "the connection was closed instead of a response")
            raise failure("truncated", f"the connection was closed within the {self.part}")
        yield

    @property
    def part(self) -> str:
        """What is being read: ``headers`` or ``body``."""
        return "body" if self.in_body else "headers"


class _Body:
    """Collects a body, decompressing as it comes; never holds more than ``limit`` bytes of either form."""

    def __init__(self, headers: dict[str, str], limit: int) -> None:
        coding = headers.get("content-encoding", "").lower()
        if coding not in ("", "identity", "gzip", "x-gzip"):
            raise failure("encoding", f"content coding {quote(coding)} was not asked for")
        self._inflater = deflate.decompressor() if "gzip" in coding else None
        self._data = bytearray()
        self._received = 0
        self._limit = limit

    def expect(self, count: int) -> None:
        """Refuse an announced length that cannot fit, before reading it."""
        if self._received + count > self._limit:
            self._too_large()

    def add(self, piece: bytes) -> None:
        self.expect(len(piece))
        self._received += len(piece)
        self._data += self._inflate(piece) if self._inflater else piece
        if len(self._data) > self._limit:
            self._too_large()

    def _inflate(self, piece: bytes) -> bytes:
        assert self._inflater is not None
        try:
            data = self._inflater.decompress(piece, self._limit - len(self._data) + 1)
        except deflate.Damaged as error:
            raise failure("encoding", f"the gzip body is damaged: {error}") from error
        if self._inflater.unused_data:
            raise failure("encoding", "something follows the gzip body")
        return data

    def _too_large(self) -> NoReturn:
        raise failure("too_large", f"the body is larger than {self._limit} bytes")

    def finish(self) -> bytes:
        if self._inflater is not None and self._received and not self._inflater.eof:
            raise failure("truncated", "the gzip body ends early")
        return bytes(self._data)


def _parse_head(head: bytes) -> tuple[int, int, dict[str, str]]:
    first, *lines = head.split(_CRLF)
    status = _STATUS_LINE.match(first)
    if status is None:
        _not_http(_excerpt(first))
    headers: dict[str, str] = {}
    for line in lines:
        header = _HEADER.match(line)
        if header is None:
            _not_http(f"header {_excerpt(line)}")
        name, value = header[1].decode("ascii").lower(), header[2].strip(b" \t").decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return int(status[1]), int(status[2]), headers


def _excerpt(data: bytes | bytearray) -> str:
    return quote(bytes(data[:60]).decode(errors="surrogateescape"))


def _not_http(seen: str) -> NoReturn:
    raise failure("not_http", f"the response is not HTTP/1: {seen}")
