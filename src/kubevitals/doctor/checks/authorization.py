"""May the provider ask the API server, and may callers ask the provider? Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Final

from kubevitals.doctor.checks.front_proxy import refused_lines, unlisted
from kubevitals.doctor.evidence import Access, Evidence, Seen, Unseen
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.rights import OWN
from kubevitals.doctor.running import account, namespace, reads_kubelets
from kubevitals.doctor.words import shortened

_FORBIDDEN: Final = re.compile(r'(?:nodes|pods)\.metrics\.k8s\.io is forbidden: User "([^"]*)" cannot list')
_PROXIES: Final = re.compile(r"(?!system:serviceaccount:).*(?:aggregator|front-proxy|auth-proxy|proxy-client)")
_REVIEWS: Final = ("create tokenreviews", "create subjectaccessreviews")


def names_not_allowed(evidence: Evidence) -> Iterator[Finding]:
    """D15: the provider takes the API server's proxy for the caller, or refuses it, as its name is not allowed."""
    refusal = _refusal(evidence)
    refused = unlisted(evidence)
    user = refused or _user(refusal)
    if not refused and not _PROXIES.match(user):
        return
    data = None if isinstance(evidence.published, Unseen) else evidence.published.data
    allowed = (data or {}).get("requestheader-allowed-names", "")
    names = dict.fromkeys((*_names(allowed), user))
    taken = f"does not let the API server speak as {user}" if refused else f"takes everybody for {user}"
    asked = f"kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes: 403, {shortened(refusal)}"
    yield Finding(
        f"The provider {taken}: that name of the API server's proxy certificate is not among those that may speak for "
        "others.",
        (*(refused_lines(evidence) if refused else (asked,)), f"requestheader-allowed-names: {allowed}"),
        (
            Remedy(
                "Add the name to the flag of kube-apiserver, which publishes it.",
                f"--requestheader-allowed-names={','.join(names)}",
            ),
        ),
    )


def _names(allowed: str) -> list[str]:
    """Return the names that are published, a list as JSON."""
    try:
        names = json.loads(allowed)
    except ValueError:
        names = None
    return [str(name) for name in names] if isinstance(names, list) else ["front-proxy-client"]


def callers_not_allowed(evidence: Evidence) -> Iterator[Finding]:
    """D16: whoever asks has no right to read metrics."""
    refusal = _refusal(evidence)
    denied = [words for words in _denied(evidence.own_rights) if words in OWN]
    if not refusal or not denied or list(names_not_allowed(evidence)):
        return
    user = _user(refusal) or "USER"
    yield Finding(
        f"{user} may not read metrics{_elsewhere(evidence)}.",
        (
            f"kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes: 403, {shortened(refusal)}",
            *(f"kubectl auth can-i {words}: no" for words in denied),
        ),
        (
            Remedy(
                "Let an administrator bind the ClusterRole for readers, which comes with the provider.",
                f"kubectl create clusterrolebinding {shlex.quote('metrics-reader:' + re.sub('[/%]', '-', user))} "
                f"--clusterrole=system:aggregated-metrics-reader --user={shlex.quote(user)}",
            ),
        ),
        "degraded",
    )


def _elsewhere(evidence: Evidence) -> str:
    """Return words for a namespace of which we may read metrics; empty when we may not, or when it is not known."""
    allowed = [words for words, answer in evidence.own_rights.items() if isinstance(answer, Access) and answer.allowed]
    places = [words.partition(" -n ")[2] for words in allowed if words not in OWN]
    return f" but those of pods in namespace {places[0]}" if places else ""


def reviews_not_allowed(evidence: Evidence) -> Iterator[Finding]:
    """D18: the provider may not ask the API server who a caller is and what it may do."""
    denied = [words for words in _denied(evidence.rights) if words in _REVIEWS]
    if not denied:
        return
    who = f"{namespace(evidence)}:{account(evidence)}"
    yield Finding(
        f"ServiceAccount {who.replace(':', '/')}, the provider's, may not {' nor '.join(denied)}, so that it "
        "cannot tell who may read metrics.",
        tuple(f"kubectl auth can-i {words} --as=system:serviceaccount:{who}: no" for words in denied),
        (
            Remedy(
                "Bind the ClusterRole for it.",
                f"kubectl create clusterrolebinding {who}:auth-delegator "
                f"--clusterrole=system:auth-delegator --serviceaccount={who}",
            ),
        ),
    )


def lists_not_allowed(evidence: Evidence) -> Iterator[Finding]:
    """D50: the provider may not see the nodes or pods of the cluster."""
    denied = [words for words in _denied(evidence.rights) if words.split()[-1] in ("nodes", "pods")]
    if not denied or not reads_kubelets(evidence):
        return
    name, place = account(evidence), namespace(evidence)
    yield Finding(
        f"ServiceAccount {place}/{name}, the provider's, may not {', '.join(denied)}.",
        tuple(f"kubectl auth can-i {words} --as=system:serviceaccount:{place}:{name}: no" for words in denied),
        (
            Remedy(
                "Give it the right to see nodes and pods.",
                f"kubectl create clusterrole {name}-objects --verb=get,list,watch --resource=nodes,pods\n"
                f"kubectl create clusterrolebinding {name}-objects --clusterrole={name}-objects "
                f"--serviceaccount={place}:{name}",
            ),
        ),
    )


def _denied(rights: Mapping[str, Seen[Access]]) -> list[str]:
    return [words for words, answer in rights.items() if isinstance(answer, Access) and not answer.allowed]


def _refusal(evidence: Evidence) -> str:
    """Return what the Metrics API said to us when it refused."""
    for seen in (evidence.node_metrics, evidence.pod_metrics):
        if isinstance(seen, Unseen) and seen.code == 403:
            return seen.message
    return ""


def _user(refusal: str) -> str:
    found = _FORBIDDEN.search(refusal)
    return found[1] if found else ""
