"""The page ``docs/flags.md``, made from the table of flags.

``python -m kubevitals.settings.reference`` prints it. Pure, but for that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby

from kubevitals.settings import rules
from kubevitals.settings.flags import ACCEPTED, FLAGS, IMPLEMENTED, REFUSED
from kubevitals.settings.pflag import Flag

_NO_EFFECT = "No effect: "


def page() -> str:
    """Return the whole page, in Markdown."""
    return "\n".join([*_opening(), *_implemented(), *_accepted(), *_refused()]) + "\n"


def _opening() -> Iterator[str]:
    yield "# Flags"
    yield ""
    yield "Every flag of metrics-server is understood, with its name, type and default, and a few are kubevitals' own."
    yield "This page is made from the table in `src/kubevitals/settings/flags.py` by `make docs`."
    yield ""
    yield "Flags are spelled as metrics-server's are: `--flag=value` or `--flag value`; a boolean may stand alone."
    yield "A list is separated by commas or given in several flags; the first use replaces the default."
    yield "A duration is written like `15s` or `1m30s`."
    yield "Flags that are not known and values that cannot be end the program with exit code 2; all are told at once."


def _implemented() -> Iterator[str]:
    chosen = (flag for flag in FLAGS if flag.mark == IMPLEMENTED)
    for group, flags in groupby(chosen, key=lambda flag: flag.group):
        yield from _section(group)
        yield from _table("flag", "type", "default", "meaning")
        for flag in flags:
            yield _row(_name(flag), _type(flag), _default(flag), flag.help)


def _accepted() -> Iterator[str]:
    yield from _section("Accepted, without effect")
    yield "These flags are read and checked as metrics-server does."
    yield "Where their effect may be missed, the log has one warning per reason when the server starts."
    yield "The others ask for what is so in any case."
    yield "An audit policy together with somewhere to write to is logged as an error: somebody expects a trail."
    yield ""
    yield from _table("flag", "type", "default", "why it has none", "warns")
    for flag in _marked(ACCEPTED):
        reason = flag.help.removeprefix(_NO_EFFECT).removesuffix(".")
        yield _row(_name(flag), _type(flag), _default(flag), reason, "yes" if flag.warning else "no")


def _refused() -> Iterator[str]:
    yield from _section("Refused")
    yield "Unless they are empty, these end the program, as with metrics-server."
    yield ""
    yield from _table("flag", "type", "what is said")
    for flag in _marked(REFUSED):
        yield _row(_name(flag), _type(flag), f"`{rules.UNREGISTERED.format('kube')}`")


def _marked(mark: str) -> Iterable[Flag]:
    return sorted((flag for flag in FLAGS if flag.mark == mark), key=lambda flag: flag.name)


def _section(title: str) -> Iterator[str]:
    yield from ("", f"## {title}", "")


def _table(*heads: str) -> Iterator[str]:
    yield _row(*heads)
    yield "|" + "---|" * len(heads)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _name(flag: Flag) -> str:
    short = f"`-{flag.shorthand}`, " if flag.shorthand else ""
    return f"{short}`--{flag.name}`"


def _type(flag: Flag) -> str:
    return flag.kind.name or "bool"


def _default(flag: Flag) -> str:
    return f"`{flag.default}`" if flag.default else ""


if __name__ == "__main__":
    sys.stdout.write(page())
