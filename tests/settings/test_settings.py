"""Settings: from an argument list to what the server does, or to every problem at once."""

from __future__ import annotations

import dataclasses
from typing import get_type_hints

import pytest

from kubevitals import settings
from kubevitals.errors import UsageError
from kubevitals.settings import Settings
from kubevitals.settings.flags import FLAGS
from kubevitals.settings.pflag import SniCertKey

MANIFEST = [
    "--cert-dir=/tmp",
    "--secure-port=10250",
    "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
    "--kubelet-use-node-status-port",
    "--metric-resolution=15s",
]


def test_the_defaults_are_upstreams() -> None:
    """Without arguments the server behaves as metrics-server does without arguments."""
    parsed = settings.parse([])

    assert parsed.metric_resolution == 60.0
    assert parsed.secure_port == 443
    assert parsed.bind_address == "0.0.0.0"
    assert parsed.cert_dir == "apiserver.local.config/certificates"
    assert parsed.kubelet_port == 10250
    assert parsed.kubelet_request_timeout == 10.0
    assert parsed.kubelet_preferred_address_types == (
        "Hostname",
        "InternalDNS",
        "InternalIP",
        "ExternalDNS",
        "ExternalIP",
    )
    assert parsed.authorization_always_allow_paths == ("/healthz", "/readyz", "/livez")
    assert parsed.requestheader_username_headers == ("x-remote-user",)
    assert parsed.max_requests_inflight == 400
    assert parsed.request_timeout == 60.0
    assert (parsed.logging_format, parsed.v) == ("text", 0)
    assert (parsed.warnings, parsed.alarms) == ((), ())


def test_the_manifests_arguments_are_understood() -> None:
    """The arguments of metrics-server's own manifest give what they say."""
    parsed = settings.parse(MANIFEST)

    assert parsed.cert_dir == "/tmp"
    assert parsed.secure_port == 10250
    assert parsed.kubelet_preferred_address_types == ("InternalIP", "ExternalIP", "Hostname")
    assert parsed.kubelet_use_node_status_port is True
    assert parsed.metric_resolution == 15.0


def test_durations_are_seconds() -> None:
    """Go durations become seconds with their fraction."""
    parsed = settings.parse(["--kubelet-request-timeout=1500ms", "--shutdown-delay-duration", "1m1s"])

    assert parsed.kubelet_request_timeout == 1.5
    assert parsed.shutdown_delay_duration == 61.0


def test_short_flags_and_certificates_are_understood() -> None:
    """-v, -l and the pairs for further host names arrive."""
    parsed = settings.parse(["-v=4", "-l", "a=b", "--tls-sni-cert-key=c,k:example.com"])

    assert parsed.v == 4
    assert parsed.node_selector == "a=b"
    assert parsed.tls_sni_cert_key == (SniCertKey("c", "k", ("example.com",)),)


def test_every_problem_is_reported() -> None:
    """Spelling, values and rules are told in one go, one line each."""
    with pytest.raises(UsageError) as refused:
        settings.parse(["--logtostderr", "--metric-resolution=5s", "--v=x", "--kubelet-client-key=k"])

    assert refused.value.problems == (
        "unknown flag: --logtostderr",
        'invalid argument "x" for "-v, --v" flag: strconv.ParseUint: parsing "x": invalid syntax',
        "need both --kubelet-client-key and --kubelet-client-certificate",
        "metric-resolution should be a time duration at least 10s, but value 5s provided",
    )


def test_settings_and_table_agree() -> None:
    """Every implemented flag has an attribute of its type and the other way round."""
    implemented = {flag.attribute for flag in FLAGS if flag.mark == "implemented"} - {"help", "version"}
    hints = get_type_hints(Settings)

    assert {field.name for field in dataclasses.fields(Settings)} - {"warnings", "alarms"} == implemented
    parsed = settings.parse([])
    for name in implemented:
        hint = hints[name]
        assert isinstance(getattr(parsed, name), getattr(hint, "__origin__", hint)), name


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        (["--help"], True),
        (["-h"], True),
        (["--nope", "-v=1", "-h"], True),
        (["--help=false"], False),
        (["--kubeconfig", "--help"], False),
        (["--", "--help"], False),
        ([], False),
    ],
)
def test_help_is_wanted(argv: list[str], wanted: bool) -> None:
    """Help is asked for by a flag, also beside mistakes, and not by another flag's value."""
    assert settings.wants_help(argv) is wanted


@pytest.mark.parametrize(
    ("argv", "wanted"), [(["--version"], True), (["--version=0"], False), (["version"], False), (["-v=1"], False)]
)
def test_the_version_is_wanted(argv: list[str], wanted: bool) -> None:
    """The version is asked for by its flag only."""
    assert settings.wants_version(argv) is wanted


def test_help_and_version_are_no_mistake() -> None:
    """Both flags may stand beside others."""
    assert settings.parse(["--help", "--version"]) == settings.parse([])


def test_the_help_names_every_flag_and_fits() -> None:
    """The help text has every flag once, and no line is wider than 100 columns."""
    text = settings.usage()

    words = text.split()
    assert [flag.name for flag in FLAGS if words.count(f"--{flag.name}") < 1] == []
    assert max(map(len, text.splitlines())) <= 100


def test_the_help_shows_defaults_and_short_names() -> None:
    """A flag is shown with its short name, type, help and default."""
    text = settings.usage()

    assert "  -l, --node-selector string\n" in text
    assert "      --metric-resolution duration\n" in text
    assert "at least 10s. (default 1m)" in text
    assert '(default "text")' in text
    assert "(default false)" not in text
