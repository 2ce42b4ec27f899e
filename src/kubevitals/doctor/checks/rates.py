"""Are there two samples of one uninterrupted counter, as a rate needs? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from kubevitals.doctor.evidence import Evidence, Unseen, text_of
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.loglines import Decreases, decreases
from kubevitals.doctor.objects import Pod, seconds
from kubevitals.doctor.running import resolution
from kubevitals.doctor.subjects.pod import entry_of, metrics_of
from kubevitals.doctor.words import count, names, shortened
from kubevitals.store.previous import COUNTER_WENT_BACK, FIRST_SEEN, REASONS, RESTARTED, START_WENT_BACK

_YOUNG: Final = (REASONS[FIRST_SEEN], REASONS[RESTARTED])
_BACK: Final = (REASONS[COUNTER_WENT_BACK], REASONS[START_WENT_BACK])
_MANY: Final = 10  # objects at once: more than restart by themselves
_SHOWN: Final = 3


def too_young(evidence: Evidence) -> Iterator[Finding]:
    """D34: the pod that was asked about runs, and there were no two scrapes of it yet."""
    pod = evidence.pod
    if isinstance(pod, Unseen) or isinstance(evidence.pod_metrics, Unseen) or metrics_of(evidence):
        return
    reason, started = str((entry_of(evidence) or {}).get("reason", "")), _started(pod)
    if pod.status.phase != "Running" or started is None:
        return
    wait = started + 2 * resolution(evidence) - evidence.now
    if wait <= 0 and not reason.endswith(_YOUNG):
        return
    due = _clock(evidence.now + (wait if wait > 0 else resolution(evidence)))
    key = pod.metadata.key
    lines = [f"{key}: its youngest container has run since {_clock(started)}, restarts: {_restarts(pod)}"]
    lines += [f"{key}: withheld, {shortened(reason)}"] if reason else []
    lines += [f"{key}: the provider scrapes every {resolution(evidence):g} s"]
    summary = f"Pod {key} has only just started; CPU use is the difference of two scrapes, so it will appear by {due}."
    yield Finding(summary, tuple(lines), tuple(_patience(pod, due)), "symptom", (pod.spec.node_name,))


def _patience(pod: Pod, due: str) -> Iterator[Remedy]:
    namespace, name = pod.metadata.namespace, pod.metadata.name
    yield Remedy(f"Wait until {due}.", f"kubectl top pod -n {namespace} {name}")
    if _restarts(pod):
        text = "If it is never there for long, see why its containers restart: each time, it begins anew."
        yield Remedy(text, f"kubectl -n {namespace} logs {name} --previous")


def goes_back(evidence: Evidence) -> Iterator[Finding]:
    """D36: CPU counters go back again and again, or of many containers at once."""
    found = _logged(evidence) or _withheld(evidence)
    if not found:
        return
    yield Finding(
        f"CPU counters of {names(list(found), _SHOWN)} go back, so that there is no CPU use to be told of them.",
        tuple(found.values())[:_SHOWN],
        (
            Remedy("Ignore it of containers that have only just restarted: the next scrape mends it.", _look_at(found)),
            Remedy(
                "Else a kubelet reports a container and a remnant of it by turns: restart the kubelet of its node; "
                "where that does not help, drain the node and restart it.",
                "systemctl restart kubelet  # on that node",
            ),
        ),
        "degraded",
    )


def _logged(evidence: Evidence) -> dict[str, str]:
    """Return by object what the log says: of those that go back for long, or of all when they are many."""
    said = {of: (pod, seen) for pod, log in evidence.logs.items() for of, seen in decreases(text_of(log)).items()}
    often = {of: pair for of, pair in said.items() if _lasts(evidence, pair[1])}
    return {
        of: f"log of {pod}: {of}, {count(seen.times, 'time')} in {seen.lasting:.0f} s: {shortened(seen.said)}"
        for of, (pod, seen) in (often or (said if len(said) >= _MANY else {})).items()
    }


def _lasts(evidence: Evidence, seen: Decreases) -> bool:
    """Return whether it is more than one restart, of which every request within a scrape or two is told."""
    return seen.times > 1 and seen.lasting >= 2 * resolution(evidence)


def _withheld(evidence: Evidence) -> dict[str, str]:
    """Return by object why kubevitals withholds it, when they are many."""
    entries: object = None if isinstance(evidence.status, Unseen) else evidence.status.get("withheld")
    said = [item for item in entries if isinstance(item, dict)] if isinstance(entries, list) else []
    found = {_named(item): str(item.get("reason", "")) for item in said}
    back = {of: f"scrapestatus, {of}: {shortened(why)}" for of, why in found.items() if why.endswith(_BACK)}
    return back if len(back) >= _MANY else {}


def _named(item: Mapping[str, Any]) -> str:
    place = item.get("namespace")
    return f"{place}/{item.get('name')}" if place else f"node {item.get('name')}"


def _look_at(found: Iterable[str]) -> str:
    namespaces = list(dict.fromkeys(of.partition("/")[0] for of in found if "/" in of))
    return "\n".join(f"kubectl -n {name} get pods -o wide" for name in namespaces[:_SHOWN])


def _started(pod: Pod) -> float | None:
    """Return since when the youngest of its containers runs."""
    running = [item.state.running for item in pod.status.container_statuses or ()]
    return max((moment for item in running if item and (moment := seconds(item.started_at))), default=None)


def _clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S} UTC"


def _restarts(pod: Pod) -> int:
    return sum(item.restart_count for item in pod.status.container_statuses or ())
