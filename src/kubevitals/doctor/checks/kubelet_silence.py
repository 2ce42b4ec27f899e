"""Metrics that are missing, where nothing deeper explains it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from kubevitals.doctor.evidence import Evidence, Unseen, some, text_of
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.groups import finding, group, how_many, named, not_ready
from kubevitals.doctor.objects import Node, seconds
from kubevitals.doctor.running import age, leaves_out, namespace, provider_pod, reads_kubelets, resolution
from kubevitals.doctor.troubles import NodeTrouble, node_status, troubles
from kubevitals.doctor.words import shortened

_UNREADY = "[-]metric-storage-ready"
_EMPTY = "no metrics to serve"
_SHOWN = 3


def nothing_yet(evidence: Evidence) -> Iterator[Finding]:
    """D02: the Metrics API answers with an empty list of nodes."""
    if isinstance(evidence.node_metrics, Unseen) or evidence.node_metrics or _explained(evidence):
        return
    if not some(evidence.nodes) or not reads_kubelets(evidence):
        return
    lines = ["kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes: 0 items", *_age_lines(evidence)]
    if wait := _seconds_to_wait(evidence):
        summary = f"The provider has only just started: the first metrics come with its second scrape, in {wait} s."
        remedies = [Remedy(f"Wait {wait} s.", "kubectl top nodes")]
    else:
        summary = "The Metrics API answers, and has no metrics of any node."
        remedies = [_read_log(evidence)]
    yield Finding(summary, tuple(lines), tuple(remedies), "symptom")


def never_ready(evidence: Evidence) -> Iterator[Finding]:
    """D30: the provider is not ready because it has no metrics to serve."""
    probe = evidence.probe.message if isinstance(evidence.probe, Unseen) else evidence.probe
    said = [f"log of {pod}: {line}" for pod, log in evidence.logs.items() for line in _empty_lines(text_of(log))]
    if _explained(evidence) or some(evidence.node_metrics) or not (_UNREADY in probe or said):
        return
    lines = [f"/readyz: {shortened(line)}" for line in probe.splitlines() if line.startswith("[-]")]
    lines += [*map(shortened, said[-1:]), *_age_lines(evidence)]
    if wait := _seconds_to_wait(evidence):
        summary = (
            f"The provider is not ready as it has only just started; it will be with its second scrape, in {wait} s."
        )
        remedies = [Remedy(f"Wait {wait} s.")]
    else:
        summary = "The provider is not ready, as it has no metrics to serve: no kubelet could be scraped."
        remedies = [_read_log(evidence)]
    yield Finding(summary, tuple(lines), tuple(remedies), "symptom")


def some_missing(evidence: Evidence) -> Iterator[Finding]:
    """D31: kubelets answer without metrics of the node, or nodes lack metrics for no reason that is known."""
    failing = [trouble for trouble in group(evidence, "D31") if _advice(evidence, trouble)]
    found = [trouble for trouble in group(evidence, "D31") if trouble not in failing]
    if failing:
        summary = f"The provider gets no metrics from the kubelets of {how_many(evidence, failing)}."
        texts = dict.fromkeys(_advice(evidence, trouble) for trouble in failing)
        yield finding(evidence, failing, summary, [Remedy(text) for text in list(texts)[:_SHOWN]])
    if found:
        said = all(trouble.seen.startswith("kubectl get") for trouble in found)
        why = f"give no metrics: {shortened(found[0].said)}"
        what = why if said else "answer without usable metrics of the node"
        summary = f"The kubelets of {how_many(evidence, found)} {what}."
        lines = [*_versions(evidence, [trouble.node for trouble in found]), *_quiet_lines(evidence)]
        yield finding(evidence, found, summary, _kubelet_remedies(), lines)
    elif not failing and not isinstance(evidence.node_metrics, Unseen) and evidence.node_metrics:
        yield from _unmeasured(evidence)


def _advice(evidence: Evidence, trouble: NodeTrouble) -> str:
    """Return what kubevitals says to do about a kubelet that fails; empty when it does not."""
    entry = node_status(evidence).get(trouble.node, {})
    return str(entry.get("remedy") or "") if entry.get("state") == "failing" else ""


def _unmeasured(evidence: Evidence) -> Iterator[Finding]:
    """Yield the nodes without metrics of which nothing is known but that they are NotReady, new or left out."""
    measured = {item.metadata.name for item in some(evidence.node_metrics)}
    known = {trouble.node for trouble in troubles(evidence)} - set(not_ready(evidence))
    missing = [node for node in some(evidence.nodes) if node.metadata.name not in measured | known]
    missing = [node for node in missing if not leaves_out(evidence, node)]
    quiet = [node.metadata.name for node in missing if not node.ready]
    new = [node.metadata.name for node in missing if node.ready and _is_new(evidence, node)]
    rest = [node.metadata.name for node in missing if node.ready and node.metadata.name not in new]
    parts = [
        *([f"{named(quiet)} {_are(quiet)} NotReady"] if quiet else []),
        *([f"{named(new)} {_are(new)} new"] if new else []),
        *([f"nothing is known of {named(rest)}"] if rest else []),
    ]
    if parts:
        summary = f"{len(missing)} of {len(some(evidence.nodes))} nodes have no metrics: {'; '.join(parts)}."
        remedies = [*_of_quiet(quiet), *_of_new(evidence, new), *_of_rest(evidence, rest)]
        names = tuple(node.metadata.name for node in missing)
        yield Finding(summary, tuple(_quiet_lines(evidence)), tuple(remedies), "symptom", names)


# --- what was seen ------------------------------------------------------------------------------------------


def _explained(evidence: Evidence) -> bool:
    return bool(troubles(evidence))


def _empty_lines(log: str) -> list[str]:
    return [line for line in log.splitlines() if _EMPTY in line]


def _age_lines(evidence: Evidence) -> Iterator[str]:
    old = age(evidence)
    if old is not None:
        yield f"the provider has run for {_words(old)}, and scrapes every {resolution(evidence):g} s"


def _words(seconds_: float) -> str:
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds_ >= 2 * unit:
            return f"{seconds_ / unit:.0f} {name}"
    return f"{seconds_:.0f} s"


def _seconds_to_wait(evidence: Evidence) -> int:
    """Return the seconds until two scrapes are done; 0 when they should be."""
    old = age(evidence)
    return 0 if old is None else max(0, math.ceil(2 * resolution(evidence) - old))


def _is_new(evidence: Evidence, node: Node) -> bool:
    created = seconds(node.metadata.creation_timestamp)
    return created is not None and evidence.now - created < 2 * resolution(evidence)


def _quiet_lines(evidence: Evidence) -> Iterator[str]:
    """Yield why nodes are NotReady, of a few."""
    for name, node in list(not_ready(evidence).items())[:_SHOWN]:
        condition = node.status.condition("Ready")
        why = (
            f"{condition.reason}, {shortened(condition.message)}" if condition and condition.reason else "not said why"
        )
        yield f"node {name}: NotReady, {why}"


def _versions(evidence: Evidence, names: Sequence[str]) -> Iterator[str]:
    """Yield kubelet, runtime and system of the first of these nodes."""
    for node in [item for item in some(evidence.nodes) if item.metadata.name in names][:1]:
        info = node.status.node_info
        parts = [part for part in (info.kubelet_version, info.container_runtime_version, info.os_image) if part]
        if parts:
            yield f"node {node.metadata.name}: {', '.join(parts)}"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


# --- what helps ---------------------------------------------------------------------------------------------


def _read_log(evidence: Evidence) -> Remedy:
    pod = provider_pod(evidence)
    target = pod.metadata.name if pod is not None else "-l k8s-app=metrics-server"
    text = "Look for nodes that cannot be scraped in the provider's log."
    return Remedy(text, f"kubectl -n {namespace(evidence)} logs {target} --tail=100")


def _kubelet_remedies() -> list[Remedy]:
    return [
        Remedy(
            "Update kubelet and container runtime: before 1.19 kubelets have no usable metrics, and with cgroup v2 a "
            "runtime that is not driven by systemd may leave the node's at 0.",
            "journalctl -u kubelet | grep -iE 'cadvisor|stats'  # on a node",
        ),
        Remedy("Restart these kubelets, in case that they have lost their statistics.", "systemctl restart kubelet"),
    ]


def _of_quiet(names: Sequence[str]) -> Iterator[Remedy]:
    if names:
        text = "Bring nodes that are NotReady back, or delete those that are gone; nothing is wrong with metrics there."
        yield Remedy(text, f"kubectl describe node {names[0]}")


def _of_new(evidence: Evidence, names: Sequence[str]) -> Iterator[Remedy]:
    if names:
        text = f"Wait for two scrapes of a node that is new: {2 * resolution(evidence):g} s."
        yield Remedy(text)


def _of_rest(evidence: Evidence, names: Sequence[str]) -> Iterator[Remedy]:
    if names:
        yield _read_log(evidence)
        yield Remedy("See whether the provider leaves nodes out by --node-selector.")
