"""Who may ask a kubelet for what, and the answers that kubelets give wrongly. Pure."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kubevitals.model import User
from kubevitals.simulator.faults import KubeletFault
from kubevitals.simulator.framing import PLAIN, joined, write_response
from kubevitals.simulator.payload import CONTENT_TYPE

_GARBAGE = bytes(range(256)) * 64
_HTML = b"<!doctype html><html><body><h1>It works!</h1></body></html>\n"


class Verdict(NamedTuple):
    """What authentication and authorization say; ``code`` 200 lets a request pass."""

    code: int
    body: str = ""


class Question(NamedTuple):
    """A request as a kubelet's webhooks are asked about it.

    ``user`` is the one of a client certificate, or the anonymous one; without it the token decides. To be allowed
    any one of the subresources of ``nodes`` is enough.
    """

    node: str
    token: str = ""
    user: User | None = None
    subresources: Sequence[str] = ("metrics",)


Check = Callable[[Question], Verdict]


def forbidden(user: str, subresources: Sequence[str] = ("metrics",)) -> Verdict:
    """Return the refusal of a user without rights, as kubelets since 1.32 word it."""
    asked = f"verb=get, resource=nodes, subresource(s)=[{' '.join(subresources)}]"
    return Verdict(403, f"Forbidden (user={user}, {asked})\n")


UNAUTHORIZED = Verdict(401, "Unauthorized")


@functools.cache
def _bomb() -> bytes:
    """Return 64 MiB of spaces, as some 64 KiB of gzip without an end: nobody is to read that far."""
    press = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    mebibyte = press.compress(b" " * (1 << 20)) + press.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + mebibyte * 64


def wrong_answer(fault: KubeletFault, node: str) -> bytes:
    """Return the whole answer of a kubelet with one of the faults that are answers."""
    if fault is KubeletFault.REDIRECT:
        return joined(
            ["HTTP/1.1 302 Found", "Location: https://198.51.100.7:10250/metrics/resource", "Content-Length: 0"]
        )
    if fault is KubeletFault.BOMB:
        head = ["HTTP/1.1 200 OK", f"Content-Type: {CONTENT_TYPE}", "Content-Encoding: gzip"]
        return joined([*head, f"Content-Length: {len(_bomb())}"]) + _bomb()
    code, kind, body = _wrong_body(fault, node)
    return write_response(code, kind, body, compress=False)


def _wrong_body(fault: KubeletFault, node: str) -> tuple[int, str, bytes]:
    match fault:
        case KubeletFault.UNAUTHORIZED:
            return 401, PLAIN, UNAUTHORIZED.body.encode()
        case KubeletFault.FORBIDDEN:
            return 403, PLAIN, forbidden("system:serviceaccount:kube-system:metrics-server").body.encode()
        case KubeletFault.HTML:
            return 200, "text/html; charset=utf-8", _HTML
        case KubeletFault.GARBAGE:
            return 200, CONTENT_TYPE, _GARBAGE
        case _:
            text = f"An error has occurred while serving metrics:\n\nno statistics of node {node}\n"
            return 500, PLAIN, text.encode()
