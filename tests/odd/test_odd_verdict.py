"""The judge of odd requests: what it takes for a fault."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.odd.grammar import Odd, odd_request
from tests.odd.verdict import PROBE_ID, Exchange, answered_probe, complete, problems

ASKED = Odd("made by hand", "nobody", (b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",), ("GET",), framed=True)
KEPT = ((b"Server", b"kubevitals"), (b"Audit-Id", b"a"), (b"Content-Type", b"text/plain"))


def answer(body: bytes = b"ok", first: bytes = b"HTTP/1.1 200 OK", size: int | None = None, **more: bytes) -> bytes:
    """An answer whose length is right unless said otherwise."""
    length = len(body) if size is None else size
    pairs = dict(KEPT) | {name.replace("_", "-").encode(): value for name, value in more.items()}
    lines = [first, *(name + b": " + value for name, value in pairs.items()), b"Content-Length: %d" % length, b"", b""]
    return b"\r\n".join(lines) + body


CHUNKED = answer(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
PROBED = answer(Audit_Id=PROBE_ID, Connection=b"close")


@pytest.mark.parametrize(
    "exchange",
    [
        Exchange(answer() + PROBED, ended=True, probed=True),
        Exchange(answer(Connection=b"close"), ended=True),
        Exchange(b"HTTP/1.1 100 Continue\r\nServer: kubevitals\r\n\r\n" + answer() + PROBED, ended=True, probed=True),
        Exchange(CHUNKED + b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n" + PROBED, ended=True, probed=True),
        Exchange(
            b"HTTP/1.0 200 OK\r\nServer: kubevitals\r\nAudit-Id: a\r\nContent-Type: text/plain\r\n\r\nok", ended=True
        ),
        Exchange(answer(b"400 Bad Request", b"HTTP/1.0 400 Bad Request"), ended=True),
    ],
)
def test_what_is_right_is_taken(exchange: Exchange):
    """A well-formed answer, with or without more to come, is no fault."""
    assert problems(ASKED, exchange) == []


def test_an_answer_that_is_not_waited_for_is_judged_by_what_came():
    """An error that is meant is recognised by its beginning; another one is found by it."""
    glanced = replace(ASKED, waits=True)
    early = answer(b'Internal Server Error: "/a', b"HTTP/1.1 500 Internal Server Error", size=99)
    assert problems(glanced, Exchange(early)) == []
    assert problems(glanced, Exchange(early.replace(b"Error: ", b"Fault: "))) != []


@pytest.mark.parametrize(
    ("exchange", "fault"),
    [
        (Exchange(b"", ended=True), "hung up"),
        (Exchange(b"", late=True), "in time"),
        (Exchange(b"", held=True), "let go"),
        (Exchange(b"nonsense", ended=True), "no status line"),
        (Exchange(answer(size=9), ended=True), "middle"),
        (Exchange(CHUNKED + b"5\r\nok\r\n", ended=True), "middle"),
        (Exchange(CHUNKED + b"x\r\nok\r\n"), "chunk"),
        (Exchange(answer() + answer() + PROBED, probed=True), "2 answers to 1"),
        (Exchange(answer(), ended=True, probed=True), "did not go on"),
        (Exchange(answer() + PROBED[:-2] + b"no", probed=True), "as ever"),
        (Exchange(answer(first=b"HTTP/1.1 500 Internal Server Error")), "code 500"),
        (Exchange(answer(first=b"HTTP/1.1 503 Service Unavailable")), "code 503"),
        (Exchange(answer(first=b"HTTP/1.1 504 Gateway Timeout")), "code 504"),
        (Exchange(answer(Server=b"Python/3.11 aiohttp/3.14")), "named itself"),
        (Exchange(answer(Set_Cookie=b"a=b")), "unknown headers"),
        (Exchange(answer(b"{", Content_Type=b"application/json")), "unreadable"),
        (Exchange(answer(b'{"kind":"Status","code":403}', Content_Type=b"application/json")), "says"),
        (Exchange(answer(b'{"usage":{}}', Content_Type=b"application/json")), "told nobody"),
    ],
)
def test_what_is_wrong_is_found(exchange: Exchange, fault: str):
    """Each fault is named."""
    assert any(fault in problem for problem in problems(ASKED, exchange)), problems(ASKED, exchange)


def test_an_answer_is_complete_when_its_last_byte_is_there():
    """Waiting ends with the answers to everything that was asked, and not before."""
    whole = answer()
    assert [complete(ASKED, whole[:end]) for end in (0, 20, len(whole) - 1, len(whole))] == [False, False, False, True]
    assert [answered_probe(whole), answered_probe(whole + PROBED)] == [False, True]


def test_a_seed_and_a_number_make_the_same_again():
    """A finding can be looked at again; other numbers make other requests."""
    first, again = [[odd_request(7, number) for number in range(200)] for _ in range(2)]
    assert first == again
    assert len({odd.pieces for odd in first}) > 190
