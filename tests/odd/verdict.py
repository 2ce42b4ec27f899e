"""Whether what came back for an odd request is acceptable. Pure.

Acceptable is a well-formed answer that says no more than the caller may know, or to be hung up on where there was no
HTTP/1. A code of 500 and above is acceptable where upstream answers with it on purpose, and nowhere else.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import yaml
from tests.odd.answers import BadAnswer, Reply, replies
from tests.odd.grammar import Odd
from tests.odd.words import TOKEN

PROBE_ID = b"probe"
PROBE = b"\r\n".join(
    [b"GET /livez HTTP/1.1", b"Host: x", b"Connection: close", b"X-Remote-User: x", b"Audit-ID: " + PROBE_ID, b"", b""]
)
"""A request that anybody may make, sent where a connection goes on; its answer can be told from every other."""

_HEADERS = {
    "server", "date", "content-type", "content-length", "content-encoding", "connection", "audit-id", "cache-control",
    "vary", "etag", "warning", "retry-after", "transfer-encoding", "x-content-type-options", "process-start-time-unix",
}  # fmt: skip
_ONCE = ("server", "date", "content-type", "content-length", "connection", "audit-id", "content-encoding", "etag")
_CODES = (200, 304, 400, 401, 403, 404, 405, 406, 422, 431)
_BY_THE_CONNECTION = (400, 431)  # said before a request gets as far as the filters


class Exchange(NamedTuple):
    """What happened on a connection.

    Attributes:
        received: everything that came.
        ended: the server ended the connection.
        late: what was to come did not come in time.
        probed: the probe was sent behind the odd request.
        held: the server did not let go of the connection when the caller did.
    """

    received: bytes
    ended: bool = False
    late: bool = False
    probed: bool = False
    held: bool = False


def complete(odd: Odd, received: bytes) -> bool:
    """Tell whether nothing more is to come."""
    try:
        found = [reply for reply in replies(received, heads="HEAD" in odd.methods) if reply.whole and reply.code >= 200]
    except BadAnswer:
        return True
    return bool(found) and (found[-1].last or (bool(odd.methods) and len(found) >= len(odd.methods)))


def goes_on(odd: Odd, received: bytes) -> bool:
    """Tell whether the connection can be used again, by what the server said last."""
    try:
        found = list(replies(received, heads="HEAD" in odd.methods))
    except BadAnswer:
        return False
    return bool(found) and found[-1].whole and not found[-1].last


def answered_probe(received: bytes) -> bool:
    """Tell whether the answer to the probe has come."""
    _, id_line, rest = received.rpartition(b"Audit-Id: " + PROBE_ID + b"\r\n")
    return bool(id_line) and rest.partition(b"\r\n\r\n")[2] == b"ok"


def problems(odd: Odd, exchange: Exchange) -> list[str]:
    """Return what is wrong with an exchange; nothing is wrong with most."""
    if exchange.held:
        return ["the server did not let go of the connection"]
    if odd.layer != "http" or odd.leaves:
        return []
    try:
        found = list(replies(exchange.received, heads="HEAD" in odd.methods))
    except BadAnswer as error:
        return [str(error)]
    final = [reply for reply in found if reply.code >= 200]
    own = [reply for reply in final if reply.header("audit-id") != PROBE_ID]
    faults = [fault for reply in found for fault in _faults(odd, reply)]
    return [*faults, *_faults_of_the_whole(odd, exchange, final, own)]


def _faults_of_the_whole(odd: Odd, exchange: Exchange, final: list[Reply], own: list[Reply]) -> Iterator[str]:
    if exchange.late and not odd.waits:
        yield "nothing came in time"
    if not own and exchange.ended and not odd.silent:
        yield "hung up without an answer"
    if exchange.ended and not all(reply.whole or reply.endless for reply in final):
        yield "the answer ends in its middle"
    if len(own) > len(odd.methods) and not odd.loose:
        yield f"{len(own)} answers to {len(odd.methods)} requests"
    if any(reply.last for reply in final[:-1]):
        yield "an answer behind the last"
    if exchange.probed and len(final) == len(own) and odd.framed and not own[-1].last:
        yield "the connection did not go on, and nothing said that it would not"
    if len(final) > len(own) and (final[-1].header("audit-id"), final[-1].body) != (PROBE_ID, b"ok"):
        yield "what came behind was not answered as ever"


# --- one answer -------------------------------------------------------------------------------------------------


def _faults(odd: Odd, reply: Reply) -> Iterator[str]:
    if reply.code == 100:
        return
    if reply.code not in _CODES and not _meant(odd, reply):
        yield f"code {reply.code}: {reply.body[:300]!r}"
    if surplus := {name for name, _ in reply.lines} - _HEADERS:
        yield f"unknown headers {surplus}"
    if repeated := [name for name in _ONCE if len(reply.all(name)) > 1]:
        yield f"repeated headers {repeated}"
    if reply.header("server") != b"kubevitals":
        yield f"named itself {reply.header('server')!r}"
    if not reply.header("audit-id") and reply.code not in _BY_THE_CONNECTION:
        yield "no audit id"
    if reply.whole and reply.body:
        yield from _faults_of_body(reply)
    if reply.code == 200:
        yield from _secrets(odd, reply)


def _meant(odd: Odd, reply: Reply) -> bool:
    """Tell whether upstream answers with this code on purpose."""
    if reply.code == 500 and reply.body:
        said = b"unable to determine kind and namespace from url" in reply.body or not reply.whole
        return said and reply.body.startswith(b"Internal Server Error: ")
    if reply.code == 500:
        return "HEAD" in odd.methods and any(word in unquote_to_bytes(odd.sent) for word in (b"/watch", b"/proxy"))
    allotted = b"Timeout: request did not complete within the allotted timeout"
    return reply.code == 504 and allotted in reply.body and b"timeout" in odd.sent


def _faults_of_body(reply: Reply) -> Iterator[str]:
    media = reply.header("content-type")
    try:
        body = gzip.decompress(reply.body) if reply.header("content-encoding") == b"gzip" else reply.body
        if media.startswith(b"application/json"):
            yield from _faults_of_document(reply, json.loads(body))
        elif media.startswith(b"application/yaml"):
            yield from _faults_of_document(reply, yaml.load(body, yaml.CSafeLoader))
        elif media.startswith(b"text/plain"):
            body.decode()
        elif media == b"application/vnd.kubernetes.protobuf":
            if not body.startswith(b"k8s\0"):
                yield f"no protobuf: {body[:100]!r}"
        elif b"openapi" not in media:
            yield f"unknown type {media!r}"
    except (ValueError, OSError, yaml.YAMLError) as error:
        yield f"unreadable as {media!r}: {error}: {reply.body[:300]!r}"


def _faults_of_document(reply: Reply, document: object) -> Iterator[str]:
    if not isinstance(document, dict):
        yield f"no object: {document!r}"
    elif document.get("kind") == "Status":
        if (document.get("code"), document.get("status")) != (reply.code, "Failure"):
            yield f"code {reply.code} says {document!r}"
    elif reply.code != 200 and "paths" not in document:
        yield f"code {reply.code} says {document!r}"


def _secrets(odd: Odd, reply: Reply) -> Iterator[str]:
    """Name what somebody was told who may not know it."""
    if odd.caller == "nobody" and TOKEN not in odd.sent and any(
        word in reply.body for word in (b"usage", b"apiVersion", b"paths", b"k8s\0", b"# HELP")
    ):  # fmt: skip
        yield f"told nobody {reply.body[:300]!r}"
    if odd.caller != "proxy" and reply.body.startswith(b"# HELP"):
        yield "told somebody the metrics of the server"
