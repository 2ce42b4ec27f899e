"""gzip of large answers, off the event loop."""

from __future__ import annotations

import asyncio
import zlib

from kubevitals.api.message import Request, Response

_THRESHOLD = 128 * 1024
_LEVEL = 1  # as upstream: six times smaller for a fifth of the time of the default level
_GZIP = 16 + zlib.MAX_WBITS


async def compressed(request: Request, answer: Response, threshold: int = _THRESHOLD) -> Response:
    """Return the answer, compressed where the caller takes gzip and the body is above 128 KiB."""
    if any(name.lower() == "content-encoding" for name, _ in answer.headers):
        return answer
    if sum(map(len, answer.chunks)) <= threshold or not _accepts_gzip(request):
        return answer
    # zlib releases the interpreter while it works, so a thread keeps other requests going meanwhile.
    chunks = await asyncio.to_thread(_gzip, answer.chunks)
    headers = [*answer.headers, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
    return Response(answer.status, chunks, answer.content_type, headers)


def _accepts_gzip(request: Request) -> bool:
    """Tell whether gzip is asked for by its bare name; a clause with a quality does not count, as upstream."""
    clauses = (clause.strip() for line in request.headers.all("Accept-Encoding") for clause in line.split(","))
    return any(clause == "gzip" for clause in clauses)


def _gzip(chunks: list[bytes]) -> list[bytes]:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    parts = [part for chunk in chunks if (part := compressor.compress(chunk))]
    return [*parts, compressor.flush()]
