"""The file in which the kubelets' first certificates are kept, and which a person may edit."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from kubevitals import logs
from kubevitals.errors import ConfigError, ScrapeError
from kubevitals.scraper import pins
from kubevitals.scraper.certificate import Certificate
from kubevitals.scraper.pins import Pins

_log = logs.get(__name__)


class PinFile:
    """Pins, and the file of ``--kubelet-tls-pin``.

    Args:
        path: the file; it is made when it does not exist.
        every: seconds between two looks.

    Raises:
        ConfigError: it cannot be read, understood or written.
    """

    def __init__(self, path: Path, every: float = 10.0) -> None:
        self._path = path
        self._every = every
        self._problem = ""
        try:
            self._text = path.read_text("utf-8") if path.exists() else ""
            known = pins.read(self._text)
            self._pins = Pins(known, str(path))
            self._write(pins.written(known))
        except (OSError, UnicodeDecodeError, ConfigError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ConfigError(f"--kubelet-tls-pin: cannot use {path}: {reason}") from error

    def judge(self, node: str, certificate: Certificate) -> ScrapeError | None:
        """Return why a node's certificate is refused."""
        return self._pins.check(node, certificate.fingerprint)

    def forget(self, node: str) -> None:
        """Forget a node that no longer exists: another one of that name begins anew."""
        self._pins.forget(node)

    @property
    def problem(self) -> str:
        """Why the pins are not known: they always are."""
        return ""

    async def known(self) -> None:
        """Wait until the pins are known."""

    async def run(self) -> None:
        """Keep memory and file alike, for ever."""
        while True:
            await asyncio.sleep(self._every)
            self.poll()

    def poll(self) -> None:
        """Take over what a person changed in the file, and write what is new; never raises, logs once per problem."""
        try:
            text = self._path.read_text("utf-8") if self._path.exists() else self._text
            if text != self._text:
                self._edited(text)
            wanted = pins.written(self._pins.known())
            if wanted != self._text or not self._path.exists():
                self._write(wanted)
        except (OSError, UnicodeDecodeError, ConfigError) as error:
            self._note(str(error))
        else:
            self._note("")

    def _edited(self, text: str) -> None:
        """Take what was deleted or changed by hand; what was seen since the file was read stays."""
        before, after = pins.read(self._text), pins.read(text)
        seen = {node: digits for node, digits in self._pins.known().items() if node not in before}
        self._pins.replace(seen | after)
        self._text = text
        accepted = sorted(before.keys() - after.keys())
        _log.info("Took over changes of the kubelets' pins", file=str(self._path), accepted=accepted)

    def _write(self, text: str) -> None:
        """Replace the file in one step, so that a crash leaves the old one or the new one."""
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._text = text

    def _note(self, problem: str) -> None:
        if problem == self._problem:
            return
        self._problem = problem
        if problem:
            remedy = "Make the file and its directory readable and writable; pins are kept in memory meanwhile."
            _log.error("The kubelets' pins cannot be kept", file=str(self._path), reason=problem, remedy=remedy)
        else:
            _log.info("The kubelets' pins are kept again", file=str(self._path))
