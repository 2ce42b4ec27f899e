"""Is what kubelets report complete and of now? Pure.

Only the kubelets that were asked are judged, by the text of their ``/metrics/resource``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kubevitals.doctor.evidence import Evidence, KubeletView, Unseen, some
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.words import count, shortened

_CONTAINER: Final = re.compile(rb"^container_(?:cpu_usage_seconds_total|memory_working_set_bytes)\{", re.MULTILINE)
_POD: Final = re.compile(rb"^pod_(?:cpu_usage_seconds_total|memory_working_set_bytes)\{", re.MULTILINE)
_SERIES: Final = re.compile(rb"^(container_cpu_usage_seconds_total\{[^}]*\})", re.MULTILINE)
_NODE_TIME: Final = re.compile(rb"^node_cpu_usage_seconds_total [\d.eE+-]+ (\d{13})\s*$", re.MULTILINE)
_OLD: Final = 60.0  # seconds; a kubelet measures every 10 s
_SHOWN: Final = 3
_RESTART: Final = "systemctl restart kubelet  # there"


def no_containers(evidence: Evidence) -> Iterator[Finding]:
    """D32: a kubelet reports pods, and no container of them."""
    found = [name for name, body in _bodies(evidence) if _POD.search(body) and not _CONTAINER.search(body)]
    if not found:
        return
    yield Finding(
        f"The kubelets of {count(len(found), 'node')} report no containers, so that the pods there have no metrics.",
        tuple(f"node {name}: {_runtime(evidence, name)}" for name in found[:_SHOWN]),
        (
            Remedy(
                "Restart the kubelet, whose cAdvisor may have lost its containers.",
                _RESTART,
            ),
            Remedy(
                "With docker, update cri-dockerd to 0.2.3 or newer, or use containerd; with k3s, leave --docker out."
            ),
        ),
        "degraded",
        tuple(found),
    )


def withheld(evidence: Evidence) -> Iterator[Finding]:
    """D33: pods whose numbers cannot be right, of which kubevitals says so."""
    entries = evidence.status.get("withheld") if not isinstance(evidence.status, Unseen) else None
    found = [item for item in entries if _wrong(item)] if isinstance(entries, list) else []
    if not found:
        return
    lines = [f"{item.get('namespace')}/{item.get('name')}: {shortened(str(item.get('reason')))}" for item in found]
    yield Finding(
        f"Of {count(len(found), 'pod')} there are no metrics, as a number of theirs is missing or 0.",
        tuple(lines[:_SHOWN]),
        (
            Remedy(
                "Look for containers that do not run: a part of a pod would make autoscalers scale down.",
                "kubectl get pods -A | grep -vE 'Running|Completed'",
            ),
        ),
        "degraded",
    )


def reported_twice(evidence: Evidence) -> Iterator[Finding]:
    """D35: a kubelet reports the same container twice, one of them a remnant."""
    found = {
        name: twice
        for name, body in _bodies(evidence)
        if (twice := [series for series, times in Counter(_SERIES.findall(body)).items() if times > 1])
    }
    if not found:
        return
    lines = [
        f"node {name}: {shortened(series[0].decode(errors='replace'))} twice" for name, series in list(found.items())
    ]
    yield Finding(
        f"The kubelets of {count(len(found), 'node')} report a container twice: remnants make use look absurd.",
        tuple(lines[:_SHOWN]),
        (
            Remedy(
                "Restart the kubelet there; where that does not help, drain the node and restart it.",
                "\n".join(f"kubectl drain {name} --ignore-daemonsets" for name in list(found)[:_SHOWN]),
            ),
        ),
        "degraded",
        tuple(found),
    )


def not_of_now(evidence: Evidence) -> Iterator[Finding]:
    """D37: a kubelet's samples are older or newer than the API server's clock allows."""
    found = {name: ahead for name, ahead in _ahead(evidence) if abs(ahead) > _OLD}
    if not found:
        return
    lines = [f"node {name}: its sample is {_off(ahead)} the API server's clock" for name, ahead in found.items()]
    yield Finding(
        f"The samples of {count(len(found), 'node')} are not of now: the clocks differ, or the kubelet is stuck.",
        tuple(lines[:_SHOWN]),
        (
            Remedy("Set the clock of the node right.", "timedatectl set-ntp true  # there"),
            Remedy("Where its clock is right, restart the kubelet.", _RESTART),
        ),
        "degraded",
        tuple(found),
    )


def _bodies(evidence: Evidence) -> Iterator[tuple[str, bytes]]:
    for name, view in evidence.kubelets.items():
        if not isinstance(view.metrics, Unseen):
            yield name, view.metrics


def _ahead(evidence: Evidence) -> Iterator[tuple[str, float]]:
    for name, view in evidence.kubelets.items():
        moment = _sampled(view)
        if moment is not None:
            yield name, moment - view.clock


def _sampled(view: KubeletView) -> float | None:
    found = None if isinstance(view.metrics, Unseen) else _NODE_TIME.search(view.metrics)
    return int(found[1]) / 1000 if found else None


def _off(ahead: float) -> str:
    return f"{ahead:.0f} s ahead of" if ahead > 0 else f"{-ahead:.0f} s behind"


def _runtime(evidence: Evidence, name: str) -> str:
    found = next((node.status.node_info for node in some(evidence.nodes) if node.metadata.name == name), None)
    parts = (found.container_runtime_version, f"kubelet {found.kubelet_version}") if found else ()
    return ", ".join(part for part in parts if part) or "unknown runtime"


def _wrong(item: Mapping[str, Any]) -> bool:
    """Return whether a pod is withheld for its numbers, rather than for being young."""
    return isinstance(item, dict) and bool(item.get("namespace")) and bool(_ZERO.search(str(item.get("reason"))))


_ZERO: Final = re.compile(r"\b(?:is (?:zero|0)|missing|no (?:cpu|memory))\b", re.IGNORECASE)
