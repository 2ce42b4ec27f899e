"""Bytes that may change while the server runs: tokens, CA bundles, client certificates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from kubevitals import logs
from kubevitals.errors import ConfigError

_log = logs.get(__name__)


class Content(Protocol):
    """Bytes from the configuration, fixed or from a file."""

    def content(self) -> bytes:
        """Return what is known now."""
        ...

    def reread(self) -> bool:
        """Look again at once; True if the content changed."""
        ...


class FixedContent:
    """Bytes that were written into the configuration itself."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def content(self) -> bytes:
        """Return the bytes."""
        return self._content

    def reread(self) -> bool:
        """Never changed."""
        return False


class FileContent:
    """A file that is read again once what is known of it is older than ``every`` seconds.

    Kubernetes replaces mounted tokens and CA bundles while a pod runs. The last good content survives a file
    that has become unreadable or empty.

    Args:
        path: the file.
        what: what it is, for error messages, such as ``tokenFile of user "jane"``.
        now: seconds since the epoch.
        every: seconds between two looks.

    Raises:
        ConfigError: the file cannot be read, or is empty, the first time.
    """

    def __init__(self, path: Path, what: str, now: Callable[[], float], *, every: float = 60.0) -> None:
        self.path = path
        self._what = what
        self._now = now
        self._every = every
        self._content = self._read()
        self._read_at = now()
        self._problem = ""

    def content(self) -> bytes:
        """Return the last good content, read again first when it is due."""
        # A clock that was set back must not postpone the next look.
        if not 0 <= self._now() - self._read_at < self._every:
            self.reread()
        return self._content

    def reread(self) -> bool:
        """Look again at once; True if the content changed."""
        self._read_at = self._now()
        before = self._content
        try:
            self._content = self._read()
        except ConfigError as error:
            self._keep(str(error))
        else:
            self._problem = ""
        return self._content != before

    def _keep(self, problem: str) -> None:
        if problem != self._problem:
            _log.warning("Keeping the last good content of a file", file=str(self.path), reason=problem)
        self._problem = problem

    def _read(self) -> bytes:
        content = read_file(self.path, self._what)
        if not content.strip():
            raise ConfigError(f"{self._what}: {self.path} is empty")
        return content


def read_file(path: Path, what: str) -> bytes:
    """Return a file's content.

    Raises:
        ConfigError: naming what the file is for, the file, and why it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{what}: cannot read {path}: {error.strerror or error}") from error
