"""From settings to what the parts are built from."""

from __future__ import annotations

import pytest
import yaml

from kubevitals import settings
from kubevitals.app import inputs
from kubevitals.errors import ConfigError


@pytest.fixture
def kubeconfig(tmp_path):
    """Write a kubeconfig for a server of a given name."""

    def write(name: str) -> str:
        config = {
            "clusters": [{"name": "c", "cluster": {"server": f"https://{name}:6443"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "current-context": "x",
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(config))
        return str(path)

    return write


def reviewer(flag: str, environ: dict[str, str], *argv: str):
    return inputs.reviewer(flag, "authentication", settings.parse(argv), environ, lambda: 0.0).server


def test_reviews_go_where_the_flags_say(kubeconfig):
    """Their own flag comes first, then the cluster around the process, then that of --kubeconfig."""
    own, general = kubeconfig("own"), f"--kubeconfig={kubeconfig('general')}"
    assert reviewer(own, {}, general) == "https://own:6443"
    assert reviewer("", {}, general) == "https://general:6443"


def test_without_any_cluster_the_error_is_upstreams_with_a_remedy():
    """The text is the one that people search for, and it ends with what to do."""
    with pytest.raises(ConfigError) as caught:
        reviewer("", {})
    assert str(caught.value) == (
        "failed to get delegated authentication kubeconfig: unable to load in-cluster configuration, "
        "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined; "
        "outside a cluster, name a kubeconfig with --kubeconfig"
    )


def test_a_kubelet_ca_that_is_none_stops_the_start(tmp_path):
    """The error names the file and what belongs into it."""
    path = tmp_path / "ca.crt"
    path.write_text("nothing")
    with pytest.raises(ConfigError, match=r"ca\.crt: no PEM certificate in it; give the CA"):
        inputs.kubelet_ca(settings.parse([f"--kubelet-certificate-authority={path}"]))


def test_a_kubelet_ca_is_read_again(tmp_path, pki):
    """A changed bundle is taken over, and a broken one is not."""
    path = tmp_path / "ca.crt"
    first, second = pki.Authority("one").pem, pki.Authority("two").pem
    path.write_bytes(first)
    file = inputs.kubelet_ca(settings.parse([f"--kubelet-certificate-authority={path}"]))
    assert file is not None
    path.write_bytes(second)
    assert (file.poll(), file.value) == (True, second)
    path.write_text("half")
    assert (file.poll(), file.value) == (False, second)


def test_a_kubelet_client_certificate_must_match_its_key(tmp_path, pki):
    """The pair is tried before the first kubelet sees it."""
    one, two = (pki.Authority().issue("metrics") for _ in range(2))
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    certificate.write_bytes(one.pem)
    argv = [f"--kubelet-client-certificate={certificate}", f"--kubelet-client-key={key}"]
    key.write_bytes(one.key_pem)
    pair = inputs.kubelet_pair(settings.parse(argv))
    assert pair is not None
    assert pair.value == (one.pem, one.key_pem)
    key.write_bytes(two.key_pem)
    with pytest.raises(ConfigError, match="does not belong to the certificate"):
        inputs.kubelet_pair(settings.parse(argv))


def test_header_flags_become_trust():
    """Every request-header flag reaches the part that judges callers."""
    flags = inputs.trust_flags(
        settings.parse(
            [
                "--requestheader-allowed-names=a,b",
                "--requestheader-uid-headers=x-uid",
                "--authentication-skip-lookup",
            ]
        )
    )
    assert (flags.requestheader_allowed_names, flags.requestheader_uid_headers, flags.lookup) == (
        ("a", "b"),
        ("x-uid",),
        False,
    )


@pytest.mark.parametrize(
    ("argv", "address"),
    [
        ("", ":10250"),
        ("--advertise-address=10.1.2.3", "10.1.2.3:10250"),
        ("--advertise-address=fd00::1", "[fd00::1]:10250"),
        ("--external-hostname=metrics.example.com", "metrics.example.com:10250"),
        ("--external-hostname=metrics.example.com:443 --advertise-address=10.1.2.3", "metrics.example.com:443"),
        ("--external-hostname=[fd00::1]:443", "[fd00::1]:443"),
    ],
)
def test_what_clients_are_told_as_address(argv, address):
    """A host name counts before an address, a port in it before our own, and without either only the port is told."""
    assert inputs.server_address(settings.parse(argv.split()), 10250) == address
