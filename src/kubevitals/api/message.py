"""One request and one response, free of any web framework. Pure."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

WHOLE: Final = 384 * 1024
"""Bytes up to which a body is held and sent in one piece: a list of a thousand nodes, say. Larger ones are sent while
they are made. Times the requests in flight, it is what callers that take their time can make the server hold."""


class Headers:
    """Header lines as they arrived: repeated lines stay separate, commas are not split, ``_`` is not ``-``.

    Merging lines or taking ``_`` for ``-`` would let a caller smuggle identity headers past the API server.
    """

    __slots__ = ("_lines",)

    def __init__(self, lines: Iterable[tuple[str, str]] = ()) -> None:
        self._lines = tuple((name.lower(), value) for name, value in lines)

    def get(self, name: str, default: str = "") -> str:
        """Return the first line's value, or ``default``; the name is case-insensitive."""
        wanted = name.lower()
        return next((value for key, value in self._lines if key == wanted), default)

    def all(self, name: str) -> list[str]:
        """Return every line's value for a name, in order of arrival."""
        wanted = name.lower()
        return [value for key, value in self._lines if key == wanted]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Iterate over (lower-case name, value) in order of arrival."""
        return iter(self._lines)


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller sent.

    ``path`` is percent-decoded, ``raw_path`` and ``query`` are as sent.
    ``peer_chain`` holds the DER certificates that the caller presented, leaf first; empty when none.
    """

    method: str
    path: str
    raw_path: str = ""
    query: str = ""
    headers: Headers = field(default_factory=Headers)
    peer_chain: tuple[bytes, ...] = ()
    remote: str = ""

    @property
    def uri(self) -> str:
        """Path and query as sent."""
        path = self.raw_path or self.path
        return f"{path}?{self.query}" if self.query else path


@dataclass(slots=True)
class Response:
    """What goes back. ``chunks`` together are the body; a list is sent piece by piece and never joined.

    ``source`` is where further chunks are made, one at a time, with other work in between; an empty one only lets
    others have their turn. ``rest`` is what is left of a body too large to be held: it is sent while it is made, after
    the chunks.
    ``within`` is how many seconds the caller has to take the answer; None leaves it to the listener.
    ``sent`` is called with the number of its bytes that went out once the answer is over, even if that is not all.
    """

    status: int = 200
    chunks: list[bytes] = field(default_factory=list)
    content_type: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    source: Iterator[bytes] | None = None
    rest: AsyncGenerator[bytes, None] | None = None
    within: float | None = None
    sent: list[Callable[[int], None]] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """The whole body of an answer without a rest."""
        return b"".join(self.chunks)

    @property
    def size(self) -> int:
        """How many bytes the chunks have."""
        return len(self.chunks[0]) if len(self.chunks) == 1 else sum(map(len, self.chunks))

    def has_header(self, name: str) -> bool:
        """Tell whether a header is set; the name is case-insensitive."""
        wanted = name.lower()
        return any(key.lower() == wanted for key, _ in self.headers)
