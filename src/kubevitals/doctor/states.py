"""What is worth saying of a hop that is as it should be. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kubevitals.doctor.evidence import Access, Evidence, Unseen, some
from kubevitals.doctor.finding import Hop
from kubevitals.doctor.objects import seconds
from kubevitals.doctor.words import count


def state(hop: Hop, evidence: Evidence) -> str:
    """Return a few words on a hop in which nothing was found; empty when nothing of it could be seen."""
    return _STATES[hop](evidence)


def _registration(evidence: Evidence) -> str:
    reference = evidence.reference
    if reference is None:
        return ""
    versions = " and ".join(item.spec.version for item in evidence.registered)
    return f"{versions}, served by {reference.namespace}/{reference.name}"


def _service(evidence: Evidence) -> str:
    if not isinstance(evidence.service, Unseen) and evidence.service.leads_out:
        return f"leads to {evidence.service.spec.external_name}, outside the cluster"
    if isinstance(evidence.slices, Unseen):
        return ""
    ends = [end for found in evidence.slices for end in found.endpoints or ()]
    if not ends:
        return ""
    ready = sum(end.conditions.ready is not False for end in ends)
    return f"{ready} of {count(len(ends), 'endpoint')} ready"


def _pod(evidence: Evidence) -> str:
    running = [pod for pod in some(evidence.pods) if not pod.finished]
    if not running:
        return ""
    pod = running[0]
    more = f", and {len(running) - 1} more" if len(running) > 1 else ""
    return f"{pod.metadata.name} on {pod.spec.node_name}, {'ready' if pod.ready else 'not ready'}{more}"


def _path(evidence: Evidence) -> str:
    condition = evidence.main.available if evidence.main else None
    if condition is None or condition.status != "True":
        return ""
    return f"available, {condition.message or condition.reason}"


def _authentication(evidence: Evidence) -> str:
    if isinstance(evidence.published, Unseen):
        return ""
    return "the front proxy's authority is published" if evidence.published.data else ""


def _authorization(evidence: Evidence) -> str:
    answers = [answer for answer in evidence.rights.values() if isinstance(answer, Access)]
    return f"{sum(answer.allowed for answer in answers)} of {len(answers)} that the provider needs" if answers else ""


def _kubelet(evidence: Evidence) -> str:
    if isinstance(evidence.node_metrics, Unseen) or isinstance(evidence.nodes, Unseen):
        return ""
    return f"{len(evidence.node_metrics):,} of {count(len(evidence.nodes), 'node')} measured"


def _data(evidence: Evidence) -> str:
    if isinstance(evidence.pod_metrics, Unseen):
        return ""
    times = [moment for found in some(evidence.node_metrics) if (moment := seconds(found.timestamp)) is not None]
    age = f", oldest node {max(0, round(evidence.now - min(times)))} s old" if times else ""
    looked = evidence.kubelets_looked
    asked = f"; {looked.looked} of {looked.of:,} kubelets asked" if looked.of else ""
    return f"{count(len(evidence.pod_metrics), 'pod')} measured{age}{asked}"


def _consumer(evidence: Evidence) -> str:
    answers = [answer for answer in evidence.own_rights.values() if isinstance(answer, Access)]
    if not answers or not all(answer.allowed for answer in answers):
        return ""
    scaled = some(evidence.autoscalers)
    return f"you may read metrics; {count(len(scaled), 'autoscaler')} served" if scaled else "you may read metrics"


_STATES: Mapping[Hop, Callable[[Evidence], str]] = {
    Hop.REGISTRATION: _registration,
    Hop.SERVICE: _service,
    Hop.POD: _pod,
    Hop.PATH: _path,
    Hop.AUTHENTICATION: _authentication,
    Hop.AUTHORIZATION: _authorization,
    Hop.KUBELET: _kubelet,
    Hop.DATA: _data,
    Hop.CONSUMER: _consumer,
}
