"""``/livez``, ``/readyz`` and ``/healthz``: named checks, and the text that probes and people read.

A check is a name and a function that returns why it fails, or an empty string. The order and the names are those that
upstream's end-to-end tests compare. Unlike upstream the failing line carries its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from kubevitals.api.message import Response

Reason = Callable[[], str]
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Check:
    """One named check; ``failing`` returns the reason, or ``""`` while all is well."""

    name: str
    failing: Reason


def _passes() -> str:
    return ""


# Upstream's first four checks watch parts that have no counterpart here; they stay, because its tests compare the text.
_COMMON = (
    Check("ping", _passes),
    Check("log", _passes),
    Check("poststarthook/max-in-flight-filter", _passes),
    Check("poststarthook/storage-object-count-tracker-hook", _passes),
)


class Health:
    """The three health endpoints.

    Args:
        storage_ready: why there is nothing to serve yet.
        informer_ready: why it is not known yet which nodes and pods exist.
        collection_timely: why the scrape cycle counts as stuck.
        shutting_down: why no new request should come here.
    """

    def __init__(
        self,
        *,
        storage_ready: Reason,
        informer_ready: Reason,
        collection_timely: Reason,
        shutting_down: Reason,
    ) -> None:
        # Never fails: a server that lost the API server keeps serving what it knows, and restarting would not help.
        informer = Check("metadata-informer-sync", _passes)
        self._checks = {
            "readyz": (
                *_COMMON,
                Check("metric-storage-ready", storage_ready),
                Check("metric-informer-sync", informer_ready),
                informer,
                Check("shutdown", shutting_down),
            ),
            "livez": (*_COMMON, Check("metric-collection-timely", collection_timely), informer),
            "healthz": (*_COMMON, informer),
        }

    def paths(self) -> list[str]:
        """Every path that is answered, for the list of paths at ``/``."""
        return [f"/{root}" for root in self._checks] + [
            f"/{root}/{check.name}" for root, checks in self._checks.items() for check in checks
        ]

    def answer(self, path: str, query: Iterable[tuple[str, str]]) -> Response | None:
        """Return the answer for a path below a health root; None where there is no such check."""
        root, _, name = path.removeprefix("/").partition("/")
        checks = self._checks.get(root)
        if checks is None or path.endswith("/"):
            return None
        if name:
            return next((_single(check) for check in checks if check.name == name), None)
        parameters = list(query)
        excluded = {value for key, value in parameters if key == "exclude"}
        return _summary(root, checks, excluded, any(key == "verbose" for key, _ in parameters))


def _single(check: Check) -> Response:
    reason = check.failing()
    return _text(500, f"internal server error: {reason}\n") if reason else Response(200, [b"ok"], _TEXT)


def _summary(root: str, checks: Sequence[Check], excluded: set[str], verbose: bool) -> Response:
    lines, failed = [], False
    for check in checks:
        if check.name in excluded:
            lines.append(f"[+]{check.name} excluded: ok")
        elif reason := check.failing():
            lines.append(f"[-]{check.name} failed: {reason}")
            failed = True
        else:
            lines.append(f"[+]{check.name} ok")
    unknown = sorted(excluded - {check.name for check in checks})
    if unknown:
        names = ",".join(f'"{name}"' for name in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {names}")
    text = "\n".join(lines)
    if failed:
        return _text(500, f"{text}\n{root} check failed\n")
    return _text(200, f"{text}\n{root} check passed\n" if verbose else "ok")


def _text(status: int, text: str) -> Response:
    nosniff = ("X-Content-Type-Options", "nosniff")
    return Response(status, [text.encode()], _TEXT, [nosniff])
