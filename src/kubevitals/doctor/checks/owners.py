"""Who owns the registration, and does somebody else want it? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubevitals.doctor.evidence import Evidence, Unseen, some
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.objects import ApiService
from kubevitals.doctor.words import names

_HELM, _HELM_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
_ADD_ON: Final = "addonmanager.kubernetes.io/mode"
_K3S: Final = "objectset.rio.cattle.io/owner-name"


def two_providers(evidence: Evidence) -> Iterator[Finding]:
    """D41: another metrics server runs beside the one that the APIService leads to."""
    if evidence.main is None or isinstance(evidence.pods, Unseen) or not evidence.pods:
        return
    own = {pod.metadata.key for pod in evidence.pods}
    places = {pod.metadata.namespace for pod in evidence.pods}
    others = [pod for pod in some(evidence.candidates) if pod.metadata.key not in own and not pod.finished]
    others = [pod for pod in others if pod.metadata.namespace not in places]
    if not others:
        return
    listed = names([pod.metadata.key for pod in others])
    place = others[0].metadata.namespace
    yield Finding(
        f"A second metrics server runs: {listed}. Whichever is applied last takes the APIService from the other.",
        (
            f"APIService {evidence.main.metadata.name} leads to {names(sorted(own))}",
            f"it belongs to {owner(evidence.main) or 'nobody that left a mark'}",
        ),
        (
            Remedy(
                "Remove one of the two: a Helm release by helm uninstall, an add-on in the distribution's own settings "
                "(k3s: --disable metrics-server), and what was applied by hand as it came.",
                f"kubectl -n {place} get deployments --show-labels | grep -i metrics",
            ),
        ),
        "degraded",
    )


def owner(item: ApiService) -> str:
    """Return what marks of an installer an APIService carries, in words; empty when it carries none."""
    marks = item.metadata.annotations | item.metadata.labels
    if _HELM in marks:
        return f"the Helm release {marks.get(_HELM_NAMESPACE, 'default')}/{marks[_HELM]}"
    if _K3S in marks:
        return f"the add-on {marks[_K3S]} of k3s or RKE2, which applies it again"
    if _ADD_ON in marks:
        return "the cluster's add-on manager, which applies it again"
    return ""
