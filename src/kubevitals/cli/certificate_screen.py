"""Pending requests of kubelets as a table, the refused ones with reason and remedy, or as JSON. Pure but for rich."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kubevitals.cli import drawing
from kubevitals.kubeletcerts.approving import Outcome
from kubevitals.kubeletcerts.bootstrap import Bootstrap
from kubevitals.kubeletcerts.reading import Examined, Pending
from kubevitals.quantity import format_time

_QUIET = "bright_black"
_STYLES = {"approve": "green", "refuse": "red", "replaced": _QUIET}
_MOST_NAMES = 20  # of one request that are shown
_LONGEST = 253  # characters of a name
_MOST_REASONS = 10  # of one request that are told on the screen
_REMEDY = (
    "Turn it on, and kubelets ask for a certificate of the cluster's authority. With kubeadm:"
    " serverTLSBootstrap: true in the ConfigMap kube-system/kubelet-config, for nodes to come, and in"
    " /var/lib/kubelet/config.yaml of each node there is; then on each: systemctl restart kubelet"
)
_NO_SERVICES = "Services cannot be listed: of their names and addresses only those of the API server's are known."
_REPLACED = "replaced: the node has asked again since; the older request ends by itself within a day."


def verdict(examined: Examined) -> str:
    """Return ``approve``, ``refuse`` or ``replaced``."""
    if examined.refusals:
        return "refuse"
    return "replaced" if examined.replaced else "approve"


def shown(pending: Pending, now: float) -> RenderableType:
    """Return the table, and below it what is to be said about its lines.

    Args:
        pending: at least one request.
        now: seconds since the epoch.
    """
    notes = [_REPLACED] if any(each.replaced for each in pending.requests) else []
    notes += [] if pending.services_known else [_NO_SERVICES]
    refused = [_refused(each) for each in pending.requests if each.refusals]
    return Group(_table(pending.requests, now), *(Text(note, _QUIET) for note in notes), *refused)


def nothing(state: Bootstrap) -> RenderableType:
    """Return what to say when no request is pending, and whether that is because no kubelet asks."""
    lines: list[RenderableType] = [Text("No kubelet waits for a serving certificate.")]
    if state.off:
        some = f"{len(state.off)} of the {len(state.on) + len(state.off)} kubelets that were asked"
        names = drawing.plain(", ".join(state.off)).plain
        lines += [Text(f"serverTLSBootstrap is off in {some} ({names}): they sign for themselves."), Text(_REMEDY)]
    return Group(*lines)


def told(outcome: Outcome) -> str:
    """Return the line, or more for a missing right, on what became of a request."""
    name = drawing.plain(outcome.name).plain
    words = "\n".join(drawing.plain(line).plain for line in outcome.words.splitlines())
    return f"{name} {outcome.state}: {words}" if words else f"{name} {outcome.state}"


def as_json(pending: Pending, outcomes: Sequence[Outcome]) -> str:
    """Return a JSON array with an object for each request."""
    became = {outcome.name: outcome for outcome in outcomes}
    items = [_item(each, became.get(each.asked.name)) for each in pending.requests]
    return msgspec.json.format(msgspec.json.encode(items), indent=2).decode()


def _table(requests: Sequence[Examined], now: float) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=_QUIET)
    for heading in ("NODE", "REQUEST"):
        table.add_column(heading, overflow="fold", min_width=9)
    for heading in ("AGE", "LASTS"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("NAMES AND ADDRESSES", overflow="fold", min_width=19)
    table.add_column("VERDICT", no_wrap=True)
    for each in requests:
        asked, word = each.asked, verdict(each)
        table.add_row(
            drawing.plain(each.node or "-"),
            drawing.plain(asked.name),
            _duration(max(0.0, now - asked.created)),
            "-" if asked.expiration is None else _duration(asked.expiration),
            drawing.plain(_cut(_wanted(each))),
            Text(word, _STYLES[word]),
        )
    return table


def _wanted(examined: Examined) -> list[str]:
    wanted = examined.wanted
    return [*(name[:_LONGEST] for name in wanted.names), *map(str, wanted.addresses)] if wanted is not None else []


def _cut(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "") if names else "-"


def _refused(examined: Examined) -> RenderableType:
    name = examined.asked.name
    lines = [f"- {one.detail} To do: {one.remedy}." for one in examined.refusals[:_MOST_REASONS]]
    if more := len(examined.refusals) - len(lines):
        lines.append(f"- and {more} reasons more, see -o json")
    dashes = "-- " if name.startswith("-") else ""
    lines.append(f"kubectl certificate deny {dashes}{shlex.quote(name)}")
    head = drawing.plain(f"{name} of {examined.node or 'no node'} is refused:")
    return Group(Text(), head, *(Padding(drawing.plain(line), (0, 0, 0, 2), expand=False) for line in lines))


def _duration(seconds: float) -> str:
    """Return a time in the largest unit that leaves two digits or more, as kubectl shows ages."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f}{unit}"
    return f"{seconds:.0f}s"


def _item(examined: Examined, outcome: Outcome | None) -> dict[str, Any]:
    asked, wanted = examined.asked, examined.wanted
    return {
        "name": asked.name,
        "node": examined.node,
        "username": asked.username,
        "creationTimestamp": format_time(int(asked.created * 1000)),
        "expirationSeconds": asked.expiration,
        "dnsNames": list(wanted.names) if wanted else [],
        "ipAddresses": [str(each) for each in wanted.addresses] if wanted else [],
        "verdict": verdict(examined),
        "reasons": [{"code": one.code, "detail": one.detail, "remedy": one.remedy} for one in examined.refusals],
        "outcome": outcome.state if outcome else "",
        "message": outcome.words if outcome else "",
    }
