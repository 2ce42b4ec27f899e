"""Structured logs: one line per event, as klog text or as the JSON of Kubernetes components.

Text: ``I1122 17:14:00.000000    1234 cycle.py:42] "Scrape finished" nodes=3 seconds=0.12``
JSON: ``{"ts":1763831640000.0,"level":"info","caller":"cycle.py:42","msg":"Scrape finished","v":0,"nodes":3}``

Values are quoted, so that no control character from a cluster reaches a terminal, and are cut when long.
JSON carries ``level``, which Kubernetes components leave out, because log collectors look for it.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, TextIO

from kubevitals.quoting import quote

_ROOT = "kubevitals"
_LONGEST = 16384  # characters of one value; more is a body or an attack, not a message


class Logger:
    """Where one module writes; messages are constant sentences, what varies goes into the key-value pairs."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def __repr__(self) -> str:
        return f"Logger({self._logger.name!r})"

    def info(self, msg: str, /, **pairs: object) -> None:
        """Log what an operator wants to read in normal operation."""
        self._log(logging.INFO, msg, pairs)

    def warning(self, msg: str, /, **pairs: object) -> None:
        """Log what may need attention."""
        self._log(logging.WARNING, msg, pairs)

    def error(self, msg: str, /, **pairs: object) -> None:
        """Log what a person must act on."""
        self._log(logging.ERROR, msg, pairs)

    def v(self, level: int, msg: str, /, **pairs: object) -> None:
        """Log a detail that shows at verbosity ``level`` (``--v``) and above."""
        self._log(_threshold(level), msg, pairs)

    def enabled(self, level: int) -> bool:
        """Tell whether details of this verbosity are shown; saves computing them when they are not."""
        return self._logger.isEnabledFor(_threshold(level))

    def _log(self, level: int, msg: str, pairs: Mapping[str, object]) -> None:
        # stacklevel: the caller of info, warning, error or v is what the line names
        self._logger.log(level, msg, extra={"pairs": pairs}, stacklevel=3)


def get(name: str) -> Logger:
    """Return the logger of a module; pass ``__name__``."""
    inside = name == _ROOT or name.startswith(f"{_ROOT}.")
    return Logger(logging.getLogger(name if inside else f"{_ROOT}.{name}"))


def quoted(text: str) -> str:
    """Return text in double quotes with control characters escaped, for lines that are not log lines."""
    return quote(text)


def trace(error: BaseException) -> str:
    """Return an exception's traceback, to be logged as a value."""
    return "".join(traceback.format_exception(error))


def setup(*, format: Literal["text", "json"], verbosity: int, stream: TextIO) -> None:
    """Send everything logged in this process to ``stream``; a second call replaces the first.

    Libraries that use stdlib logging are shown from WARNING on, in the same form.
    """
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Handler)]:
        root.removeHandler(handler)
    handler = _Handler(stream)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    root.addHandler(handler)
    logging.getLogger(_ROOT).setLevel(_threshold(verbosity))


class _Handler(logging.StreamHandler[TextIO]):
    """Tells our handler from those of others, such as a test runner."""


def _threshold(verbosity: int) -> int:
    """Return the stdlib level for a verbosity: 0 is INFO, each further step one less."""
    return max(1, logging.INFO - max(0, verbosity))


class TextFormatter(logging.Formatter):
    """Formats as klog does: severity, date and time (local), process, file and line, message, pairs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        severity = "E" if record.levelno >= logging.ERROR else "W" if record.levelno >= logging.WARNING else "I"
        moment = datetime.fromtimestamp(record.created, UTC).astimezone()
        head = f"{severity}{moment:%m%d %H:%M:%S.%f} {record.process or 0:7d} {record.filename}:{record.lineno}]"
        pairs = "".join(f" {key}={_text(value)}" for key, value in _pairs(record).items())
        return f"{head} {quote(record.getMessage())}{pairs}"


class JsonFormatter(logging.Formatter):
    """Formats as Kubernetes components do: ``ts`` in milliseconds, ``v`` the verbosity of an info line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        fields: dict[str, object] = {
            "ts": round(record.created * 1000, 3),
            "level": _level_word(record.levelno),
            "caller": f"{record.filename}:{record.lineno}",
            "msg": record.getMessage(),
        }
        if record.levelno <= logging.INFO:
            fields["v"] = logging.INFO - record.levelno
        pairs = {key: _plain(value) for key, value in _pairs(record).items()}
        return json.dumps(pairs | fields if pairs.keys() & fields.keys() else fields | pairs, separators=(",", ":"))


def _level_word(level: int) -> str:
    return "error" if level >= logging.ERROR else "warning" if level >= logging.WARNING else "info"


def _pairs(record: logging.LogRecord) -> dict[str, object]:
    """Return the key-value pairs, with the traceback of a library's record as one more."""
    pairs: dict[str, object] = dict(getattr(record, "pairs", {}))
    if record.exc_info and record.exc_info[1] is not None:
        pairs["trace"] = trace(record.exc_info[1])
    return pairs


def _text(value: object) -> str:
    plain = _plain(value)
    return quote(plain) if isinstance(plain, str) else json.dumps(plain, separators=(",", ":"))


def _plain(value: object) -> object:
    """Return a value as JSON can hold it: numbers as they are, collections by element, all else as text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return _cut(_words(value))


def _words(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, BaseException):
        return str(value) or type(value).__name__
    return str(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
