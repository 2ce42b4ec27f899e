"""The text format line by line: samples of the five families that are used. Pure.

The grammar is that of the Prometheus text format 0.0.4, and of OpenMetrics, which differs in its timestamps.
Lines of other families are skipped unread: only a broken line of a family that is used fails the body. Every
pattern is possessive, so that no text makes one backtrack and reading takes linear time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from kubevitals.errors import ExpositionError
from kubevitals.quoting import quote
from kubevitals.scraper.causes import CAUSES

CONTAINER_CPU: Final = "container_cpu_usage_seconds_total"
CONTAINER_MEMORY: Final = "container_memory_working_set_bytes"
CONTAINER_START: Final = "container_start_time_seconds"
NODE_CPU: Final = "node_cpu_usage_seconds_total"
NODE_MEMORY: Final = "node_memory_working_set_bytes"
_CONTAINER_FAMILIES: Final = frozenset({CONTAINER_CPU, CONTAINER_MEMORY, CONTAINER_START})
_FAMILIES: Final = _CONTAINER_FAMILIES | {NODE_CPU, NODE_MEMORY}

Key: TypeAlias = tuple[str, str, str]
"""Namespace, pod, container."""
NODE: Final[Key] = ("", "", "")  # a node's series carry no identity; their labels are ignored

Sample: TypeAlias = tuple[str, str | None]
"""Value and timestamp as written; a value is text that ``float()`` reads, a timestamp may be missing."""

_NAME = re.compile(r"[ \t]*+([a-zA-Z_:][a-zA-Z0-9_:]*+)")
_LABELS = r'\{(?:[^"}]++|"(?:[^"\\]++|\\.)*+")*+\}'
# What Go's ParseFloat takes; Python's float() would also take 1_000 and the digits of any script.
_VALUE = (
    r"[+-]?(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+"
    r"|[+-]?[iI][nN][fF](?:[iI][nN][iI][tT][yY])?+|[nN][aA][nN]"
)
_SAMPLE = rf"(?:[ \t]*+({_LABELS})[ \t]*+|[ \t]++)({_VALUE})(?:[ \t]++(%s))?+[ \t]*+\r?+\Z"
_TEXT_SAMPLE = re.compile(_SAMPLE % "-?[0-9]++")
_OPENMETRICS_SAMPLE = re.compile(_SAMPLE % r"-?[0-9]++\.?+[0-9]*+(?:[eE][+-]?[0-9]++)?+")
_USUAL_LABELS = re.compile(r'\{container="([^"\\]++)",namespace="([^"\\]++)",pod="([^"\\]++)"\}\Z')
_USUAL_NUMBERS = re.compile(r"([0-9]++\.?+[0-9]*+(?:e[+-][0-9]++)?+)(?: ([0-9]++))?+\Z")
_LABEL = re.compile(r'[ \t]*+([a-zA-Z_][a-zA-Z0-9_]*+)[ \t]*+=[ \t]*+"((?:[^"\\]++|\\.)*+)"[ \t]*+(?:,[ \t]*+|\Z)')
_ESCAPE = re.compile(r'\\([\\"n])')
_EXCERPT: Final = 80  # characters of a broken line that an error shows


@dataclass(slots=True)
class Readings:
    """What a body holds: per family the last sample of every series, and what a person may want to know.

    ``skipped`` maps the name of every unread family to its last line. ``unnamed``: a container series without
    container, namespace or pod was ignored. ``repeated``: a series came twice. ``negative_start``: a start
    time with a negative timestamp was ignored.
    """

    families: dict[str, dict[Key, Sample]] = field(default_factory=lambda: {name: {} for name in _FAMILIES})
    skipped: dict[str, str] = field(default_factory=dict)
    unnamed: bool = False
    repeated: bool = False
    negative_start: bool = False


def read(text: str, *, openmetrics: bool = False) -> Readings:
    """Return the samples of a body; of a series that comes twice the last sample counts.

    Raises:
        ExpositionError: ``truncated`` without a line feed at the end, ``parse`` at a broken line.
    """
    lines = text.split("\n")
    if lines.pop():
        raise ExpositionError("truncated", "the last line has no line feed", CAUSES["truncated"].remedy)
    reader = _Reader(openmetrics)
    take = reader.take_any if openmetrics else reader.take
    for number, line in enumerate(lines, 1):
        try:
            take(line)
        except _BrokenLineError as why:
            detail = f"line {number} {why}: {quote(line[:_EXCERPT])}"
            raise ExpositionError("parse", detail, CAUSES["parse"].remedy) from None
    return reader.readings


class _BrokenLineError(ValueError):
    """What is wrong with a line, as the predicate of a sentence."""


class _Reader:
    """Sorts lines into readings."""

    def __init__(self, openmetrics: bool) -> None:
        self.readings = Readings()
        self._sample = _OPENMETRICS_SAMPLE if openmetrics else _TEXT_SAMPLE
        self._keys: dict[str, Key | None] = {}  # the same labels come once per family

    def take(self, line: str) -> None:
        """Read a line as kubelets write them, and any other one by the whole grammar.

        No number contains a brace, so the last one ends the labels, whatever these hold.
        """
        if line.startswith("#"):
            return
        series, _, numbers = line.rpartition("} ")
        name, _, labels = series.partition("{")
        usual = _USUAL_NUMBERS.match(numbers) if name in _CONTAINER_FAMILIES else None
        if usual is None:
            self.take_any(line)
        elif (key := self._key(f"{{{labels}}}")) is not None:
            self._keep(name, key, (usual[1], usual[2]))

    def take_any(self, line: str) -> None:
        """Read any line of the format."""
        match = _NAME.match(line)
        if match is None:
            _expect_comment(line)
            return
        name = match[1]
        if name not in _FAMILIES:
            self.readings.skipped[name] = line
            return
        parts = self._sample.match(line, match.end())
        if parts is None:
            raise _BrokenLineError("is not a sample")
        key = self._key(parts[1]) if name in _CONTAINER_FAMILIES else NODE
        if key is not None:
            self._keep(name, key, (parts[2], parts[3]))

    def _key(self, labels: str | None) -> Key | None:
        if labels is None:
            self.readings.unnamed = True
            return None
        try:
            return self._keys[labels]
        except KeyError:
            key = self._keys[labels] = _identity(labels)
        self.readings.unnamed |= key is None
        return key

    def _keep(self, name: str, key: Key, sample: Sample) -> None:
        time = sample[1]
        if time is not None and time[0] == "-":
            if name != CONTAINER_START:
                raise _BrokenLineError("has a negative timestamp")
            self.readings.negative_start = True
            return
        family = self.readings.families[name]
        self.readings.repeated |= key in family
        family[key] = sample


def _expect_comment(line: str) -> None:
    rest = line.strip(" \t\r")
    if rest and rest[0] != "#":
        raise _BrokenLineError("is neither a sample nor a comment")


def _identity(labels: str) -> Key | None:
    """Return who a container series is about; None when a label is missing or empty."""
    if usual := _USUAL_LABELS.match(labels):
        return usual[2], usual[3], usual[1]
    found = _all_labels(labels)
    namespace, pod, container = found.get("namespace"), found.get("pod"), found.get("container")
    return (namespace, pod, container) if namespace and pod and container else None


def _all_labels(labels: str) -> dict[str, str]:
    inner = labels[1:-1].strip(" \t")
    found: dict[str, str] = {}
    position = 0
    while position < len(inner):
        label = _LABEL.match(inner, position)
        if label is None:
            raise _BrokenLineError("has broken labels")
        if label[1] in found:
            raise _BrokenLineError(f"has the label {label[1]} twice")
        found[label[1]] = _ESCAPE.sub(_unescape, label[2])
        position = label.end()
    return found


def _unescape(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]
