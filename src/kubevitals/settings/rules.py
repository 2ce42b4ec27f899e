"""What the values of the flags may be together: errors, warnings and alarms. Pure.

Values are those of ``flags.FLAGS`` by name, as they were read: durations are in nanoseconds. Texts and order of the
errors are those of metrics-server and of the API server's library that it is built on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kubevitals.errors import SelectorError
from kubevitals.quantity import format_duration
from kubevitals.quoting import quote
from kubevitals.selectors import parse_labels
from kubevitals.settings.flags import ACCEPTED, FLAGS, REFUSED
from kubevitals.settings.pflag import STRINGS

ADDRESS_TYPES = ("Hostname", "InternalIP", "ExternalIP", "InternalDNS", "ExternalDNS")
IN_CLUSTER = "secret:"  # how --kubelet-tls-pin names a Secret
_NAMESPACED = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
UNREGISTERED = "component not registered: {}"
TLS_VERSIONS = ("VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13")


def problems(values: Mapping[str, Any]) -> list[str]:
    """Return a line for every rule that is broken; empty when the values go together."""
    return [problem for rule in _RULES for problem in rule(values)]


def _kubelet_rules(values: Mapping[str, Any]) -> Iterator[str]:
    if values["kubelet-certificate-authority"] and values["kubelet-insecure-tls"]:
        yield "cannot use both --kubelet-certificate-authority and --kubelet-insecure-tls"
    if bool(values["kubelet-client-key"]) != bool(values["kubelet-client-certificate"]):
        yield "need both --kubelet-client-key and --kubelet-client-certificate"
    for name in _SECURE_KUBELET:
        if values[name] and values["deprecated-kubelet-completely-insecure"]:
            yield f"cannot use both --{name} and --deprecated-kubelet-completely-insecure"
    if values["kubelet-request-timeout"] <= 0:
        yield "kubelet-request-timeout should be positive"
    if not 1 <= values["kubelet-port"] <= 65535:
        yield f"--kubelet-port {values['kubelet-port']} must be between 1 and 65535, inclusive"
    if values["kubelet-max-concurrent"] < 1:
        yield "kubelet-max-concurrent should be positive"


_SECURE_KUBELET = (
    "kubelet-client-key",
    "kubelet-client-certificate",
    "kubelet-insecure-tls",
    "kubelet-certificate-authority",
    "kubelet-tls-server-name",
    "kubelet-tls-pin",
)


def _pin_rules(values: Mapping[str, Any]) -> Iterator[str]:
    for name in ("kubelet-insecure-tls", "kubelet-certificate-authority", "kubelet-tls-server-name"):
        if values[name] and values["kubelet-tls-pin"]:
            yield f"cannot use both --kubelet-tls-pin and --{name}"

    pin = values["kubelet-tls-pin"]
    if pin.startswith(IN_CLUSTER) and not _NAMESPACED.fullmatch(pin.removeprefix(IN_CLUSTER)):
        yield f"--kubelet-tls-pin {quote(pin)} must be a file or {IN_CLUSTER}NAMESPACE/NAME"


def _managed_rules(values: Mapping[str, Any]) -> Iterator[str]:
    service = values["managed-tls"]
    if service and not _NAMESPACED.fullmatch(service):
        yield f"--managed-tls {quote(service)} must be NAMESPACE/SERVICE"
    if service and values["tls-cert-file"]:
        yield "cannot use both --managed-tls and --tls-cert-file"


def _server_name_rules(values: Mapping[str, Any]) -> Iterator[str]:
    name = values["kubelet-tls-server-name"]
    if name not in ("", "node-name"):
        yield f"--kubelet-tls-server-name {quote(name)} must be empty or node-name"
    if name and values["kubelet-insecure-tls"]:
        yield "cannot use both --kubelet-tls-server-name and --kubelet-insecure-tls"


def _selector_rules(values: Mapping[str, Any]) -> Iterator[str]:
    try:
        parse_labels(values["node-selector"])
    except SelectorError as problem:
        yield f'invalid argument {quote(values["node-selector"])} for "-l, --node-selector" flag: {problem}'


def _resolution_rules(values: Mapping[str, Any]) -> Iterator[str]:
    resolution, timeout = values["metric-resolution"], values["kubelet-request-timeout"]
    if resolution < 10_000_000_000:
        yield (
            "metric-resolution should be a time duration at least 10s, "
            f"but value {format_duration(resolution)} provided"
        )
    # A slow kubelet is left out of the cycles that start while it is asked. Points are kept for three resolutions.
    if resolution * 2 < timeout:
        yield (
            "kubelet-request-timeout should be at most twice metric-resolution, "
            f"but metric-resolution value {format_duration(resolution)} "
            f"kubelet-request-timeout value {format_duration(timeout)} provided"
        )


def _logging_rules(values: Mapping[str, Any]) -> Iterator[str]:
    flush, form = values["log-flush-frequency"], values["logging-format"]
    if flush <= 0:
        yield f"flushFrequency: Invalid value: {quote(format_duration(flush))}: Must be greater than zero"
    if form not in ("text", "json"):
        yield f"format: Invalid value: {quote(form)}: Unsupported log format"
    if values["vmodule"] and form != "text":
        yield "vmodule: Forbidden: Only supported for text log format"


def _serving_rules(values: Mapping[str, Any]) -> Iterator[str]:
    port, version = values["secure-port"], values["tls-min-version"]
    if not 1 <= port <= 65535:
        yield f"--secure-port {port} must be between 1 and 65535, inclusive. It cannot be turned off with 0"
    if version and version not in TLS_VERSIONS:
        yield f"unknown tls version {quote(version)}"
    if bool(values["tls-cert-file"]) != bool(values["tls-private-key-file"]):
        yield "missing filename for serving cert: need both --tls-cert-file and --tls-private-key-file"


_NEGATIVE = {
    "livez-grace-period": "--livez-grace-period can not be a negative value",
    "max-requests-inflight": "--max-requests-inflight can not be negative value",
    "max-mutating-requests-inflight": "--max-mutating-requests-inflight can not be negative value",
    "request-timeout": "--request-timeout can not be negative value",
    "min-request-timeout": "--min-request-timeout can not be negative value",
    "storage-initialization-timeout": "--storage-initialization-timeout can not be negative value",
    "shutdown-delay-duration": "--shutdown-delay-duration can not be negative value",
    "shutdown-watch-termination-grace-period": (
        "shutdown-watch-termination-grace-period, if provided, can not be a negative value"
    ),
}


def _generic_rules(values: Mapping[str, Any]) -> Iterator[str]:
    for name, problem in _NEGATIVE.items():
        if values[name] < 0:
            yield problem
    if not 0 <= values["goaway-chance"] <= 0.02:
        yield "--goaway-chance can not be less than 0 or greater than 0.02"
    for directive in values["strict-transport-security-directives"]:
        if not directive.strip():
            yield "empty value in strict-transport-security-directives"
        elif directive not in ("includeSubDomains", "preload") and not _is_max_age(directive):
            yield (
                "--strict-transport-security-directives invalid, allowed values: max-age=expireTime, "
                "includeSubDomains, preload. see https://tools.ietf.org/html/rfc6797#section-6.1 for more information"
            )


def _is_max_age(directive: str) -> bool:
    name, _, seconds = directive.partition("=")
    return name == "max-age" and "=" in directive and "=" not in seconds


def _origin_rules(values: Mapping[str, Any]) -> Iterator[str]:
    for origin in values["cors-allowed-origins"]:
        if not origin:
            yield "empty value in --cors-allowed-origins"
        elif not (("^" in origin or "//" in origin) and ("$" in origin or ":" in origin)):
            yield (
                "--cors-allowed-origins has an invalid regular expression: "
                "regular expression does not pin to start/end of host in the origin header"
            )


def _refusals(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield upstream's error for each flag that needs a component registry, which no metrics server has."""
    for flag in FLAGS:
        value = values[flag.name]
        if flag.mark == REFUSED and value:
            first, separator = (value[0], "=") if flag.kind is STRINGS else (value, ":")
            component, found, _ = first.partition(separator)
            yield UNREGISTERED.format(component.strip() if found else "kube")


_RULES: tuple[Callable[[Mapping[str, Any]], Iterator[str]], ...] = (
    _refusals,
    _kubelet_rules,
    _pin_rules,
    _managed_rules,
    _server_name_rules,
    _selector_rules,
    _resolution_rules,
    _logging_rules,
    _serving_rules,
    _generic_rules,
    _origin_rules,
)


# --- what is understood, and has no effect ------------------------------------------------------------------


def warnings(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for the flags that are set, have no effect, and whose effect may be missed, one per reason."""
    alarmed = any(alarms(values))
    missed: dict[str, list[str]] = {}
    for flag in FLAGS:
        if flag.mark == ACCEPTED and flag.warning and values[flag.name] != flag.default_value:
            missed.setdefault(flag.warning, []).append(f"--{flag.name}")
    for reason, names in missed.items():
        if not (alarmed and names[0].startswith("--audit-")):
            yield f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} no effect: {reason}"
    unknown = [name for name in values["kubelet-preferred-address-types"] if name not in ADDRESS_TYPES]
    if unknown:
        yield (
            f"--kubelet-preferred-address-types contains {', '.join(map(quote, unknown))}, which is no type of "
            f"node address; the types are {', '.join(ADDRESS_TYPES)}"
        )


def alarms(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each flag without effect that somebody relies on."""
    sinks = [name for name in ("audit-log-path", "audit-webhook-config-file") if values[name]]
    if values["audit-policy-file"] and sinks:
        yield f"--audit-policy-file and --{sinks[0]} have no effect: no audit trail is kept"
