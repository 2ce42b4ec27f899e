"""Who the server is, and what it may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.chart.chart import NAMESPACE, Helm, Rendered

NAME = "kv-kubevitals"
SELF = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
EXISTING = {"tls": {"type": "existingSecret"}}
SCRAPING = {
    ("", "nodes/metrics", "", "get"),
    *(("", resource, "", verb) for resource in ("nodes", "pods") for verb in ("get", "list", "watch")),
}
REGISTERING = {
    ("apiregistration.k8s.io", "apiservices", f"{version}.metrics.k8s.io", verb)
    for version in ("v1", "v1beta1")
    for verb in ("get", "patch")
}


def rights(role: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    """Every single right of a role: group, resource, object and verb."""

    def each() -> Iterator[tuple[str, str, str, str]]:
        for rule in role["rules"]:
            for name in rule.get("resourceNames", [""]):
                for resource in rule["resources"]:
                    for group in rule["apiGroups"]:
                        yield from ((group, resource, name, verb) for verb in rule["verbs"])

    return set(each())


def kept(secret: str) -> set[tuple[str, str, str, str]]:
    return {("", "secrets", secret, verb) for verb in ("get", "patch")}


@pytest.mark.parametrize(
    ("values", "in_the_cluster", "in_the_namespace"),
    [
        ({}, SCRAPING | REGISTERING, kept(f"{NAME}-tls")),
        ({"apiService": {"insecureSkipTLSVerify": True}}, SCRAPING, None),
        (EXISTING, SCRAPING, None),
        ({"tls": {"type": "cert-manager"}}, SCRAPING, None),
        ({**EXISTING, "kubeletPins": {"enabled": True}}, SCRAPING, kept(f"{NAME}-kubelet-pins")),
        ({**EXISTING, "events": {"enabled": True}}, SCRAPING, {("", "events", "", "create")}),
        (
            {"kubeletPins": {"enabled": True}, "events": {"enabled": True}},
            SCRAPING | REGISTERING,
            kept(f"{NAME}-tls") | kept(f"{NAME}-kubelet-pins") | {("", "events", "", "create")},
        ),
    ],
    ids=["default", "insecure", "existing", "cert-manager", "pins", "events", "all"],
)
def test_the_server_may_do_this_and_no_more(
    helm: Helm, values: dict[str, Any], in_the_cluster: set[Any], in_the_namespace: set[Any] | None
):
    """The roles have exactly what is used: no ConfigMap or Namespace of the cluster, and no Secret but its own."""
    rendered = helm.template(values)
    assert rights(rendered.all("ClusterRole")[f"system:{NAME}"]) == in_the_cluster
    roles = {name: rights(role) for name, role in rendered.all("Role").items()}
    assert roles == ({} if in_the_namespace is None else {NAME: in_the_namespace})


def test_bindings(helm: Helm):
    """Every role is bound to the server's account, and to nobody else."""
    rendered = helm.template({"events": {"enabled": True}})
    bindings = [*rendered.all("ClusterRoleBinding").values(), *rendered.all("RoleBinding").values()]
    assert [each["subjects"] for each in bindings] == [[SELF]] * 4
    assert {
        (each["metadata"].get("namespace"), each["roleRef"]["kind"], each["roleRef"]["name"]) for each in bindings
    } == {
        (None, "ClusterRole", f"system:{NAME}"),
        (None, "ClusterRole", "system:auth-delegator"),
        ("kube-system", "Role", "extension-apiserver-authentication-reader"),
        (NAMESPACE, "Role", NAME),
    }


def test_the_binding_in_kube_system_can_be_somebody_elses(helm: Helm):
    """Who may not write to kube-system leaves the binding there to somebody else, and keeps the rest."""
    with_it, without = helm.template(), helm.template({"rbac": {"authReader": False}})
    assert with_it.all("RoleBinding").keys() - without.all("RoleBinding").keys() == {f"{NAME}-auth-reader"}
    assert {each["metadata"].get("namespace") for each in without.objects} == {None, NAMESPACE}


def test_rights_can_be_left_to_somebody_else(helm: Helm):
    """Without rbac.create there is no role and no binding; the Secret that the server fills stays."""
    rendered = helm.template({"rbac": {"create": False}})
    assert {each["kind"] for each in rendered.objects} == {
        "APIService", "Deployment", "Secret", "Service", "ServiceAccount",
    }  # fmt: skip


def test_secrets_are_made_empty(helm: Helm):
    """A Secret that the server fills has no data, so that an upgrade leaves what is in it."""
    secrets = helm.template({"kubeletPins": {"enabled": True}}).all("Secret")
    assert secrets.keys() == {f"{NAME}-tls", f"{NAME}-kubelet-pins"}
    assert [(each["type"], each.keys() & {"data", "stringData"}) for each in secrets.values()] == [
        ("Opaque", set())
    ] * 2


def test_pins_are_kept_in_the_secret(helm: Helm):
    """The flag names the Secret that the server may patch."""
    assert helm.template({"kubeletPins": {"enabled": True}}).flags["kubelet-tls-pin"] == (
        f"secret:{NAMESPACE}/{NAME}-kubelet-pins"
    )


def test_who_views_may_read_metrics(default: Rendered):
    """The role for readers is part of view, edit and admin."""
    role = default.all("ClusterRole")[f"system:{NAME}-aggregated-reader"]
    assert rights(role) == {
        ("metrics.k8s.io", resource, "", verb) for resource in ("nodes", "pods") for verb in ("get", "list", "watch")
    }
    everyday = {f"rbac.authorization.k8s.io/aggregate-to-{name}": "true" for name in ("view", "edit", "admin")}
    assert everyday.items() <= role["metadata"]["labels"].items()


def test_further_viewers(helm: Helm, default: Rendered):
    """rbac.viewers binds the readers' role to users, groups and accounts."""
    viewers = [
        {"kind": "User", "name": "jane"},
        {"kind": "Group", "name": "developers"},
        {"kind": "ServiceAccount", "name": "a", "namespace": "b"},
        {"kind": "ServiceAccount", "name": "c"},
    ]
    binding = helm.template({"rbac": {"viewers": viewers}}).all("ClusterRoleBinding")[f"{NAME}-viewers"]
    group = "rbac.authorization.k8s.io"
    assert binding["roleRef"]["name"] == f"system:{NAME}-aggregated-reader"
    assert binding["subjects"] == [
        {"kind": "User", "name": "jane", "apiGroup": group},
        {"kind": "Group", "name": "developers", "apiGroup": group},
        {"kind": "ServiceAccount", "name": "a", "namespace": "b"},
        {"kind": "ServiceAccount", "name": "c", "namespace": NAMESPACE},
    ]
    assert f"{NAME}-viewers" not in default.all("ClusterRoleBinding")


@pytest.mark.parametrize(
    ("values", "name", "made"),
    [
        ({}, NAME, True),
        ({"serviceAccount": {"name": "own"}}, "own", True),
        ({"serviceAccount": {"name": "own", "create": False}}, "own", False),
        ({"serviceAccount": {"create": False}}, "default", False),
    ],
)
def test_service_account(helm: Helm, values: dict[str, Any], name: str, made: bool):
    """The account that is bound is the one that the pods run as."""
    rendered = helm.template(values)
    assert rendered.pod["serviceAccountName"] == name
    assert {each["subjects"][0]["name"] for each in rendered.all("ClusterRoleBinding").values()} == {name}
    assert list(rendered.all("ServiceAccount")) == ([name] if made else [])
