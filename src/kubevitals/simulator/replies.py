"""Answers of the simulated API server, and how they are sent."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from kubevitals.simulator.kinds import Object
from kubevitals.simulator.status import Refused

_COMPRESSED_FROM = 128 * 1024  # bytes; the API server leaves smaller answers alone


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    body: bytes
    code: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Object, code: int = 200, content_type: str = "application/json") -> Reply:
        """Return a JSON document as an answer."""
        return cls(msgspec.json.encode(document) + b"\n", code, content_type)


def error_reply(refused: Refused) -> Reply:
    """Return the Status of a refusal as an answer."""
    return Reply.of(refused.status, refused.code)


async def send(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """Send an answer; a large one compressed, if the client takes it."""
    headers = {"Content-Type": reply.content_type, "Cache-Control": "no-cache, private", **reply.headers}
    body = reply.body
    if len(body) >= _COMPRESSED_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, compresslevel=1)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, status=reply.code, headers=headers)
