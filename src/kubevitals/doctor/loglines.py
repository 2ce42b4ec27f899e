"""What the log of kubevitals or of metrics-server since 0.3 says of nodes, callers and containers. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kubevitals.doctor.wordings import row_of_cause, row_of_text

Said = tuple[str, str]  # the row, and what was said

_PAIR = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_MESSAGE = re.compile(r'\] "((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
# metrics-server 0.3 and 0.4: all nodes in one line
_OLD = re.compile(
    r"unable to fully (?:scrape|collect) metrics from (?:source kubelet_summary:|node )(?P<node>[^\s:]+): (?P<text>.*?)"
    r"(?=, unable to fully |\]?$)"
)
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_FAILED: Final = ("Failed to scrape node", "Node cannot be scraped", "Node that is not ready cannot be scraped")
_MENDED: Final = "Node is scraped again"
_REFUSALS: Final = (
    "Unable to authenticate the request",
    "A caller's TLS handshake failed",
    "A caller's certificate is refused",
)
_DECREASE: Final = re.compile(r"unexpected decrease in (?:cumulative CPU usage|startTime)", re.IGNORECASE)
_HEAD = re.compile(r"^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \S+:\d+\] ")
_TIME = re.compile(r"(?<=^[A-Z])\d{4} \d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Decreases:
    """How often a counter of one object was seen to go back.

    Args:
        said: in the words of the newest line.
        times: how many lines say so.
        lasting: seconds from the first of them to the last.
    """

    said: str
    times: int
    lasting: float


def troubled(log: str) -> dict[str, Said]:
    """Return by node the newest line that says it cannot be scraped, without those that were mended later.

    Args:
        log: lines as klog text or as JSON, the oldest first.
    """
    found: dict[str, Said] = {}
    for line in log.splitlines():
        for node, said in _of_line(line):
            found.pop(node, None)
            if said is not None:
                found[node] = said
    return found


def refusals(log: str) -> list[str]:
    """Return the lines that tell why a caller's certificate was refused, the oldest first."""
    found = (line for line in log.splitlines() if any(phrase in line for phrase in _REFUSALS))
    return [line for line in found if "certificate" in line or "x509" in line]


def without_head(line: str) -> str:
    """Return a line without what klog writes before its message: severity, time, process and place."""
    return _HEAD.sub("", line)


def decreases(log: str) -> dict[str, Decreases]:
    """Return of which nodes and pods counters go back, under ``node NAME`` or ``NAMESPACE/NAME``.

    Metrics-server writes such a line whenever somebody asks, so that many may be of one event.
    """
    found: dict[str, list[tuple[float, str]]] = {}
    for line in log.splitlines():
        _, pairs = _event(line)
        said, of = str(pairs.get("err", "")), _object(pairs)
        if of and _DECREASE.search(said):
            found.setdefault(of, []).append((_moment(line, pairs), said))
    return {of: Decreases(said[-1][1], len(said), said[-1][0] - said[0][0]) for of, said in found.items()}


def _event(line: str) -> tuple[str, Mapping[str, Any]]:
    return _json(line) if line.startswith("{") else _klog(line)


def _object(pairs: Mapping[str, Any]) -> str:
    """Return what a line is about; klog's JSON has an object where its text has ``namespace/name``."""
    if node := _name(pairs.get("node", "")):
        return f"node {node}"
    pod = pairs.get("pod")
    parts = (pod.get("namespace"), pod.get("name")) if isinstance(pod, dict) else str(pod or "").partition("/")[::2]
    return "/".join(map(str, parts)) if all(map(_name, parts)) else ""


def _moment(line: str, pairs: Mapping[str, Any]) -> float:
    """Return when a line was written, in seconds since some moment that all lines of a log share."""
    stamp, head = pairs.get("ts"), _TIME.search(line)
    if isinstance(stamp, int | float):
        return stamp / 1000
    if head is None:
        return 0.0
    try:
        return datetime.strptime(f"2000{head[0]}", "%Y%m%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _of_line(line: str) -> Iterator[tuple[str, Said | None]]:
    for old in _OLD.finditer(line):
        if _NAME.fullmatch(old["node"]):
            yield old["node"], (row_of_text(old["text"]), old["text"])
    message, pairs = _event(line)
    node = _name(pairs.get("node", ""))
    if node and message.startswith(_FAILED):
        yield node, _said(message, pairs)
    elif node and message == _MENDED:
        yield node, None


def _said(message: str, pairs: Mapping[str, Any]) -> Said:
    cause = pairs.get("cause")
    if cause:
        detail = str(pairs.get("detail", ""))
        return row_of_cause(str(cause), detail), detail
    text = str(pairs.get("err", "")) or message
    known = f"{message}: {text}" if "timeout" in message else text
    return row_of_text(known), text


def _klog(line: str) -> tuple[str, Mapping[str, Any]]:
    head = _MESSAGE.search(line)
    if head is None:
        return "", {}
    return head[1], {key: _ESCAPED.sub(r"\1", value) for key, value in _PAIR.findall(line, head.end())}


def _json(line: str) -> tuple[str, Mapping[str, Any]]:
    try:
        entry = json.loads(line)
    except ValueError:
        return "", {}
    return str(entry.get("msg", "")), entry


def _name(value: object) -> str:
    """Return a node's name, which klog's JSON puts into an object; nothing that could not be one."""
    name = value.get("name", "") if isinstance(value, dict) else value
    return name if isinstance(name, str) and _NAME.fullmatch(name) else ""
