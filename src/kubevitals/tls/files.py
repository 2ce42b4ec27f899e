"""Files that are read again while the server runs; the last good content survives a bad one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from kubevitals import logs
from kubevitals.errors import ConfigError

T = TypeVar("T")
_log = logs.get(__name__)


class ReloadingFiles(Generic[T]):
    """What some files together mean, kept current by ``poll``.

    Contents are compared, not times or inodes: a secret volume swaps a symbolic link, an editor writes in
    place, and a clock may stand still between two writes. The files are a few kilobytes, so reading them
    costs next to nothing.

    Args:
        paths: the files; all of them must be readable at the start.
        parse: from the contents, in the order of ``paths``, to the value; raises ConfigError for contents it
            refuses.

    Raises:
        ConfigError: a file cannot be read or used the first time.
    """

    def __init__(self, paths: Sequence[Path], parse: Callable[[Sequence[bytes]], T]) -> None:
        self.paths = tuple(paths)
        self._parse = parse
        self._contents = self._read()
        self.value = self._parsed(self._contents)
        self.problem = ""

    def poll(self) -> bool:
        """Read the files again; return whether the value changed. Never raises, logs once per problem."""
        try:
            contents = self._read()
            value = self.value if contents == self._contents else self._parsed(contents)
        except ConfigError as error:
            self._keep(str(error))
            return False
        self._recover()
        changed = contents != self._contents
        self._contents, self.value = contents, value
        return changed

    def _read(self) -> tuple[bytes, ...]:
        return tuple(_read(path) for path in self.paths)

    def _parsed(self, contents: Sequence[bytes]) -> T:
        try:
            return self._parse(contents)
        except ConfigError as error:
            raise ConfigError(f"{self._names}: {error}") from error

    @property
    def _names(self) -> str:
        return ", ".join(map(str, self.paths))

    def _keep(self, problem: str) -> None:
        if problem != self.problem:
            _log.warning("Keeping the last good content; mend the file, it is read again", problem=problem)
        self.problem = problem

    def _recover(self) -> None:
        if self.problem:
            _log.info("Files can be used again", files=self._names)
        self.problem = ""


class ReloadingFile(ReloadingFiles[T]):
    """What one file means; see ``ReloadingFiles``."""

    def __init__(self, path: Path, parse: Callable[[bytes], T]) -> None:
        super().__init__((path,), lambda contents: parse(contents[0]))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from error
