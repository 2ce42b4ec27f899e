"""One request and one response, free of any web framework. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


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

    ``source`` is where the chunks are still to be taken from, one at a time, with other work in between.
    ``within`` is how many seconds the caller has to take the answer; None leaves it to the listener.
    """

    status: int = 200
    chunks: list[bytes] = field(default_factory=list)
    content_type: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    source: Iterator[bytes] | None = None
    within: float | None = None

    @property
    def body(self) -> bytes:
        """The whole body; for small answers and tests."""
        return b"".join(self.chunks)

    @property
    def size(self) -> int:
        """How many bytes the body has."""
        return sum(map(len, self.chunks))

    def has_header(self, name: str) -> bool:
        """Tell whether a header is set; the name is case-insensitive."""
        wanted = name.lower()
        return any(key.lower() == wanted for key, _ in self.headers)
