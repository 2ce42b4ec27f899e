"""One HTTP/1.1 exchange as bytes."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz import growth
from kubevitals.errors import ScrapeError
from kubevitals.scraper.causes import CAUSES
from kubevitals.scraper.http1 import Answer, ResponseReader, get_request

BODY = b"node_cpu_usage_seconds_total 1\n" * 20


def response(*headers, body=b"", status="200 OK", version="1.1"):
    head = "".join(f"{line}\r\n" for line in (f"HTTP/{version} {status}", *headers))
    return head.encode("latin-1") + b"\r\n" + body


def sized(body=BODY, *headers, **how):
    return response(f"Content-Length: {len(body)}", *headers, body=body, **how)


def chunked(body=BODY, *headers, size=50, last=b"0\r\n\r\n"):
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + last
    return response("Transfer-Encoding: chunked", *headers, body=framed)


def read(data, *, step=None, closed=False, **limits):
    """Feed data in pieces of ``step`` bytes, then the end if ``closed``; return the answer or None."""
    reader = ResponseReader(**limits)
    for at in range(0, len(data), step or len(data)):
        if answer := reader.feed(data[at : at + (step or len(data))]):
            return answer
    return reader.feed(b"") if closed else None


def failing(data, **how):
    with pytest.raises(ScrapeError) as raised:
        read(data, **how)
    return raised.value


def test_request_is_a_get_with_everything_a_kubelet_wants():
    """The request asks for the text format, takes gzip, and carries the token."""
    request = get_request("/metrics/resource", "[::1]:10250", user_agent="kubevitals/1", authorization="Bearer abc")

    assert request == (
        b"GET /metrics/resource HTTP/1.1\r\n"
        b"Host: [::1]:10250\r\n"
        b"User-Agent: kubevitals/1\r\n"
        b"Accept: text/plain;version=0.0.4,*/*;q=0.1\r\n"
        b"Accept-Encoding: gzip\r\n"
        b"Authorization: Bearer abc\r\n\r\n"
    )


def test_request_without_a_token_has_no_authorization():
    """No credentials, no header."""
    assert b"Authorization" not in get_request("/", "h:1", user_agent="x")


@pytest.mark.parametrize("token", ["Bearer a\r\nX: y", "Bearer é", "Bearer \x7f"])
def test_a_token_that_is_no_header_value_is_refused(token):
    """A token file with a line feed in it cannot inject a header."""
    with pytest.raises(ScrapeError) as raised:
        get_request("/", "h:1", user_agent="x", authorization=token)

    assert raised.value.cause == "credentials"
    assert "y" not in raised.value.detail.split("bearer")[0]


@pytest.mark.parametrize("step", [None, 1, 7])
@pytest.mark.parametrize("data", [sized(), chunked(), chunked(size=1), chunked(last=b"00;x=y\r\nTrailer: 1\r\n\r\n")])
def test_framed_bodies_are_read_whole_from_pieces_of_any_size(data, step):
    """A sized or chunked body is complete at its last byte, and the connection may be used again."""
    answer = read(data, step=step)

    assert (answer.status, answer.body, answer.reusable) == (200, BODY, True)


@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize("make", [sized, chunked])
def test_gzip_is_decompressed(make, step):
    """A compressed body comes out as it was before."""
    assert read(make(gzip.compress(BODY, mtime=0), "Content-Encoding: gzip"), step=step).body == BODY


def test_a_body_without_a_length_ends_with_the_connection():
    """An HTTP/1.0 body is what came until the end, and the connection is done."""
    assert read(response(body=BODY, version="1.0"), closed=True) == Answer(200, {}, BODY, False)


@pytest.mark.parametrize(
    "data", [response(status="204 No Content"), response("Content-Length: 0"), response(status="304 X")]
)
def test_responses_without_a_body_are_complete_at_once(data):
    """No body, nothing to wait for."""
    assert read(data).body == b""


@pytest.mark.parametrize(
    "data", [sized(BODY, "Connection: Close"), sized(version="1.0"), sized() + b"HTTP/1.1 200 OK\r\n"]
)
def test_a_connection_that_cannot_be_used_again_is_known(data):
    """Closing, old and talkative peers get a new connection next time."""
    assert read(data).reusable is False


def test_headers_are_lower_case_and_joined():
    """Names are case-insensitive, blanks around values fall away, repeated lines are joined."""
    answer = read(response("A-b:  x ", "a-B: y", "Empty:", "Content-Length: 0"))

    assert answer.headers == {"a-b": "x, y", "empty": "", "content-length": "0"}


@pytest.mark.parametrize("pump", [b" ", b"\t", b": ", b"\r\nX: a "])
def test_a_head_is_read_in_linear_time(pump):
    """Spaces inside a value are looked at once, though none at its end is a part of it."""
    begins, ends = b"HTTP/1.1 204 No Content\r\nX: a", b"b\r\n\r\n"

    growth.check(lambda head: read(head, head_limit=1 << 20), begins, pump, ends)


def test_interim_responses_are_skipped():
    """What counts is the first response that is not of the 1xx class."""
    assert read(response(status="100 Continue") * 3 + sized()).status == 200


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"\x15\x03\x01\x00\x02\x02\x46", "not_http"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not_http"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "not_http"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "not_http"),
        (b"HTTP/1.1 200OK\r\n\r\n", "not_http"),
        (response("no colon"), "not_http"),
        (response(" folded: x"), "not_http"),
        (response("Content-Length: 5, 6"), "not_http"),
        (response("Content-Length: -1"), "not_http"),
        (response("Content-Length: ٣".encode().decode("latin-1")), "not_http"),
        (response("Transfer-Encoding: gzip, chunked"), "not_http"),
        (response("Transfer-Encoding: chunked", body=b"zz\r\n"), "not_http"),
        (response("Transfer-Encoding: chunked", body=b"-5\r\n"), "not_http"),
        (response("Transfer-Encoding: chunked", body=b"1\r\nabc\r\n"), "not_http"),
        (response(status="100 Continue") * 9, "not_http"),
        (response("Content-Encoding: br"), "encoding"),
        (sized(b"no gzip at all", "Content-Encoding: gzip"), "encoding"),
        (sized(gzip.compress(BODY, mtime=0) + b"more", "Content-Encoding: gzip"), "encoding"),
        (sized(gzip.compress(BODY, mtime=0)[:-8] + b"\0" * 8, "Content-Encoding: gzip"), "encoding"),
        (sized(gzip.compress(BODY, mtime=0)[:-4], "Content-Encoding: gzip"), "truncated"),
        (sized(b"", "Content-Encoding: gzip")[:-1], None),
    ],
)
@pytest.mark.parametrize("step", [None, 1])
def test_what_is_no_response_is_refused(data, cause, step):
    """Another protocol, broken framing and damaged compression are told apart from metrics."""
    if cause is None:
        assert read(data, step=step) is None
    else:
        assert failing(data, step=step).cause == cause


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "closed"),
        (b"HTTP/1.1 200", "truncated"),
        (response("Content-Length: 5", body=b"1234"), "truncated"),
        (chunked(last=b""), "truncated"),
        (chunked(last=b"0\r\n"), "truncated"),
        (
            response(body=gzip.compress(BODY, mtime=0)[:-1], version="1.0").replace(
                b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n", 1
            ),
            "truncated",
        ),
    ],
)
def test_an_early_end_is_told(data, cause):
    """A connection that closes within a response gives no body, whatever came of it."""
    assert failing(data, closed=True).cause == cause if data else True
    if not data:
        with pytest.raises(ScrapeError) as raised:
            ResponseReader().feed(b"")
        assert raised.value.cause == cause


@pytest.mark.parametrize(
    "data",
    [
        response("Content-Length: 1001"),
        response(body=b"x" * 1001, version="1.0"),
        response("Transfer-Encoding: chunked", body=b"3e9\r\n"),
        response("Transfer-Encoding: chunked", body=b"fffffffffffffff\r\n"),
        chunked(b"x" * 1001, size=100),
        sized(gzip.compress(b"x" * 100_000, mtime=0), "Content-Encoding: gzip"),
    ],
)
@pytest.mark.parametrize("step", [None, 3])
def test_no_body_is_larger_than_the_limit(data, step):
    """A body over the limit is refused, at the latest when it passes it; compressed ones count unpacked."""
    assert failing(data, step=step, body_limit=1000).cause == "too_large"


def test_a_body_of_exactly_the_limit_is_taken():
    """The limit itself is allowed, compressed or not."""
    whole = b"x" * 1000

    assert read(sized(whole), body_limit=1000).body == whole
    assert read(sized(gzip.compress(whole), "Content-Encoding: gzip"), body_limit=1000).body == whole


def test_a_gzip_bomb_is_never_unpacked_beyond_the_limit():
    """Sixteen megabytes of zeros, compressed a thousandfold, stop at the limit."""
    bomb = sized(gzip.compress(bytes(16 * 1024 * 1024), compresslevel=1), "Content-Encoding: gzip")

    tracemalloc.start()
    try:
        error = failing(bomb, body_limit=100_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert error.cause == "too_large"
    assert peak < 2_000_000


@pytest.mark.parametrize(
    "data",
    [
        response("X: " + "y" * 1000),
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200,
        response("Transfer-Encoding: chunked", body=b"0\r\n" + b"T: y\r\n" * 200),
        response("Transfer-Encoding: chunked", body=b"5;" + b"x" * 5000),
    ],
)
@pytest.mark.parametrize("step", [None, 100])
def test_heads_chunk_lines_and_trailers_are_bounded(data, step):
    """Nothing that surrounds a body can grow without end."""
    assert failing(data, step=step, head_limit=1000).cause == "not_http"


def test_an_error_shows_little_of_what_came_and_no_control_characters():
    """Bytes that somebody else chose are quoted and cut."""
    detail = failing(b"\x1b[31m" + b"x" * 10_000).detail

    assert "\x1b" not in detail
    assert len(detail) < 150


@given(st.binary(max_size=200), st.booleans(), st.integers(min_value=1, max_value=20))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_an_answer_a_wait_or_a_scrape_error(data, plausible, step):
    """Any bytes, in any pieces, give an answer, a wait for more, or a ScrapeError of the closed set."""
    whole = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" if plausible else b"") + data
    try:
        answer = read(whole, step=step, closed=True, body_limit=100)
    except ScrapeError as error:
        assert error.cause in CAUSES  # noqa: PT017
    else:
        assert answer is not None
        assert len(answer.body) <= 100


@given(st.binary(max_size=500), st.integers(1, 100), st.integers(1, 100), st.booleans())
@settings(max_examples=100, deadline=None)
def test_whatever_is_sent_comes_out(body, size, step, compressed):
    """Every body, chunked and cut into any pieces, compressed or not, arrives as it was sent."""
    sent = gzip.compress(body) if compressed else body
    headers = ["Content-Encoding: gzip"] if compressed else []

    assert read(chunked(sent, *headers, size=size), step=step) == Answer(
        200,
        {"transfer-encoding": "chunked"} | ({"content-encoding": "gzip"} if compressed else {}),
        body,
        True,
    )
