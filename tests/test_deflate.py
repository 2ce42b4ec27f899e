"""gzip with either library."""

from __future__ import annotations

import gzip
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubevitals import deflate

BODY = b'{"metadata":{"name":"web-1"},"usage":{"cpu":"12n"}}' * 4000


@pytest.fixture(params=["isal", "zlib"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module with ISA-L, and as it is where that is not installed."""
    if request.param == "zlib":
        monkeypatch.setitem(sys.modules, "isal", None)
    yield importlib.reload(deflate)
    monkeypatch.undo()
    importlib.reload(deflate)


def test_what_is_compressed_in_pieces_is_one_gzip_stream(either: ModuleType) -> None:
    """Anybody's gzip reads it."""
    compressor = either.compressor()
    packed = b"".join([*(compressor.compress(BODY[at : at + 7000]) for at in range(0, len(BODY), 7000))])
    packed += compressor.flush()
    assert gzip.decompress(packed) == BODY
    assert len(packed) < len(BODY) / 20


def test_no_more_is_unpacked_than_was_asked_for(either: ModuleType) -> None:
    """A small body that unpacks to a huge one is not unpacked to be measured."""
    reader = either.decompressor()
    assert reader.decompress(gzip.compress(bytes(10**7)), 1000) == bytes(1000)
    assert not reader.eof


def test_the_end_of_a_stream_is_known(either: ModuleType) -> None:
    """Whatever follows it is kept apart."""
    reader = either.decompressor()
    assert reader.decompress(gzip.compress(b"all") + b"more", 1000) == b"all"
    assert reader.eof
    assert reader.unused_data == b"more"


@given(at=st.integers(0, 200), flip=st.integers(1, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_stream_gives_nothing_wrong(either: ModuleType, at: int, flip: int) -> None:
    """A changed byte is an error or a stream that does not end, or changed nothing but the header's remarks."""
    packed = bytearray(gzip.compress(bytes(range(256)), mtime=0))
    packed[at] ^= flip
    reader = either.decompressor()
    try:
        data = reader.decompress(bytes(packed), 10_000)
    except either.Damaged:
        return
    assert not reader.eof or data == bytes(range(256))
