"""informer.events: one line of a watch becomes one event."""

from __future__ import annotations

import functools
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.fuzz.strategies import LINES

from kubevitals.informer.events import (
    Added,
    Bookmark,
    Deleted,
    Expired,
    Failed,
    Malformed,
    Modified,
    parse,
)
from kubevitals.informer.objects import decode_node
from kubevitals.model import Labels, Node

decode = functools.partial(decode_node, labels=lambda raw: Labels(raw, json.loads(raw)) if raw else Labels(b"", {}))
BARE = b'{"metadata":{"name":"a","resourceVersion":"7"}}'


@pytest.mark.parametrize(("kind", "event"), [("ADDED", Added), ("MODIFIED", Modified), ("DELETED", Deleted)])
def test_a_change_carries_its_object_and_version(kind, event):
    """The version is where a later watch continues."""
    found = parse(b'{"type":"%b","object":%b}' % (kind.encode(), BARE), decode)

    assert type(found) is event
    assert (found.item.name, found.resource_version) == ("a", "7")


def test_a_bookmark_carries_only_a_version():
    """Its object is empty but for that."""
    line = b'{"type":"BOOKMARK","object":{"kind":"Node","metadata":{"resourceVersion":"9","creationTimestamp":null}}}'

    assert parse(line, decode) == Bookmark("9")


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (
            {"code": 410, "reason": "Expired", "message": "too old resource version"},
            Expired("too old resource version"),
        ),
        ({"code": 410, "reason": "Gone", "message": "m"}, Expired("m")),
        ({"reason": "Expired", "message": "m"}, Expired("m")),
    ],
)
def test_an_expired_version_is_told_apart(status, event):
    """By code or by reason; Kubernetes has used both reasons."""
    line = json.dumps({"type": "ERROR", "object": {"kind": "Status", **status}}).encode()

    assert parse(line, decode) == event


def test_another_error_carries_its_status():
    """With code, reason and message."""
    line = b'{"type":"ERROR","object":{"code":500,"reason":"InternalError","message":"etcd"}}'
    found = parse(line, decode)

    assert isinstance(found, Failed)
    assert (found.error.code, found.error.reason, found.error.message) == (500, "InternalError", "etcd")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b'{"type":"ADDED"}',
        b'{"type":"ADDED","object":{}}',
        b'{"type":"ADDED","object":null}',
        b'{"type":"BOOKMARK","object":{"metadata":{}}}',
        b'{"type":"SHOUTED","object":{}}',
        b'{"type":"MODIFIED","object":{"metadata":{"name":"a","labels":7}}}',
        b'{"type":"MODIFIED","object":{"metadata":{"na',
    ],
)
def test_what_is_no_event_is_malformed(line):
    """With a reason for the log."""
    found = parse(line, decode)

    assert isinstance(found, Malformed)
    assert found.reason


@given(st.binary(max_size=100) | LINES)
@example(b"[" * 100_000)
@example(b'{"type":"ADDED","object":{"metadata":{"name":"a","labels":{"a":' + b"[" * 100_000)
@example(b'{"type":"ADDED","object":{"metadata":{"name":"a","labels":{"\xff":"b"}}}}')
@example(b'{"type":"ADDED","object":{"metadata":{"name":"\xff"}}}')
@example(b'{"type":"ERROR","object":{"message":"\xff"}}')
@example(b'{"type":"\xff","object":{}}')
@example(b'{"type":"ERROR","object":' + b"9" * 5000 + b"}")
def test_any_line_gives_an_event_or_malformed(line):
    """Any line gives an event or Malformed, never an exception."""
    found = parse(line, decode)

    assert isinstance(found, Added | Modified | Deleted | Bookmark | Expired | Failed | Malformed)
    if isinstance(found, Added | Modified | Deleted):
        assert isinstance(found.item, Node)
