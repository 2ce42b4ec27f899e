"""What the server may do: the rules one by one, and who has them."""

from __future__ import annotations

import pytest
from tests.manifests.choices import CHOICES, find, ids

from kubevitals.manifests import Manifest, Options, objects

CORE, REGISTRATION = "", "apiregistration.k8s.io"
SCRAPING = {(CORE, "nodes/metrics"): "get"}
WHAT_EXISTS = {(CORE, "nodes"): "get list watch", (CORE, "pods"): "get list watch"}
OUR_APISERVICES = {
    (REGISTRATION, "apiservices", "v1.metrics.k8s.io"): "get patch",
    (REGISTRATION, "apiservices", "v1beta1.metrics.k8s.io"): "get patch",
}
TLS_SECRET = {(CORE, "secrets", "metrics-server-tls"): "get patch"}
PINS_SECRET = {(CORE, "secrets", "metrics-server-kubelet-pins"): "get patch"}
EVENTS = {(CORE, "events"): "create"}
INSECURE = {"insecure_skip_tls_verify": True}
# Roles that a cluster has before anything is installed.
BUILT_IN = {("ClusterRole", "system:auth-delegator"), ("Role", "extension-apiserver-authentication-reader")}


def granted(role: Manifest) -> dict[tuple[str, ...], str]:
    """The verbs by API group, resource and, where it is limited to one, the object's name."""
    found: dict[tuple[str, ...], str] = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames", [None]):
                    key = (group, resource) if name is None else (group, resource, name)
                    assert key not in found
                    found[key] = " ".join(rule["verbs"])
    return found


@pytest.mark.parametrize(
    ("choice", "rights"),
    [({}, SCRAPING | WHAT_EXISTS | OUR_APISERVICES), (INSECURE, SCRAPING | WHAT_EXISTS)],
    ids=["verified", "not verified"],
)
def test_rights_in_the_whole_cluster(choice: dict[str, bool], rights: dict[tuple[str, ...], str]) -> None:
    """Reading kubelets, knowing nodes and pods, and our own two APIServices; nothing else."""
    assert granted(find(Options(**choice), "ClusterRole", "system:metrics-server")) == rights


@pytest.mark.parametrize(
    ("choice", "rights"),
    [
        ({}, TLS_SECRET),
        ({"pins": True}, TLS_SECRET | PINS_SECRET),
        ({"events": True}, TLS_SECRET | EVENTS),
        ({"events": True, "pins": True}, TLS_SECRET | PINS_SECRET | EVENTS),
        ({"pins": True} | INSECURE, PINS_SECRET),
        ({"events": True} | INSECURE, EVENTS),
    ],
    ids=str,
)
def test_rights_in_its_own_namespace(choice: dict[str, bool], rights: dict[tuple[str, ...], str]) -> None:
    """One rule for each option that needs one, on one object by its name where that is possible."""
    assert granted(find(Options(**choice), "Role")) == rights


def test_readers_get_their_right_with_the_everyday_roles() -> None:
    """Who may view a namespace may also see what its pods use; the rule is metrics-server's."""
    role = find(Options(), "ClusterRole", "system:aggregated-metrics-reader")
    read = "get list watch"
    assert granted(role) == {("metrics.k8s.io", "pods"): read, ("metrics.k8s.io", "nodes"): read}
    aggregated = {name.rpartition("/")[2]: value for name, value in role["metadata"]["labels"].items() if "/" in name}
    assert aggregated == {"aggregate-to-view": "true", "aggregate-to-edit": "true", "aggregate-to-admin": "true"}


@pytest.mark.parametrize("options", CHOICES, ids=ids)
def test_every_role_and_every_subject_exists(options: Options) -> None:
    """A binding gives a role that is printed too, or that every cluster has, to the account of the pods."""
    manifests = objects(options)
    accounts = {
        (each["metadata"]["name"], each["metadata"]["namespace"])
        for each in manifests
        if each["kind"] == "ServiceAccount"
    }
    roles = {(each["kind"], each["metadata"]["name"]) for each in manifests} | BUILT_IN
    bindings = [each for each in manifests if each["kind"].endswith("Binding")]
    for binding in bindings:
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in roles
        assert {(subject["name"], subject["namespace"]) for subject in binding["subjects"]} == accounts
    used = find(options, "Deployment")
    assert (used["spec"]["template"]["spec"]["serviceAccountName"], used["metadata"]["namespace"]) in accounts


@pytest.mark.parametrize("options", CHOICES, ids=ids)
def test_every_role_is_bound_where_it_is(options: Options) -> None:
    """A role without a binding gives nothing; only the readers' role is bound by aggregation."""
    manifests = objects(options)
    roles = {
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in manifests
        if each["kind"] in ("Role", "ClusterRole")
    }
    bound = {
        (each["roleRef"]["kind"], each["metadata"].get("namespace"), each["roleRef"]["name"])
        for each in manifests
        if each["kind"].endswith("Binding")
    }
    assert roles - bound == {("ClusterRole", None, "system:aggregated-metrics-reader")}


def test_the_authentication_reader_is_bound_in_kube_system() -> None:
    """That role is in kube-system, wherever the server runs."""
    binding = find(Options(namespace="monitoring"), "RoleBinding", "metrics-server-auth-reader")
    assert binding["metadata"]["namespace"] == "kube-system"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "metrics-server", "namespace": "monitoring"}]
