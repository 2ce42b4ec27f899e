"""What the values of the flags may be together, in metrics-server's words."""

from __future__ import annotations

import pytest

from kubevitals import settings
from kubevitals.errors import UsageError

COMPLETELY_INSECURE = "--deprecated-kubelet-completely-insecure"
HSTS = (
    "--strict-transport-security-directives invalid, allowed values: max-age=expireTime, includeSubDomains, preload. "
    "see https://tools.ietf.org/html/rfc6797#section-6.1 for more information"
)
CORS = (
    "--cors-allowed-origins has an invalid regular expression: "
    "regular expression does not pin to start/end of host in the origin header"
)


def problems(argv: str) -> tuple[str, ...]:
    try:
        settings.parse(argv.split())
    except UsageError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (
            "--kubelet-insecure-tls --kubelet-certificate-authority=ca",
            ["cannot use both --kubelet-certificate-authority and --kubelet-insecure-tls"],
        ),
        ("--kubelet-client-key=k", ["need both --kubelet-client-key and --kubelet-client-certificate"]),
        ("--kubelet-client-certificate=c", ["need both --kubelet-client-key and --kubelet-client-certificate"]),
        (
            f"{COMPLETELY_INSECURE} --kubelet-client-key=k --kubelet-client-certificate=c",
            [
                f"cannot use both --kubelet-client-key and {COMPLETELY_INSECURE}",
                f"cannot use both --kubelet-client-certificate and {COMPLETELY_INSECURE}",
            ],
        ),
        (
            f"{COMPLETELY_INSECURE} --kubelet-insecure-tls",
            [f"cannot use both --kubelet-insecure-tls and {COMPLETELY_INSECURE}"],
        ),
        (
            f"{COMPLETELY_INSECURE} --kubelet-certificate-authority=ca",
            [f"cannot use both --kubelet-certificate-authority and {COMPLETELY_INSECURE}"],
        ),
        (
            f"{COMPLETELY_INSECURE} --kubelet-tls-server-name=node-name",
            [f"cannot use both --kubelet-tls-server-name and {COMPLETELY_INSECURE}"],
        ),
        (
            "--kubelet-tls-server-name=node-name --kubelet-insecure-tls",
            ["cannot use both --kubelet-tls-server-name and --kubelet-insecure-tls"],
        ),
        (
            "--kubelet-tls-pin=pins --kubelet-insecure-tls",
            ["cannot use both --kubelet-tls-pin and --kubelet-insecure-tls"],
        ),
        (
            "--kubelet-tls-pin=pins --kubelet-certificate-authority=ca --kubelet-tls-server-name=node-name",
            [
                "cannot use both --kubelet-tls-pin and --kubelet-certificate-authority",
                "cannot use both --kubelet-tls-pin and --kubelet-tls-server-name",
            ],
        ),
        (
            f"--kubelet-tls-pin=pins {COMPLETELY_INSECURE}",
            [f"cannot use both --kubelet-tls-pin and {COMPLETELY_INSECURE}"],
        ),
        ("--kubelet-tls-server-name=x", ['--kubelet-tls-server-name "x" must be empty or node-name']),
        ("--kubelet-request-timeout=0", ["kubelet-request-timeout should be positive"]),
        ("--kubelet-request-timeout=-1s", ["kubelet-request-timeout should be positive"]),
        ("--kubelet-port=0", ["--kubelet-port 0 must be between 1 and 65535, inclusive"]),
        ("--kubelet-max-concurrent=0", ["kubelet-max-concurrent should be positive"]),
        (
            "--metric-resolution=5s --kubelet-request-timeout=1s",
            ["metric-resolution should be a time duration at least 10s, but value 5s provided"],
        ),
        (
            "--kubelet-request-timeout=121s",
            [
                "kubelet-request-timeout should be at most twice metric-resolution, but metric-resolution value 1m0s "
                "kubelet-request-timeout value 2m1s provided"
            ],
        ),
        (
            "-l a+b",
            [
                'invalid argument "a+b" for "-l, --node-selector" flag: unable to parse requirement: <nil>: Invalid '
                "value: \"a+b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start "
                "and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
                "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
            ],
        ),
        ("--logging-format=xml", ['format: Invalid value: "xml": Unsupported log format']),
        ("--logging-format=json --vmodule=a=1", ["vmodule: Forbidden: Only supported for text log format"]),
        ("--log-flush-frequency=0", ['flushFrequency: Invalid value: "0s": Must be greater than zero']),
        (
            "--secure-port=0",
            ["--secure-port 0 must be between 1 and 65535, inclusive. It cannot be turned off with 0"],
        ),
        ("--tls-min-version=TLS1.2", ['unknown tls version "TLS1.2"']),
        (
            "--tls-cert-file=c",
            ["missing filename for serving cert: need both --tls-cert-file and --tls-private-key-file"],
        ),
        ("--livez-grace-period=-1s", ["--livez-grace-period can not be a negative value"]),
        ("--max-requests-inflight=-1", ["--max-requests-inflight can not be negative value"]),
        ("--max-mutating-requests-inflight=-1", ["--max-mutating-requests-inflight can not be negative value"]),
        ("--request-timeout=-1s", ["--request-timeout can not be negative value"]),
        ("--min-request-timeout=-1", ["--min-request-timeout can not be negative value"]),
        ("--storage-initialization-timeout=-1s", ["--storage-initialization-timeout can not be negative value"]),
        ("--shutdown-delay-duration=-1s", ["--shutdown-delay-duration can not be negative value"]),
        (
            "--shutdown-watch-termination-grace-period=-1s",
            ["shutdown-watch-termination-grace-period, if provided, can not be a negative value"],
        ),
        ("--goaway-chance=0.03", ["--goaway-chance can not be less than 0 or greater than 0.02"]),
        ("--goaway-chance=nan", ["--goaway-chance can not be less than 0 or greater than 0.02"]),
        ("--strict-transport-security-directives=max-age", [HSTS]),
        ("--strict-transport-security-directives=preload,x=1", [HSTS]),
        ("--strict-transport-security-directives=preload,", ["empty value in strict-transport-security-directives"]),
        ("--cors-allowed-origins=example.com", [CORS]),
        ("--cors-allowed-origins=^a$,", ["empty value in --cors-allowed-origins"]),
        ("--emulated-version=1.31", ["component not registered: kube"]),
        ("--min-compatibility-version=wardle=1.2", ["component not registered: wardle"]),
        ("--feature-gates=A=true", ["component not registered: kube"]),
        ("--feature-gates=wardle:A=true", ["component not registered: wardle"]),
    ],
)
def test_what_does_not_go_together_is_refused(argv: str, expected: list[str]) -> None:
    """Every broken rule is told in upstream's words."""
    assert list(problems(argv)) == expected


@pytest.mark.parametrize(
    "argv",
    [
        "--metric-resolution=11.12s",
        "--metric-resolution=15s",
        "--metric-resolution=10s",
        "--kubelet-request-timeout=120s",
        "--kubelet-client-key=k --kubelet-client-certificate=c",
        "--kubelet-tls-server-name=node-name --kubelet-certificate-authority=ca",
        "--tls-cert-file=c --tls-private-key-file=k",
        "--tls-min-version=VersionTLS13",
        "--strict-transport-security-directives=max-age=31536000,includeSubDomains,preload",
        "--cors-allowed-origins=^https://example\\.com(:|$)",
        "--goaway-chance=0.02",
        "--emulated-version= --feature-gates=",
        "--max-requests-inflight=0 --request-timeout=0",
        "-l kubernetes.io/os=linux,!virtual",
        "--logging-format=json",
    ],
)
def test_what_goes_together_is_accepted(argv: str) -> None:
    """Values at the edge of a rule keep it."""
    assert problems(argv) == ()


@pytest.mark.parametrize(
    ("argv", "warnings"),
    [
        ("--vmodule=a=1", ["--vmodule has no effect: --v sets the verbosity of all files alike"]),
        (
            "--tls-curve-preferences=29",
            ["--tls-curve-preferences has no effect: key exchange is left to the TLS library"],
        ),
        (
            "--log-json-split-stream --log-json-info-buffer-size=1Ki",
            [
                "--log-json-info-buffer-size, --log-json-split-stream have no effect: "
                "every line goes to standard error at once"
            ],
        ),
        (
            "--kubelet-preferred-address-types=10.0.0.1,InternalIP",
            [
                '--kubelet-preferred-address-types contains "10.0.0.1", which is no type of node address; '
                "the types are Hostname, InternalIP, ExternalIP, InternalDNS, ExternalDNS"
            ],
        ),
        (
            "--goaway-chance=0.01 --livez-grace-period=5s",
            [
                "--goaway-chance has no effect: HTTP/2 is not served",
                "--livez-grace-period has no effect: nothing has to finish before the server is live",
            ],
        ),
        ("--contention-profiling", ["--contention-profiling has no effect: there is no profiling endpoint"]),
        (
            "--audit-log-path=- --audit-log-maxage=30",
            ["--audit-log-maxage, --audit-log-path have no effect: no audit trail is kept"],
        ),
        ("--audit-policy-file=p", ["--audit-policy-file has no effect: no audit trail is kept"]),
        ("--disable-http2-serving --http2-max-streams-per-connection=9 --permit-address-sharing", []),
        ("--profiling=false --enable-priority-and-fairness=false --log-flush-frequency=1s", []),
        ("--min-request-timeout=1800 --audit-log-maxage=366", []),
    ],
)
def test_flags_without_effect_warn_when_that_matters(argv: str, warnings: list[str]) -> None:
    """A flag that is understood but has no effect warns when its effect may be missed, and is silent otherwise."""
    parsed = settings.parse(argv.split())

    assert list(parsed.warnings) == warnings
    assert parsed.alarms == ()


@pytest.mark.parametrize("sink", ["audit-log-path", "audit-webhook-config-file"])
def test_an_audit_trail_that_is_not_kept_is_an_alarm(sink: str) -> None:
    """An audit policy with somewhere to write to means that somebody expects a trail."""
    parsed = settings.parse(["--audit-policy-file=p", f"--{sink}=x", "--audit-log-maxage=30"])

    assert parsed.warnings == ()
    assert parsed.alarms == (f"--audit-policy-file and --{sink} have no effect: no audit trail is kept",)
