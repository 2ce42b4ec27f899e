"""gzip by the fastest library that is installed: Intel's ISA-L in a quarter of zlib's time, else zlib. Pure."""

from __future__ import annotations

import zlib
from typing import Final, Protocol

try:
    from isal import isal_zlib as fastest
except ImportError:
    fastest = zlib  # type: ignore[misc]

_GZIP: Final = 16 + zlib.MAX_WBITS  # a gzip header and trailer around the largest window
_LEVEL: Final = 1  # as the API server's: zlib's default level takes five times as long for a third less

Damaged: Final[type[Exception]] = fastest.error  # type: ignore[assignment]
"""What a decompressor raises for bytes that are not gzip."""


class Compressor(Protocol):
    """Makes one gzip stream. Lets go of the interpreter while it works, so that a thread keeps nobody waiting."""

    def compress(self, data: bytes, /) -> bytes:
        """Take in data; return what is ready, which may be nothing."""
        ...

    def flush(self) -> bytes:
        """Return the rest of the stream."""
        ...


class Decompressor(Protocol):
    """Reads one gzip stream; ``eof`` is its end, and ``unused_data`` holds what follows it."""

    @property
    def eof(self) -> bool:
        """Whether the stream's end was read, and its checksum is right."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What came behind the end."""
        ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return at most ``max_length`` bytes of the content; ``Damaged`` for what is no gzip."""
        ...


def compressor() -> Compressor:
    """Return a compressor for one stream."""
    return fastest.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)


def decompressor() -> Decompressor:
    """Return a decompressor for one stream."""
    return fastest.decompressobj(_GZIP)
