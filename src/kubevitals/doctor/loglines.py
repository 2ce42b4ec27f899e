"""What the log of a metrics server says of single nodes: kubevitals and metrics-server since 0.3. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
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


def _of_line(line: str) -> Iterator[tuple[str, Said | None]]:
    for old in _OLD.finditer(line):
        if _NAME.fullmatch(old["node"]):
            yield old["node"], (row_of_text(old["text"]), old["text"])
    message, pairs = _json(line) if line.startswith("{") else _klog(line)
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
