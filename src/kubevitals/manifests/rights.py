"""Who the server is in the cluster, what it keeps there, and what it may do; ``docs/security.md`` says why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kubevitals.manifests.options import SYSTEM, Options
from kubevitals.manifests.registration import API_SERVICES
from kubevitals.manifests.shape import NO_LABELS, Manifest, manifest

_GROUP = "rbac.authorization.k8s.io"
_RBAC = f"{_GROUP}/v1"
_READ = ("get", "list", "watch")
_KEEP = ("get", "patch")


def identity(options: Options) -> Iterator[Manifest]:
    """Yield the ServiceAccount, and the Secrets that the server fills.

    The Secrets are created empty because a right to create cannot be limited to a name, while one to patch can. They
    have no ``data``, so that applying the manifests again leaves what the server has put there.
    """
    yield manifest("v1", "ServiceAccount", options, options.name, namespace=options.namespace)
    for name in _secrets(options):
        yield manifest("v1", "Secret", options, name, namespace=options.namespace) | {"type": "Opaque"}


def cluster_wide(options: Options) -> Iterator[Manifest]:
    """Yield the roles of the whole cluster, the one for readers included, and their bindings."""
    everyday = {f"{_GROUP}/aggregate-to-{role}": "true" for role in ("view", "edit", "admin")}
    # No version serves watches; the verb is there because metrics-server's role has it, and clients ask about it.
    readers = [_rule("metrics.k8s.io", ("pods", "nodes"), _READ)]
    yield _role(options, "system:aggregated-metrics-reader", readers, labels=everyday)
    own, reviews = f"system:{options.name}", "system:auth-delegator"
    yield _role(options, own, list(_cluster_rules(options)))
    yield _binding(options, own, "ClusterRole", own)
    yield _binding(options, f"{options.name}:{reviews}", "ClusterRole", reviews)


def namespaced(options: Options) -> Iterator[Manifest]:
    """Yield the role in the server's own namespace where it needs one, and the bindings in namespaces."""
    if rules := list(_own_rules(options)):
        yield _role(options, options.name, rules, namespace=options.namespace)
        yield _binding(options, options.name, "Role", options.name, namespace=options.namespace)
    # The role belongs to the API server, and is in kube-system wherever the server runs.
    reader = "extension-apiserver-authentication-reader"
    yield _binding(options, f"{options.name}-auth-reader", "Role", reader, namespace=SYSTEM)


def _cluster_rules(options: Options) -> Iterator[Manifest]:
    yield _rule("", ("nodes/metrics",), ("get",))
    yield _rule("", ("nodes", "pods"), _READ)
    if not options.insecure_skip_tls_verify:
        yield _rule("apiregistration.k8s.io", ("apiservices",), _KEEP, API_SERVICES)


def _own_rules(options: Options) -> Iterator[Manifest]:
    if secrets := _secrets(options):
        yield _rule("", ("secrets",), _KEEP, secrets)
    if options.events:
        yield _rule("", ("events",), ("create",))


def _secrets(options: Options) -> list[str]:
    tls = [] if options.insecure_skip_tls_verify else [options.tls_secret]
    return tls + ([options.pins_secret] if options.pins else [])


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str], names: Sequence[str] = ()) -> Manifest:
    """Return a rule; ``names`` limits it to single objects."""
    rule: Manifest = {"apiGroups": [group], "resources": list(resources)}
    if names:
        rule["resourceNames"] = list(names)
    return rule | {"verbs": list(verbs)}


def _role(
    options: Options, name: str, rules: list[Manifest], *, namespace: str = "", labels: Mapping[str, str] = NO_LABELS
) -> Manifest:
    kind = "Role" if namespace else "ClusterRole"
    return manifest(_RBAC, kind, options, name, namespace=namespace, labels=labels) | {"rules": rules}


def _binding(options: Options, name: str, kind: str, role: str, *, namespace: str = "") -> Manifest:
    """Return a binding of the server's ServiceAccount, for the cluster or a namespace."""
    binding = manifest(_RBAC, "RoleBinding" if namespace else "ClusterRoleBinding", options, name, namespace=namespace)
    subject = {"kind": "ServiceAccount", "name": options.name, "namespace": options.namespace}
    return binding | {"roleRef": {"apiGroup": _GROUP, "kind": kind, "name": role}, "subjects": [subject]}
