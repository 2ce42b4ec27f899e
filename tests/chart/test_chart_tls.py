"""How the API server verifies the server."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
from tests.chart.chart import NAMESPACE, Helm, Rendered
from tests.chart.secrets_api import LOOK_UP, cluster

NAME = "kv-kubevitals"
FILES = {"tls-cert-file": "/tmp/tls-certs/tls.crt", "tls-private-key-file": "/tmp/tls-certs/tls.key"}
PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
HELM = {"tls": {"type": "helm"}}


def bundles(rendered: Rendered) -> set[bytes | None]:
    """The caBundle of each APIService."""
    found = [each["spec"].get("caBundle") for each in rendered.all("APIService").values()]
    assert len(found) == 2
    return {None if each is None else base64.b64decode(each) for each in found}


def insecure(rendered: Rendered) -> set[bool | None]:
    return {each["spec"].get("insecureSkipTLSVerify") for each in rendered.all("APIService").values()}


def mounted(rendered: Rendered) -> list[str]:
    """The Secrets that pods mount."""
    return [each["secret"]["secretName"] for each in rendered.pod["volumes"] if "secret" in each]


def data(rendered: Rendered) -> dict[str, bytes]:
    """What is in the Secret that the chart makes."""
    return {key: base64.b64decode(value) for key, value in rendered.one("Secret")["data"].items()}


def test_both_versions_lead_to_the_service(default: Rendered):
    """v1beta1 has the higher priority, so that discovery names it first, as metrics-server's does."""
    found = {name: each["spec"] for name, each in default.all("APIService").items()}
    service = {"name": NAME, "namespace": NAMESPACE, "port": 443}
    assert found == {
        f"{version}.metrics.k8s.io": {
            "group": "metrics.k8s.io",
            "groupPriorityMinimum": 100,
            "version": version,
            "versionPriority": priority,
            "service": service,
        }
        for version, priority in {"v1beta1": 100, "v1": 50}.items()
    }


def test_verified_by_default(default: Rendered):
    """The server makes its certificate and writes caBundle; the chart leaves both fields to it."""
    assert default.flags["managed-tls"] == f"{NAMESPACE}/{NAME}"
    assert default.all("Secret").keys() == {f"{NAME}-tls"}
    assert (bundles(default), insecure(default), mounted(default)) == ({None}, {None}, [])


def test_unverified_when_asked_for(helm: Helm):
    """With insecureSkipTLSVerify the server shows any certificate, and nothing is kept."""
    rendered = helm.template({"apiService": {"insecureSkipTLSVerify": True}})
    assert insecure(rendered) == {True}
    assert "managed-tls" not in rendered.flags
    assert rendered.all("Secret") == {}


@pytest.mark.parametrize("kind", ["metrics-server", "helm", "existingSecret"])
def test_unverified_excludes_a_bundle(helm: Helm, kind: str):
    """The API server refuses an APIService that has both, so that the chart never renders both."""
    values = {"tls": {"type": kind}, "apiService": {"insecureSkipTLSVerify": True, "caBundle": PEM}}
    rendered = helm.template(values)
    assert (bundles(rendered), insecure(rendered)) == ({None}, {True})


@pytest.mark.parametrize(
    "values",
    [
        {"apiService": {"caBundle": PEM}},
        {"args": ["--tls-cert-file=/own/tls.crt", "--tls-private-key-file=/own/tls.key"]},
        {"apiService": {"create": False}},
    ],
    ids=["bundle", "files", "no APIService"],
)
def test_a_certificate_from_elsewhere(helm: Helm, values: dict[str, Any]):
    """Whoever brings a certificate or the APIServices gets no second certificate."""
    rendered = helm.template(values)
    assert "managed-tls" not in rendered.flags
    assert rendered.all("Secret") == {}
    if "caBundle" in values.get("apiService", {}):
        assert bundles(rendered) == {PEM.encode()}


def test_annotations_of_the_apiservices(helm: Helm):
    """Both APIServices have the annotations that are given."""
    annotations = {"example.com/a": "b"}
    rendered = helm.template({"apiService": {"annotations": annotations}})
    assert [each["metadata"]["annotations"] for each in rendered.all("APIService").values()] == [annotations] * 2


def test_helm_makes_an_authority_and_a_certificate(helm: Helm):
    """What is in caBundle verifies the certificate that is mounted, for the name that the API server asks for."""
    rendered = helm.template(HELM)
    made = data(rendered)
    assert rendered.one("Secret")["metadata"]["name"] == NAME
    assert (mounted(rendered), FILES.items() <= rendered.flags.items()) == ([NAME], True)
    assert bundles(rendered) == {made["ca.crt"]}
    verifies(made["ca.crt"], made["tls.crt"])


def test_helm_keeps_what_it_made(helm: Helm, tmp_path: Path):
    """An upgrade finds the certificate in the cluster, and takes that one."""
    before = data(helm.template(HELM))
    with cluster({NAME: before}, tmp_path) as found:
        rendered = helm.template(HELM, *LOOK_UP, found)
    assert (data(rendered), bundles(rendered)) == (before, {before["ca.crt"]})


def test_helm_keeps_what_metrics_servers_chart_made(helm: Helm, tmp_path: Path):
    """A Secret without an authority has a certificate that verifies itself."""
    before = data(helm.template(HELM))
    del before["ca.crt"]
    with cluster({NAME: before}, tmp_path) as found:
        rendered = helm.template(HELM, *LOOK_UP, found)
    assert bundles(rendered) == {before["tls.crt"]}
    assert data(rendered) == {**before, "ca.crt": before["tls.crt"]}


def test_helm_renews_when_asked(helm: Helm, tmp_path: Path):
    """A new authority stands beside the old one, which pods need until they have read the new certificate."""
    before = data(helm.template(HELM))
    with cluster({NAME: before}, tmp_path) as found:
        rendered = helm.template({"tls": {"type": "helm", "helm": {"lookup": False}}}, *LOOK_UP, found)
    after = data(rendered)
    (bundle,) = bundles(rendered)
    assert bundle == after["ca.crt"] + before["ca.crt"]
    assert before.items().isdisjoint(after.items())
    verifies(bundle, before["tls.crt"])
    verifies(bundle, after["tls.crt"])


def verifies(bundle: bytes, certificate: bytes) -> None:
    """Verify a certificate for the Service's name, as the API server does."""
    verifier = PolicyBuilder().store(Store(x509.load_pem_x509_certificates(bundle)))
    name = x509.DNSName(f"{NAME}.{NAMESPACE}.svc")
    verifier.build_server_verifier(name).verify(x509.load_pem_x509_certificate(certificate), [])


@pytest.mark.parametrize(
    ("secret", "values", "expected"),
    [
        ({"ca.crt": b"authority", "tls.crt": b"leaf"}, {}, b"authority"),
        ({"ca.crt": b"", "tls.crt": b"leaf"}, {}, b"leaf"),
        ({"tls.crt": b"leaf"}, {}, b"leaf"),
        ({"tls.crt": b"leaf"}, {"apiService": {"caBundle": PEM}}, PEM.encode()),
        ({}, {}, None),
    ],
    ids=["authority", "empty authority", "leaf", "given", "empty"],
)
def test_the_bundle_of_an_existing_secret(
    helm: Helm, tmp_path: Path, secret: dict[str, bytes], values: dict[str, Any], expected: bytes | None
):
    """The bundle comes from the Secret that is mounted, unless it is given."""
    existing = {"tls": {"type": "existingSecret", "existingSecret": {"name": "own"}}}
    with cluster({"own": secret}, tmp_path) as found:
        rendered = helm.template({**existing, **values}, *LOOK_UP, found)
    assert bundles(rendered) == {expected}
    assert (mounted(rendered), FILES.items() <= rendered.flags.items()) == (["own"], True)
    assert rendered.all("Secret") == {}


def test_an_existing_secret_need_not_be_looked_up(helm: Helm, tmp_path: Path):
    """With lookup off, caBundle is left to whoever fills it in; without a name the Secret has the full name."""
    values = {"tls": {"type": "existingSecret", "existingSecret": {"lookup": False}}}
    with cluster({NAME: {"tls.crt": b"leaf"}}, tmp_path) as found:
        rendered = helm.template(values, *LOOK_UP, found)
    assert (bundles(rendered), mounted(rendered)) == ({None}, [NAME])


def test_cert_manager_has_an_authority_of_its_own(helm: Helm):
    """The certificate descends from an authority that stays when it is renewed, and caBundle is injected."""
    rendered = helm.template({"tls": {"type": "cert-manager"}})
    certificates = rendered.all("Certificate")
    issuers = rendered.all("Issuer")
    leaf, authority = certificates[NAME]["spec"], certificates[f"{NAME}-ca"]["spec"]
    assert leaf["dnsNames"] == [f"{NAME}.{NAMESPACE}{end}" for end in ("", ".svc", ".svc.cluster.local")]
    assert issuers[leaf["issuerRef"]["name"]]["spec"] == {"ca": {"secretName": authority["secretName"]}}
    assert authority["isCA"] is True
    assert issuers[authority["issuerRef"]["name"]]["spec"] == {"selfSigned": {}}
    assert mounted(rendered) == [leaf["secretName"]] == [NAME]
    injected = [each["metadata"]["annotations"] for each in rendered.all("APIService").values()]
    assert injected == [{"cert-manager.io/inject-ca-from": f"{NAMESPACE}/{NAME}"}] * 2
    assert bundles(rendered) == {None}


def test_cert_manager_with_values(helm: Helm):
    """An issuer that is there, times, labels and annotations reach the Certificate."""
    given = {
        "existingIssuer": {"enabled": True, "kind": "ClusterIssuer", "name": "own"},
        "duration": "24h",
        "renewBefore": "8h",
        "labels": {"a": "b"},
        "annotations": {"c": "d"},
        "addInjectorAnnotations": False,
    }
    values = {"tls": {"type": "cert-manager", "certManager": given}, "apiService": {"caBundle": PEM}}
    rendered = helm.template(values)
    certificate = rendered.one("Certificate")
    assert certificate["spec"]["issuerRef"] == {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "own"}
    assert (certificate["spec"]["duration"], certificate["spec"]["renewBefore"]) == ("24h", "8h")
    assert certificate["metadata"]["annotations"] == {"c": "d"}
    assert certificate["metadata"]["labels"]["a"] == "b"
    assert rendered.all("Issuer") == {}
    assert bundles(rendered) == {PEM.encode()}
