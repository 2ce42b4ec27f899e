"""Where the serving certificate comes from: files that somebody maintains, or a directory that we fill."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kubevitals import logs
from kubevitals.errors import ConfigError
from kubevitals.tls import selfsigned
from kubevitals.tls.files import ReloadingFiles
from kubevitals.tls.keypair import KeyPair, parse_key_pair

_log = logs.get(__name__)
_RENEW_BEFORE = 30 * 24 * 3600.0  # seconds of life left in a generated certificate when the next one is made


class ServingCertificate(Protocol):
    """A key pair that may change while the server runs."""

    @property
    def pair(self) -> KeyPair:
        """What to show callers now."""
        ...

    def reload(self) -> bool:
        """Look for a new pair; return whether it changed. A bad one is logged once and not used."""
        ...


def serving_certificate(
    cert_file: str, key_file: str, *, cert_dir: str, bind_address: str, now: Callable[[], float]
) -> ServingCertificate:
    """Return the certificate of ``--tls-cert-file`` and its key, or else that of ``--cert-dir``.

    Raises:
        ConfigError: one of the two files is missing or unusable.
    """
    if not cert_file and not key_file:
        return OwnCertificate(Path(cert_dir), bind_address, now)
    if not cert_file or not key_file:
        raise ConfigError(
            "missing filename for serving cert: --tls-cert-file and --tls-private-key-file need each other"
        )
    return GivenCertificate(Path(cert_file), Path(key_file))


class GivenCertificate:
    """A pair of files that somebody else maintains, such as a mounted secret."""

    def __init__(self, cert_file: Path, key_file: Path) -> None:
        self._files = ReloadingFiles((cert_file, key_file), _pair)

    @property
    def pair(self) -> KeyPair:
        """The last good pair."""
        return self._files.value

    def reload(self) -> bool:
        """Read the files again; return whether the pair changed."""
        return self._files.poll()


class OwnCertificate:
    """``apiserver.crt`` and ``apiserver.key`` in a directory, generated when both are missing.

    A generated pair is replaced 30 days before it expires. A directory that cannot be written is no obstacle:
    the pair then lives in memory only.

    Args:
        directory: ``--cert-dir``.
        bind_address: becomes one of the names of a generated certificate.
        now: seconds since the epoch.

    Raises:
        ConfigError: one file is readable and the other is not, or they do not make a pair.
    """

    def __init__(self, directory: Path, bind_address: str, now: Callable[[], float]) -> None:
        self._paths = (directory / "apiserver.crt", directory / "apiserver.key")
        self._bind_address = bind_address
        self._now = now
        self._files: ReloadingFiles[KeyPair] | None = None
        if _both_readable(self._paths):
            self._files = ReloadingFiles(self._paths, _pair)
            self.pair = self._files.value
        else:
            self.pair = self._renewed()

    def reload(self) -> bool:
        """Read the files again, renew a generated pair before it expires; return whether the pair changed."""
        if self._files is not None and self._files.poll():
            self.pair = self._files.value
            return True
        if self._expiring():
            self.pair = self._renewed()
            return True
        return False

    def _expiring(self) -> bool:
        left = self.pair.leaf.not_valid_after_utc.timestamp() - self._now()
        return left < _RENEW_BEFORE and selfsigned.is_own(self.pair.leaf)

    def _renewed(self) -> KeyPair:
        pair = selfsigned.generate(self._bind_address, self._now())
        directory = self._paths[0].parent
        try:
            _save(pair, self._paths)
            self._files = ReloadingFiles(self._paths, _pair)
        except OSError as error:
            self._files = None
            _log.warning(
                "The generated serving certificate is kept in memory only; a restart makes another one",
                directory=str(directory),
                cause=error.strerror or error,
            )
        else:
            _log.info("Generated a serving certificate", directory=str(directory))
        return pair


@dataclass(frozen=True, slots=True)
class NamedCertificate:
    """A certificate for callers that ask for certain names, such as ``*.a.example``; none means those it holds."""

    certificate: ServingCertificate
    names: tuple[str, ...] = ()


def _pair(contents: Sequence[bytes]) -> KeyPair:
    certificate, key = contents
    return parse_key_pair(certificate, key)


def _both_readable(paths: Sequence[Path]) -> bool:
    unreadable = [path for path in paths if not os.access(path, os.R_OK)]
    if len(unreadable) == 1:
        raise ConfigError(
            f"error reading {unreadable[0]}, certificate and key must be supplied as a pair;"
            " remove the other file to have both made anew"
        )
    return not unreadable


def _save(pair: KeyPair, paths: tuple[Path, Path]) -> None:
    certificate, key = paths
    certificate.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    _replace(key, pair.key, 0o600)
    _replace(certificate, pair.chain, 0o644)


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all; it never exists with another mode than ``mode``."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)
