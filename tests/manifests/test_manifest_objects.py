"""The objects: which there are, and that they fit together."""

from __future__ import annotations

import pytest
from tests.manifests.choices import CHOICES, container, find, ids, leaves, pod

from kubevitals import settings
from kubevitals.errors import UsageError
from kubevitals.manifests import Options, objects

# A flag that the server does not have yet cannot be checked; the day it has it, it is.

every_choice = pytest.mark.parametrize("options", CHOICES, ids=ids)


def identities(options: Options) -> list[tuple[str, str, str]]:
    return [
        (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in objects(options)
    ]


def test_the_usual_objects_in_the_order_of_installation() -> None:
    """The names are those that other tools know, and nothing comes before what it refers to."""
    assert identities(Options()) == [
        ("ServiceAccount", "kube-system", "metrics-server"),
        ("Secret", "kube-system", "metrics-server-tls"),
        ("ClusterRole", "", "system:aggregated-metrics-reader"),
        ("ClusterRole", "", "system:metrics-server"),
        ("ClusterRoleBinding", "", "system:metrics-server"),
        ("ClusterRoleBinding", "", "metrics-server:system:auth-delegator"),
        ("Role", "kube-system", "metrics-server"),
        ("RoleBinding", "kube-system", "metrics-server"),
        ("RoleBinding", "kube-system", "metrics-server-auth-reader"),
        ("Service", "kube-system", "metrics-server"),
        ("Deployment", "kube-system", "metrics-server"),
        ("APIService", "", "v1beta1.metrics.k8s.io"),
        ("APIService", "", "v1.metrics.k8s.io"),
    ]


def test_without_verification_there_is_no_secret_and_no_role() -> None:
    """Whoever skips verification gets what metrics-server's own manifests have, and not an object more."""
    gone = {
        ("Secret", "kube-system", "metrics-server-tls"),
        ("Role", "kube-system", "metrics-server"),
        ("RoleBinding", "kube-system", "metrics-server"),
    }
    assert set(identities(Options())) - set(identities(Options(insecure_skip_tls_verify=True))) == gone


def test_another_namespace_and_name_reach_every_object() -> None:
    """Only what belongs to the API server or to all metrics servers keeps its place and name."""
    found = identities(Options(namespace="monitoring", name="kv", replicas=2, pins=True))
    assert [entry for entry in found if entry[1] == "kube-system"] == [("RoleBinding", "kube-system", "kv-auth-reader")]
    assert [entry for entry in found if entry[1] == "" and "kv" not in entry[2]] == [
        ("ClusterRole", "", "system:aggregated-metrics-reader"),
        ("APIService", "", "v1beta1.metrics.k8s.io"),
        ("APIService", "", "v1.metrics.k8s.io"),
    ]


@every_choice
def test_no_object_is_there_twice(options: Options) -> None:
    """Kind, namespace and name are unique, or one would replace the other."""
    found = identities(options)
    assert len(set(found)) == len(found)


@every_choice
def test_every_object_carries_the_label(options: Options) -> None:
    """All of them can be found, and pruned, by one label."""
    assert {each["metadata"]["labels"]["k8s-app"] for each in objects(options)} == {options.name}


@every_choice
def test_the_fields_stand_in_the_usual_order(options: Options) -> None:
    """Every object begins with apiVersion, kind and metadata; a spec or its like follows."""
    assert {tuple(each)[:3] for each in objects(options)} == {("apiVersion", "kind", "metadata")}
    assert {next(iter(each["metadata"])) for each in objects(options)} == {"name"}


@every_choice
def test_nothing_is_null_or_empty_text(options: Options) -> None:
    """A null would delete a field when applied; an empty text names nothing but the core API group."""
    assert [each for each in objects(options) if None in leaves(each)] == []
    empty = [each for each in objects(options) if "" in leaves(each)]
    assert {each["kind"] for each in empty} <= {"Role", "ClusterRole"}


@every_choice
def test_selectors_match_the_pods(options: Options) -> None:
    """Service, Deployment, budget and anti-affinity all mean the pods of the template."""
    deployment = find(options, "Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    selectors = [find(options, "Service")["spec"]["selector"], deployment["selector"]["matchLabels"]]
    if options.replicas > 1:
        selectors.append(find(options, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"])
        (term,) = pod(options)["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        selectors.append(term["podAffinityTerm"]["labelSelector"]["matchLabels"])
    assert [selector for selector in selectors if not selector or not selector.items() <= labels.items()] == []


@every_choice
def test_ports_lead_from_the_apiservice_to_the_server(options: Options) -> None:
    """APIService, Service, container, probes and the flag name one and the same port."""
    (port,) = container(options)["ports"]
    (service_port,) = find(options, "Service")["spec"]["ports"]
    probes = [container(options)[f"{probe}Probe"]["httpGet"] for probe in ("liveness", "readiness")]
    assert {service_port["targetPort"], *(probe["port"] for probe in probes)} == {port["name"]}
    for version in ("v1beta1", "v1"):
        reference = find(options, "APIService", f"{version}.metrics.k8s.io")["spec"]["service"]
        assert reference == {"name": options.name, "namespace": options.namespace, "port": service_port["port"]}
    assert accepted(options).secure_port == port["containerPort"]


@every_choice
def test_the_server_accepts_its_flags(options: Options) -> None:
    """What is printed starts: no flag is unknown, out of range, without effect or given twice."""
    chosen = accepted(options)
    assert (chosen.warnings, chosen.alarms) == ((), ())
    names = [argument.partition("=")[0] for argument in container(options)["args"]]
    assert len(set(names)) == len(names)


def test_v1beta1_stays_the_preferred_version() -> None:
    """The aggregator sorts by versionPriority, and puts v1 first where that is equal."""
    beta, stable = (find(Options(), "APIService", f"{version}.metrics.k8s.io")["spec"] for version in ("v1beta1", "v1"))
    assert beta["groupPriorityMinimum"] == stable["groupPriorityMinimum"] == 100
    assert 100 == beta["versionPriority"] > stable["versionPriority"] > 0


def test_the_api_server_verifies_unless_it_is_told_not_to() -> None:
    """By default neither a CA, which the server writes, nor the leave to do without."""
    for version in ("v1beta1", "v1"):
        name = f"{version}.metrics.k8s.io"
        assert find(Options(), "APIService", name)["spec"].keys().isdisjoint({"caBundle", "insecureSkipTLSVerify"})
        insecure = find(Options(insecure_skip_tls_verify=True), "APIService", name)["spec"]
        assert insecure["insecureSkipTLSVerify"] is True
        assert "caBundle" not in insecure


@every_choice
def test_secrets_are_printed_empty(options: Options) -> None:
    """Data in a manifest would replace what the server has put there, each time the manifest is applied."""
    secrets = [each for each in objects(options) if each["kind"] == "Secret"]
    assert [each for each in secrets if each.keys() != {"apiVersion", "kind", "metadata", "type"}] == []
    assert {each["metadata"]["namespace"] for each in secrets} <= {options.namespace}


def test_problems_are_told_and_not_printed() -> None:
    """Options that cannot be make no objects."""
    with pytest.raises(UsageError, match="--name"):
        objects(Options(name="No Name"))


def accepted(options: Options) -> settings.Settings:
    """What the server understands by the container's arguments; a UsageError where it would not start."""
    arguments = container(options)["args"]
    return settings.parse(arguments)
