"""Do the kubelets accept who the provider is, and what it asks for? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kubevitals.doctor.evidence import Access, Evidence, Unseen
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.groups import Group, finding, group, how_many, named
from kubevitals.doctor.running import account, age, flag, namespace, reads_kubelets, restart
from kubevitals.doctor.troubles import setting
from kubevitals.doctor.words import shortened

_HOUR = 3600.0  # seconds that a token of a pod is good for, at least
_WEBHOOK = """\
# on each of these nodes, in /var/lib/kubelet/config.yaml:
authentication:
  webhook:
    enabled: true
authorization:
  mode: Webhook
# and then there:
systemctl restart kubelet"""
_RULE = """\
kubectl apply -f - <<'EOF'
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: system:{account}:kubelets
rules:
- apiGroups: [""]
  resources: ["{resource}"]
  verbs: ["get"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: system:{account}:kubelets
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: system:{account}:kubelets
subjects:
- kind: ServiceAccount
  name: {account}
  namespace: {namespace}
EOF"""


def not_authenticated(evidence: Evidence) -> Iterator[Finding]:
    """D27: kubelets answer 401, as they take no tokens, or not this one."""
    found = group(evidence, "D27")
    if not found:
        return
    off = _without_webhook(evidence, found)
    summary = f"The kubelets of {how_many(evidence, found)} do not accept the provider's token: 401 Unauthorized."
    old = age(evidence)
    lines = list(_settings(evidence, found))
    if not off and old is not None and old > _HOUR:
        lines.append(f"the provider has run for {old / _HOUR:.0f} h; old ones keep a token that ended after one")
    reach = Remedy(
        "Or see why these kubelets cannot ask the API server about a token: they answer 401 then, too.",
        "journalctl -u kubelet | grep -i 'Unable to authenticate'  # on a node",
    )
    stale = Remedy("Restart the provider, in case that it sends a token that has ended.", restart(evidence))
    remedies = [_enable_webhook()] if off else [stale, reach, *([] if _known(evidence, found) else [_enable_webhook()])]
    yield finding(evidence, found, summary, remedies, lines)


def anonymous(evidence: Evidence) -> Iterator[Finding]:
    """D28: kubelets look at no token, and let in anybody as system:anonymous, who then may do nothing."""
    found = group(evidence, "D28")
    if not found:
        return
    summary = (
        f"The kubelets of {how_many(evidence, found)} take the provider for system:anonymous: they do not look at its "
        "token."
    )
    remedies = [_enable_webhook()]
    left = [name for name in ("--kubelet-client-certificate", "--kubelet-client-key") if flag(evidence, name)]
    if left:
        text = f"Or remove {' and '.join(left)} from the provider, so that it sends its token."
        remedies.append(Remedy(text, f"kubectl -n {namespace(evidence)} edit deployment"))
    yield finding(evidence, found, summary, remedies, list(_settings(evidence, found)))


def not_authorized(evidence: Evidence) -> Iterator[Finding]:
    """D29: the provider's ServiceAccount has no right to nodes/metrics."""
    found = group(evidence, "D29")
    right = evidence.rights.get("get nodes/metrics")
    denied = isinstance(right, Access) and not right.allowed
    unmeasured = isinstance(evidence.node_metrics, Unseen) or not evidence.node_metrics
    if not found and not (denied and unmeasured and reads_kubelets(evidence)):
        return
    resource = "nodes/stats" if any("subresource=stats" in trouble.said for trouble in found) else "nodes/metrics"
    who = f"{namespace(evidence)}/{account(evidence)}"
    line = f"kubectl auth can-i get nodes/metrics --as=system:serviceaccount:{who.replace('/', ':')}"
    lines = [f"{line}: {'no' if denied else 'yes'}"] if isinstance(right, Access) else []
    grant = Remedy(
        f"Give it the right to get {resource}; kubelets remember a refusal for 30 seconds.",
        _RULE.format(account=account(evidence), namespace=namespace(evidence), resource=resource),
    )
    mode = Remedy("Let these kubelets ask the API server what a caller may do.", _WEBHOOK)
    if denied or resource == "nodes/stats" or not isinstance(right, Access):
        summary, remedies = f"ServiceAccount {who}, the provider's, has no right to get {resource}.", [grant]
    else:
        summary = f"The kubelets of {how_many(evidence, found)} refuse ServiceAccount {who}, though it has the right."
        remedies = [mode]
    if found:
        yield finding(evidence, found, summary, remedies, [*lines, *_settings(evidence, found)])
    else:
        yield Finding(summary, tuple(lines), tuple(remedies))


def _settings(evidence: Evidence, found: Group) -> Iterator[str]:
    """Yield, once for each combination, what kubelets of a group are configured to do with callers."""
    alike: dict[str, list[str]] = {}
    for trouble in found:
        view = evidence.kubelets.get(trouble.node)
        if view is None or isinstance(view.config, Unseen):
            continue
        webhook = setting(view, "authentication", "webhook", "enabled") is True
        others = setting(view, "authentication", "anonymous", "enabled") is True
        words = f"webhook authentication {_on(webhook)}, anonymous {_on(others)}"
        words += f", authorization {setting(view, 'authorization', 'mode') or 'unknown'}"
        alike.setdefault(words, []).append(trouble.node)
    for words, nodes in alike.items():
        yield f"configz of {named(nodes)}: {shortened(words)}"


def _on(value: bool) -> str:
    return "on" if value else "off"


def _known(evidence: Evidence, found: Group) -> bool:
    return bool(list(_settings(evidence, found)))


def _without_webhook(evidence: Evidence, found: Group) -> list[str]:
    views = {trouble.node: evidence.kubelets.get(trouble.node) for trouble in found}
    return [
        name for name, view in views.items() if view and setting(view, "authentication", "webhook", "enabled") is False
    ]


def _enable_webhook() -> Remedy:
    return Remedy("Let these kubelets ask the API server whose token it is, and what the bearer may do.", _WEBHOOK)
