"""A doctor's report on paper: text for people, JSON for programs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kubevitals.doctor.evidence import UNREACHABLE
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.report import Item, Report, Walked
from kubevitals.doctor.subjects import Subject
from kubevitals.doctor.words import names
from kubevitals.quoting import printable

Clean: TypeAlias = Callable[[str], str]
"""What a text goes through before it is shown, such as redaction."""

# Of the fixed palette of 256 colours: a contrast of 3.5 or more on white and on black.
_GOOD, _BAD, _WARM, _COMMAND = "color(28)", "color(160)", "color(166)", "color(31)"
_QUIET = "dim"
_MARKS = {"ok": ("✔", _GOOD), "broken": ("✘", _BAD), "degraded": ("!", _WARM), "unseen": ("?", _QUIET)}
_PLAIN_MARKS = {"ok": "ok", "broken": "NO", "degraded": "! ", "unseen": "? "}
_PAGE = "docs/troubleshooting.md"
_SHOWN_UNSEEN = 4


@contextlib.contextmanager
def progress(console: Console) -> Iterator[Callable[[str], None]]:
    """Show what is being looked at, on a terminal only; yields what is told."""
    if not console.is_terminal:
        yield lambda words: None
        return
    with console.status("Looking") as line:
        yield lambda words: line.update(f"Looking at {printable(words)}")


# --- text ---------------------------------------------------------------------------------------------------


def print_text(report: Report, clean: Clean, console: Console) -> None:
    """Print the hops, what to mend first, and what else was seen."""

    def shown(text: str) -> str:
        return printable(clean(text))

    console.print(_hops(report, shown, console))
    console.print()
    if report.subject is not None:
        _print_subject(report.subject, shown, console)
    if report.first is None:
        console.print(_verdict(report))
    else:
        _print_item(report.first, shown, console, _BAD)
    _print_others(report, shown, console)
    _print_notes(report, shown, console)
    _print_unseen(report, shown, console)


def _hops(report: Report, shown: Clean, console: Console) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for walked in report.hops:
        table.add_row(_mark(walked, console), walked.hop.words, Text(shown(walked.words), _tone(walked)))
    return table


def _mark(walked: Walked, console: Console) -> Text:
    mark, color = _MARKS[walked.state]
    return Text(_PLAIN_MARKS[walked.state] if console.options.ascii_only else mark, f"bold {color}")


def _tone(walked: Walked) -> str:
    return _QUIET if walked.state == "unseen" else ""


def _print_subject(subject: Subject, shown: Clean, console: Console) -> None:
    console.print(Text(shown(subject.title), "bold"))
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, words in subject.facts:
        table.add_row(Text(f"  {name}", _QUIET), Text(shown(words)))
    console.print(table)
    console.print()


def _verdict(report: Report) -> Text:
    if report.subject is not None:
        return Text("Nothing is wrong with it." if report.notes else "Nothing that was found concerns it.", "bold")
    if any(walked.state == "unseen" for walked in report.hops):
        return Text("Nothing is wrong with what could be looked at.", "bold")
    return Text("All is well: metrics get from every kubelet to those who ask.", f"bold {_GOOD}")


def _print_item(item: Item, shown: Clean, console: Console, color: str) -> None:
    finding = item.finding
    console.print(
        Text.assemble((item.check.id, f"bold {color}"), f"  {item.check.title}  ", (item.check.hop.words, _QUIET))
    )
    console.print(Padding(Text(shown(finding.summary), "bold"), (0, 0, 0, 2)))
    _print_evidence(finding, shown, console)
    for number, remedy in enumerate(finding.remedies, 1):
        _print_remedy(number, remedy, shown, console)
    console.print(Text(f"\n  More on this: {_PAGE}, {item.check.id}", _QUIET))


def _print_evidence(finding: Finding, shown: Clean, console: Console) -> None:
    lines = list(finding.evidence)
    if finding.nodes:
        lines.append(f"{'node' if len(finding.nodes) == 1 else 'nodes'}: {names(finding.nodes)}")
    if lines:
        console.print(Text("\n  Seen", "underline"))
    for line in lines:
        console.print(Padding(Text(shown(line)), (0, 0, 0, 4)))


def _print_remedy(number: int, remedy: Remedy, shown: Clean, console: Console) -> None:
    if number == 1:
        console.print(Text("\n  What helps", "underline"))
    warning = [("Gives up protection: ", f"bold {_WARM}")] if remedy.insecure else []
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(f"  {number}.", Text.assemble(*warning, shown(remedy.text)))
    console.print(table)
    for line in remedy.command.splitlines():  # not wrapped, so that it can be copied
        console.print(Text(f"       {shown(line)}", _COMMAND), soft_wrap=True)


def _print_others(report: Report, shown: Clean, console: Console) -> None:
    if not report.others:
        return
    console.print(Text("\nAlso seen, perhaps because of that", "underline"))
    for item in report.others:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_row(Text(f"  {item.check.id}", f"bold {_WARM}"), Text(shown(item.finding.summary)))
        console.print(table)


def _print_notes(report: Report, shown: Clean, console: Console) -> None:
    for item in report.notes:
        console.print(Text("\nGood to know: nothing is wrong here", "underline"))
        _print_item(item, shown, console, _GOOD)


def _print_unseen(report: Report, shown: Clean, console: Console) -> None:
    if not report.unseen:
        return
    console.print(Text("\nCould not be looked at", "underline"))
    for seen in report.unseen[:_SHOWN_UNSEEN]:
        code = "no answer" if seen.code == UNREACHABLE else f"HTTP {seen.code}" if seen.code > 0 else "unreadable"
        console.print(Padding(Text(shown(f"{seen.path}: {code}, {seen.message}"), _QUIET), (0, 0, 0, 2)))
    if (more := len(report.unseen) - _SHOWN_UNSEEN) > 0:
        console.print(Text(f"  and {more} more", _QUIET))


# --- JSON ---------------------------------------------------------------------------------------------------


def as_json(report: Report, clean: Clean) -> str:
    """Return the report as JSON.

    ``{"healthy", "hops": [{"hop", "state", "words"}], "findings": [{"id", "hop", "title", "level", "summary",
    "evidence", "nodes", "remedies": [{"text", "command", "insecure"}]}], "unseen": [{"path", "code", "message"}],
    "subject": {"title", "facts": [{"name", "words"}]}, "notes": [...]}``; the first finding is what to mend first, the
    subject is null when the whole pipeline was examined, and notes are like findings of which nothing is wrong.
    """
    findings = [report.first, *report.others] if report.first else []
    entry = {
        "healthy": report.healthy,
        "hops": [{"hop": walked.hop.words, "state": walked.state, "words": walked.words} for walked in report.hops],
        "findings": [_item(item) for item in findings],
        "unseen": [{"path": seen.path, "code": seen.code, "message": seen.message} for seen in report.unseen],
        "subject": None if report.subject is None else _subject(report.subject),
        "notes": [_item(item) for item in report.notes],
    }
    return json.dumps(_cleaned(entry, clean), indent=2, ensure_ascii=False) + "\n"


def _subject(subject: Subject) -> dict[str, Any]:
    return {"title": subject.title, "facts": [{"name": name, "words": words} for name, words in subject.facts]}


def _item(item: Item) -> dict[str, Any]:
    check, finding = item.check, item.finding
    remedies = [
        {"text": known.text, "command": known.command, "insecure": known.insecure} for known in finding.remedies
    ]
    return {
        "id": check.id,
        "hop": check.hop.words,
        "title": check.title,
        "level": finding.level,
        "summary": finding.summary,
        "evidence": list(finding.evidence),
        "nodes": list(finding.nodes),
        "remedies": remedies,
    }


def _cleaned(value: Any, clean: Clean) -> Any:
    match value:
        case str():
            return clean(value)
        case list():
            return [_cleaned(part, clean) for part in value]
        case dict():
            return {key: _cleaned(part, clean) for key, part in value.items()}
        case _:
            return value
