"""The pods: how they run, how they are replaced, and how many must stay. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kubevitals.manifests.command import CERTIFICATES, arguments
from kubevitals.manifests.options import SYSTEM, Options
from kubevitals.manifests.registration import PORT_NAME
from kubevitals.manifests.shape import Manifest, manifest
from kubevitals.settings import Settings

_UID = 1000
_REQUESTS = {"cpu": "100m", "memory": "100Mi"}  # enough up to 500 nodes, see docs/performance.md
_DRAIN, _MARGIN = 60, 10  # seconds for requests in flight where nothing limits them, and until the process has ended
_VOLUME = "certificates"
_FIELDS = {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace", "POD_UID": "metadata.uid"}


def deployment(options: Options, settings: Settings) -> Manifest:
    """Return the Deployment; ``settings`` is what the server understands by its flags."""
    spec = {
        "replicas": options.replicas,
        "selector": {"matchLabels": options.labels},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": _replacement(options)},
        "template": {"metadata": {"labels": options.labels}, "spec": _pod(options, settings)},
    }
    return manifest("apps/v1", "Deployment", options, options.name, namespace=options.namespace) | {"spec": spec}


def disruption_budget(options: Options) -> Iterator[Manifest]:
    """Yield a PodDisruptionBudget (Kubernetes 1.21) where one pod can go; for a single pod it would stop drains."""
    if options.replicas > 1:
        spec = {"minAvailable": 1, "selector": {"matchLabels": options.labels}}
        budget = manifest("policy/v1", "PodDisruptionBudget", options, options.name, namespace=options.namespace)
        yield budget | {"spec": spec}


def _replacement(options: Options) -> Manifest:
    """Return how a new pod takes the place of an old one.

    A single pod goes only when the next one is ready. Several go one by one, so that each new pod finds the place of
    an old one free and they stay on different nodes; in a node's network it also finds its port free.
    """
    if options.replicas == 1 and not options.host_network:
        return {"maxUnavailable": 0}
    return {"maxSurge": 0, "maxUnavailable": 1}


def _pod(options: Options, settings: Settings) -> Manifest:
    pod: Manifest = {"serviceAccountName": options.name}
    if options.namespace == SYSTEM:  # elsewhere a quota may forbid it
        pod["priorityClassName"] = "system-cluster-critical"
    if options.host_network:
        pod |= {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}
    pod["nodeSelector"] = {"kubernetes.io/os": "linux"}
    if options.replicas > 1:
        pod["affinity"] = {"podAntiAffinity": _apart(options)}
    pod["terminationGracePeriodSeconds"] = _grace(settings)
    identity = {"runAsNonRoot": True, "runAsUser": _UID, "runAsGroup": _UID}
    pod["securityContext"] = identity | {"seccompProfile": {"type": "RuntimeDefault"}}
    pod["containers"] = [_container(options, settings)]
    if options.insecure_skip_tls_verify:
        pod["volumes"] = [{"name": _VOLUME, "emptyDir": {}}]
    return pod


def _apart(options: Options) -> Manifest:
    """Return the wish, not the condition, to be on different nodes: on a single one, two pods shall run too."""
    term = {"labelSelector": {"matchLabels": options.labels}, "topologyKey": "kubernetes.io/hostname"}
    return {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}


def _grace(settings: Settings) -> int:
    """Return the seconds that the server may take to end: its delay, then the requests in flight (``app.server``)."""
    return math.ceil(settings.shutdown_delay_duration + (settings.request_timeout or _DRAIN)) + _MARGIN


def _container(options: Options, settings: Settings) -> Manifest:
    container: Manifest = {
        "name": options.name,
        "image": options.image,
        "imagePullPolicy": "IfNotPresent",
        "args": arguments(options),
    }
    if options.events:
        container["env"] = [_from_pod(name, path) for name, path in _FIELDS.items()]
    container |= {
        "ports": [{"name": PORT_NAME, "containerPort": settings.secure_port, "protocol": "TCP"}],
        "livenessProbe": _probe("/livez"),
        # There is nothing to serve before the second scrape; until then its failures would only be noise.
        "readinessProbe": _probe("/readyz", initialDelaySeconds=20),
        "resources": {"requests": dict(_REQUESTS)},
        "securityContext": _confinement(),
    }
    if options.insecure_skip_tls_verify:
        container["volumeMounts"] = [{"name": _VOLUME, "mountPath": CERTIFICATES}]
    return container


def _from_pod(name: str, path: str) -> Manifest:
    """Return an environment variable with a field of the pod, from the downward API."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _confinement() -> Manifest:
    """Return what the restricted Pod Security standard asks of a container, and a file system it cannot write."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def _probe(path: str, **delay: int) -> Manifest:
    """Return a probe that fails after half a minute; a busy node gets five seconds for each answer."""
    target = {"path": path, "port": PORT_NAME, "scheme": "HTTPS"}
    return {"httpGet": target, **delay, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3}
