"""Combinations of options that the tests go through: each option alone, all that go together, and the edges."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from kubevitals.manifests import Manifest, Options, objects

CHOICES = (
    Options(),
    Options(replicas=2),
    Options(namespace="monitoring"),
    Options(name="kubevitals"),
    Options(image="registry.example:5000/team/kubevitals@sha256:" + 64 * "0"),
    Options(kubelet_insecure_tls=True),
    Options(host_network=True),
    Options(metric_resolution="1m30s"),
    Options(arg=("--v=2", "--secure-port=8443", "--shutdown-delay-duration=4500ms")),
    Options(events=True),
    Options(pins=True),
    Options(insecure_skip_tls_verify=True),
    Options(insecure_skip_tls_verify=True, kubelet_insecure_tls=True, host_network=True),
    Options(insecure_skip_tls_verify=True, pins=True, replicas=3),
    Options(namespace="monitoring", name="kv", replicas=3, host_network=True, events=True, pins=True, arg=("--v=4",)),
)

_TOGGLES = ("events", "pins", "host_network", "kubelet_insecure_tls", "insecure_skip_tls_verify")
EVERYTHING = CHOICES + tuple(
    Options(replicas=replicas, namespace=namespace, **dict(zip(_TOGGLES, toggles, strict=True)))
    for replicas in (1, 2)
    for namespace in ("kube-system", "monitoring")
    for toggles in itertools.product((False, True), repeat=len(_TOGGLES))
    if not (toggles[1] and toggles[3])
)


def ids(options: Options) -> str:
    """The name of a combination in a report: its command line."""
    return options.command_line().removeprefix("kubevitals manifests").strip() or "no options"


def find(options: Options, kind: str, name: str = "") -> Manifest:
    """The object of a kind, and of a name where there are several."""
    (found,) = [each for each in objects(options) if each["kind"] == kind and name in ("", each["metadata"]["name"])]
    return found


def container(options: Options) -> Manifest:
    """The container of the pods."""
    (found,) = pod(options)["containers"]
    return found


def pod(options: Options) -> Manifest:
    """The pods' spec."""
    return find(options, "Deployment")["spec"]["template"]["spec"]


def leaves(value: Any) -> Iterator[Any]:
    """Every value that is no mapping and no list."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from leaves(each)
    else:
        yield value
