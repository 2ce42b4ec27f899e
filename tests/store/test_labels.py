"""Label sets are held once, and only while they are used."""

from __future__ import annotations

import gc

import pytest

from kubevitals.errors import ApiServerError
from kubevitals.model import NO_LABELS
from kubevitals.store.labels import LabelPool

WEB = b'{"app":"web","tier":"front"}'


@pytest.fixture
def pool():
    return LabelPool()


def test_equal_labels_are_one_object(pool):
    """Pods of one ReplicaSet share their labels, and with them the rendered bytes."""
    first, second = pool.get(WEB), pool.get(bytes(bytearray(WEB)))

    assert first is second
    assert first.json == WEB
    assert first.pairs == {"app": "web", "tier": "front"}


@pytest.mark.parametrize("raw", [b"", b"{}", b"{ }", b"null"])
def test_no_labels_are_one_object_in_any_spelling(pool, raw):
    """Objects without labels need no entry."""
    assert pool.get(raw) is NO_LABELS
    assert len(pool) == 0


def test_labels_out_of_use_are_let_go(pool):
    """The pool is bounded by what is in use, however many label sets have passed through it."""
    held = pool.get(WEB)
    for number in range(1000):
        pool.get(b'{"pod-template-hash":"%d"}' % number)
    gc.collect()

    assert len(pool) == 1
    del held
    gc.collect()
    assert len(pool) == 0


def test_labels_are_compact_whatever_was_sent(pool):
    """The bytes can be put into an answer as they are."""
    assert pool.get(b'{ "app" : "web" }').json == b'{"app":"web"}'


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"app":1}', b'{"app":null}', b'{"\xff":"x"}', b"web"])
def test_what_is_no_labels_is_refused(pool, raw):
    """Anything but an object of strings is an error that says so."""
    with pytest.raises(ApiServerError, match="labels are not a JSON object of strings"):
        pool.get(raw)


def test_the_mapping_is_read_from_the_bytes(pool):
    """It is not held, for it is several times as large; whatever JSON escapes are in the bytes are resolved."""
    labels = pool.get(b'{"app":"\\u0077eb"}')

    assert labels.pairs == {"app": "web"}
    assert labels.pairs is not labels.pairs
