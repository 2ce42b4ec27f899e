"""gzip of large answers, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from kubevitals import deflate
from kubevitals.api.message import Request, Response

THRESHOLD = 128 * 1024
_OTHERS = (("/metrics", 0), ("/openapi/", 1400))  # as upstream's handlers of these paths
_HEADERS = [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]


async def compressed(request: Request, answer: Response) -> Response:
    """Return the answer, compressed where the caller takes gzip and the body is large enough to be worth it."""
    small = answer.rest is None and answer.size <= _worthwhile(request.path)
    if small or answer.has_header("Content-Encoding") or not _accepts_gzip(request):
        return answer
    compressor = deflate.compressor()
    answer.headers.extend(_HEADERS)
    if answer.rest is None:
        answer.chunks = [await asyncio.to_thread(_all_of, compressor, answer.chunks)]
    else:
        answer.chunks, answer.rest = [], _pieces(compressor, answer.chunks, answer.rest)
    return answer


def _worthwhile(path: str) -> int:
    """Return the size in bytes above which an answer to a path is compressed."""
    return next((size for start, size in _OTHERS if path.startswith(start)), THRESHOLD)


def _accepts_gzip(request: Request) -> bool:
    """Tell whether gzip is asked for by its bare name; a clause with a quality does not count, as upstream."""
    clauses = (clause.strip() for line in request.headers.all("Accept-Encoding") for clause in line.split(","))
    return any(clause == "gzip" for clause in clauses)


def _all_of(compressor: deflate.Compressor, chunks: list[bytes]) -> bytes:
    return b"".join([*map(compressor.compress, chunks), compressor.flush()])


async def _pieces(
    compressor: deflate.Compressor, chunks: list[bytes], rest: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield await asyncio.to_thread(compressor.compress, b"".join(chunks))
        async for chunk in rest:
            yield await asyncio.to_thread(compressor.compress, chunk) if chunk else b""
    yield compressor.flush()
