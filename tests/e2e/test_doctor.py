"""``kubevitals doctor`` in a real control plane: what it finds, and that its remedies are typed as they are printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.e2e import objects
from tests.e2e.doctoring import Patient, gone
from tests.e2e.test_install_rights import DELEGATOR, READER, ROLE, without
from tests.processes import eventually

pytestmark = pytest.mark.e2e

REGISTRATIONS = "/apis/apiregistration.k8s.io/v1/apiservices"
MAIN = f"{REGISTRATIONS}/v1beta1.metrics.k8s.io"
ALL_READING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
REVIEWING = {
    "apiGroups": ["authorization.k8s.io"],
    "resources": ["subjectaccessreviews", "selfsubjectaccessreviews"],
    "verbs": ["create"],
}
Manifest = objects.Manifest


class Case(NamedTuple):
    """A right of the provider that is missing.

    Args:
        path: of the role or binding it comes from.
        rules: what the role has left of the installed rules; None where the binding is gone.
        evidence: words of what is found.
        made: what the remedy makes, to be removed afterwards.
    """

    path: str
    rules: Callable[[list[Manifest]], list[Manifest]] | None
    evidence: tuple[str, ...]
    made: tuple[str, ...] = ()


CASES: Mapping[str, Case] = {
    "D17": Case(
        READER,
        None,
        ("can-i get configmap/extension-apiserver-authentication -n kube-system", "kube-system:metrics-server: no"),
    ),
    "D18": Case(
        DELEGATOR,
        None,
        ("ServiceAccount kube-system/metrics-server", "create tokenreviews", "create subjectaccessreviews"),
    ),
    "D29": Case(
        ROLE,
        without("resources", "nodes/metrics"),
        ("no right to get nodes/metrics", "--as=system:serviceaccount:kube-system:metrics-server: no", "403"),
        ("clusterroles/system:metrics-server:kubelets", "clusterrolebindings/system:metrics-server:kubelets"),
    ),
    "D50": Case(
        ROLE,
        without("resources", "nodes"),
        ("may not list nodes, watch nodes", "can-i list nodes --as=system:serviceaccount:kube-system:metrics-server"),
        ("clusterroles/metrics-server-objects", "clusterrolebindings/metrics-server-objects"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def reader(patient: Patient) -> Path:
    """Somebody who may see everything and change nothing."""
    return patient.granted("reader", [ALL_READING, REVIEWING])


def test_an_installation_is_what_helps_where_there_is_none(patient: Patient) -> None:
    """D01: nothing but the remedy was applied, and all is well."""
    assert patient.before.rows == ["D01"]
    assert patient.before.says("D01", "none of", "404")
    seen = patient.healed()
    assert {walked["state"] for walked in seen.report["hops"]} == {"ok"}
    assert seen.unseen == {}
    assert "All is well" in patient.doctor().stdout


@pytest.mark.parametrize("row", CASES)
def test_a_right_that_the_provider_lacks(patient: Patient, reader: Path, row: str) -> None:
    """It is found first, by whoever may see it, and the remedy gives it back."""
    case, admin = CASES[row], patient.plane.admin
    try:
        if case.rules is None:
            admin.delete(case.path)
        else:
            admin.patch(case.path, {"rules": case.rules(admin.get(case.path)["rules"])})
        patient.kubelets.forget()
        seen = patient.found_first(row)
        assert seen.says(row, *case.evidence)
        assert patient.diagnose(kubeconfig=reader).rows == seen.rows
        patient.run_command(seen.remedy(row))
        patient.healed()
    finally:
        patient.run_command("kubevitals manifests | kubectl apply -f -")
        for made in case.made:
            gone(patient, f"{objects.RBAC}/{made}")


def test_a_reader_without_rights(patient: Patient) -> None:
    """D16: the administrator binds what is printed; what else is not to be seen is told, and nothing is made up."""
    nobody = patient.user("nobody")
    seen = patient.found_first("D16", kubeconfig=nobody)
    assert seen.rows == ["D16"]
    assert seen.says("D16", "nobody may not read metrics", "403", "can-i list pods.metrics.k8s.io: no")
    assert set(seen.unseen.values()) == {403}
    patient.run_command(seen.remedy("D16"))

    def allowed() -> bool:  # the provider remembers a refusal for a while
        unseen = patient.healed(kubeconfig=nobody).unseen
        return "/apis/metrics.k8s.io/v1beta1/nodes" not in unseen and "/api/v1/nodes" in unseen

    eventually(allowed, within=30, every=0.5)
    assert "Nothing is wrong with what could be looked at." in patient.doctor(kubeconfig=nobody).stdout


def test_a_viewer_is_told_what_is_not_to_be_seen(patient: Patient) -> None:
    """The ClusterRole view reads metrics and pods, and neither nodes nor registrations."""
    seen = patient.healed(kubeconfig=patient.bound("viewer", "view"))
    assert set(seen.unseen) >= {"/api/v1/nodes", REGISTRATIONS}
    assert seen.state("registration of the Metrics API") == "unseen: could not be looked at"
    assert seen.state("what the kubelets report").startswith("ok: 4 pods measured")
    assert "kubelets asked" not in seen.state("what the kubelets report")


def test_who_has_rights_in_one_namespace_is_told_so(patient: Patient) -> None:
    """What is true of the namespace of the kubeconfig is not denied, and its pods can be examined by name."""
    for path, manifest in objects.reader("team-a", "member"):
        patient.plane.admin.post(path, manifest)
    config = json.loads(patient.user("member").read_text())
    config["contexts"][0]["context"]["namespace"] = "team-a"
    own = patient.folder / "member.kubeconfig"
    own.write_text(json.dumps(config))
    seen = patient.found_first("D16", kubeconfig=own)
    assert seen.finding("D16")["summary"] == "member may not read metrics but those of pods in namespace team-a."
    assert patient.diagnose("pod", "web-1", "-n", "team-a").report["subject"]["title"] == "pod team-a/web-1"


def test_reading_suffices(patient: Patient, reader: Path) -> None:
    """Who may get, list, watch and ask for reviews sees all that an administrator sees."""
    seen = patient.healed(kubeconfig=reader)
    assert seen.unseen == {}
    states = [(walked["hop"], walked["state"]) for walked in seen.report["hops"]]
    assert states == [(walked["hop"], walked["state"]) for walked in patient.healed().report["hops"]]


@pytest.mark.parametrize("number", [0, 1])
def test_a_registration_that_leads_nowhere(patient: Patient, number: int) -> None:
    """D04: both remedies help, one after names are filled in as its first line prints them."""
    patient.plane.admin.patch(MAIN, {"spec": {"service": {"name": "renamed"}}})
    seen = patient.found_first("D04")
    assert seen.says("D04", "Service kube-system/renamed, which does not exist", "ServiceNotFound")
    looking, _, leading = seen.remedy("D04", number).partition("\n")
    told = patient.run_command(looking)
    if number == 0:
        namespace, name, *_ = told.splitlines()[1].split()
        leading = leading.replace("NAMESPACE", namespace).replace("NAME", name)
    patient.run_command(leading)
    patient.healed()


def test_somebody_elses_registration_that_is_left_over(patient: Patient) -> None:
    """D40: it holds up a namespace that is to go; when it is removed, the namespace goes."""
    admin = patient.plane.admin
    service = {"namespace": "default", "name": "gone", "port": 443}
    group = {"group": "left.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100}
    registration = {"spec": group | {"service": service, "insecureSkipTLSVerify": True}}
    admin.post(*objects.namespace("doomed"))
    admin.post(REGISTRATIONS, {"metadata": {"name": "v1.left.example.com"}} | registration)
    patient.found_first("D40")
    admin.delete(f"{objects.CORE}/namespaces/doomed")

    def stuck() -> bool:
        return patient.found_first("D40").says("D40", "ServiceNotFound", "namespace doomed: ", "DiscoveryFail")

    eventually(stuck, within=30, every=1)
    patient.run_command(patient.found_first("D40").remedy("D40", 1))
    patient.healed()
    eventually(lambda: "doomed" not in [row[0] for row in patient.rows("get", "namespaces")], within=60)
