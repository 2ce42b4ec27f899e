"""A kubelet's configuration, as its /configz shows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kubevitals.simulator.kinds import Object

PATH = "/configz"
WEBHOOK = "authentication.webhook.enabled"
ANONYMOUS = "authentication.anonymous.enabled"
AUTHORIZATION = "authorization.mode"
# As kubeadm sets a kubelet up; names are paths in the document.
_DEFAULTS: dict[str, Any] = {
    "enableServer": True,
    "staticPodPath": "/etc/kubernetes/manifests",
    "syncFrequency": "1m0s",
    "address": "0.0.0.0",  # noqa: S104 - what a kubelet says, nobody listens there
    "tlsMinVersion": "VersionTLS12",
    "serverTLSBootstrap": False,
    "rotateCertificates": True,
    "authentication.x509.clientCAFile": "/etc/kubernetes/pki/ca.crt",
    WEBHOOK: True,
    "authentication.webhook.cacheTTL": "2m0s",
    ANONYMOUS: False,
    AUTHORIZATION: "Webhook",
    "authorization.webhook.cacheAuthorizedTTL": "5m0s",
    "authorization.webhook.cacheUnauthorizedTTL": "30s",
    "clusterDomain": "cluster.local",
    "nodeStatusUpdateFrequency": "10s",
    "cgroupDriver": "systemd",
    "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
}


def setting(overrides: Mapping[str, Any], name: str) -> Any:
    """Return one setting by its path, such as ``authorization.mode``; None when it is not set."""
    return overrides.get(name, _DEFAULTS.get(name))


def body(overrides: Mapping[str, Any], port: int) -> bytes:
    """Return the document.

    Args:
        overrides: what differs from the defaults, by path: ``{"serverTLSBootstrap": True}``. None leaves one out.
        port: where the kubelet listens.
    """
    found: Object = {}
    for name, value in {**_DEFAULTS, "port": port, **overrides}.items():
        if value is not None:
            *parents, last = name.split(".")
            place = found
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = value
    return msgspec.json.encode({"kubeletconfig": found})
