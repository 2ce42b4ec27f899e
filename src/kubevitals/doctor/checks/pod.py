"""Does the provider's pod run, and if not, why? Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kubevitals.doctor.evidence import Access, Evidence, Unseen, some
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.loglines import without_head
from kubevitals.doctor.objects import ContainerStatus, Pod
from kubevitals.doctor.rights import AUTHENTICATION
from kubevitals.doctor.running import account, namespace, provider_pod, workload
from kubevitals.doctor.words import shortened

_NO_IMAGE: Final = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_NO_BINDING: Final = re.compile(r'configmaps? "extension-apiserver-authentication" is forbidden')
_NO_AGGREGATION: Final = re.compile(r"cluster doesn't provide requestheader-client-ca-file")
_IN_USE: Final = re.compile(r"address already in use|Address already in use")
_PRIVILEGED: Final = re.compile(r"bind: permission denied|cannot listen on .*[Pp]ermission denied")
_REFUSED: Final = re.compile(r"exceeded quota|insufficient quota|violates PodSecurity|no PriorityClass")
_NO_NODE: Final = re.compile(r"anti-affinity|free ports|Insufficient|taint|didn't match")


def image_not_pulled(evidence: Evidence) -> Iterator[Finding]:
    """D43: the node cannot get the image."""
    for pod, status in _containers(evidence):
        waiting = status.state.waiting
        if waiting is None or waiting.reason not in _NO_IMAGE:
            continue
        image = next((item.image for item in pod.spec.containers if item.name == status.name), "")
        yield Finding(
            f"Node {pod.spec.node_name or 'of the pod'} cannot get the image {image} of pod {pod.metadata.key}.",
            (f"pod {pod.metadata.key}: {waiting.reason}: {shortened(waiting.message)}",),
            (
                Remedy(
                    "Push the image to a registry that the nodes reach, and name it there.",
                    f"kubectl -n {namespace(evidence)} set image {workload(evidence)} {status.name}=REGISTRY/NAME:TAG",
                ),
                Remedy(
                    "Or bring it to the node by hand, with imagePullPolicy: IfNotPresent.",
                    f"ctr -n k8s.io images import IMAGE.tar   # on {pod.spec.node_name or 'the node'}",
                ),
            ),
        )
        return


def authentication_not_readable(evidence: Evidence) -> Iterator[Finding]:
    """D17: the provider may not read how callers are authenticated; one that runs goes on with what it has read."""
    line = _logged(evidence, _NO_BINDING) or _probed(evidence, _NO_BINDING)
    right = evidence.rights.get(AUTHENTICATION)
    denied = isinstance(right, Access) and not right.allowed
    if not line and not denied:
        return
    who = f"{namespace(evidence)}:{account(evidence)}"
    asked = "get configmap/extension-apiserver-authentication -n kube-system"
    refused = f"kubectl auth can-i {asked} --as=system:serviceaccount:{who}: no" if denied else ""
    yield Finding(
        "The provider may not read the ConfigMap extension-apiserver-authentication in kube-system, which says whom to "
        "believe.",
        tuple(found for found in (line, refused) if found),
        (
            Remedy(
                "Bind the Role for it; it is in kube-system, wherever the provider runs.",
                f"kubectl -n kube-system create rolebinding {who}:auth-reader "
                f"--role=extension-apiserver-authentication-reader --serviceaccount={who}",
            ),
        ),
        "degraded" if some(evidence.node_metrics) else "broken",
    )


def no_aggregation(evidence: Evidence) -> Iterator[Finding]:
    """D14: the API server was started without the flags of the aggregation layer."""
    line = _logged(evidence, _NO_AGGREGATION)
    published = evidence.published
    absent = not isinstance(published, Unseen) and "requestheader-client-ca-file" not in (published.data or {})
    if not line and not (absent and evidence.registered):
        return
    seen = "ConfigMap kube-system/extension-apiserver-authentication: no requestheader-client-ca-file"
    yield Finding(
        "The aggregation layer of the API server is not configured: it names no authority for its front proxy.",
        tuple(found for found in (line, seen if absent else "") if found),
        (
            Remedy(
                "Start kube-apiserver with these flags; kubeadm sets them and makes the files.",
                "--requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt\n"
                "--requestheader-allowed-names=front-proxy-client\n"
                "--requestheader-extra-headers-prefix=X-Remote-Extra-\n"
                "--requestheader-group-headers=X-Remote-Group\n"
                "--requestheader-username-headers=X-Remote-User\n"
                "--proxy-client-cert-file=/etc/kubernetes/pki/front-proxy-client.crt\n"
                "--proxy-client-key-file=/etc/kubernetes/pki/front-proxy-client.key",
            ),
        ),
    )


def port_taken(evidence: Evidence) -> Iterator[Finding]:
    """D42: the provider cannot listen on its port."""
    taken, forbidden = _logged(evidence, _IN_USE), _logged(evidence, _PRIVILEGED)
    pod = provider_pod(evidence)
    if not (taken or forbidden) or pod is None:
        return
    why = "something on its node uses it, such as the kubelet" if taken else "ports below 1024 need a capability"
    yield Finding(
        f"The provider in pod {pod.metadata.key} cannot listen on its port: {why}.",
        (taken or forbidden, f"hostNetwork of the pod: {'true' if pod.spec.host_network else 'false'}"),
        (
            Remedy(
                "Give it a port that is free, in its flags, its container port and its probes.",
                "kubevitals manifests --host-network | kubectl apply -f -   # 4443",
            ),
        ),
    )


def pod_refused(evidence: Evidence) -> Iterator[Finding]:
    """D44: no pod is made, as a quota or Pod Security stands against it."""
    if [pod for pod in some(evidence.pods) if not pod.finished]:
        return
    for event in some(evidence.events):
        if event.reason == "FailedCreate" and _REFUSED.search(event.message):
            yield Finding(
                f"{event.involved_object.kind} {event.involved_object.name} cannot make the provider's pod: a quota, "
                "priority class or Pod Security refuses it.",
                (f"event: {shortened(event.message)}",),
                (
                    Remedy("Outside kube-system, leave priorityClassName out, or let a ResourceQuota allow it there."),
                    Remedy(
                        "For Pod Security, use a securityContext of the level restricted, as these manifests do.",
                        "kubevitals manifests | kubectl apply -f -",
                    ),
                ),
            )
            return


def not_scheduled(evidence: Evidence) -> Iterator[Finding]:
    """D45: no node takes the pod."""
    if any(pod.ready for pod in some(evidence.pods)):
        return
    for pod in some(evidence.pods):
        condition = pod.status.condition("PodScheduled")
        if condition is not None and condition.status == "False" and _NO_NODE.search(condition.message):
            yield Finding(
                f"No node takes pod {pod.metadata.key}.",
                (f"pod {pod.metadata.key}: {condition.reason}: {shortened(condition.message)}",),
                (
                    Remedy(
                        "Remove a taint where the cluster is one machine.",
                        "kubectl taint nodes --all node-role.kubernetes.io/control-plane-",
                    )
                    if "taint" in condition.message
                    else Remedy(
                        "With fewer nodes than replicas, prefer anti-affinity rather than require it, and with "
                        "hostNetwork roll out with maxSurge 0.",
                        "kubevitals manifests --replicas 1 | kubectl apply -f -",
                    ),
                ),
            )
            return


def out_of_memory(evidence: Evidence) -> Iterator[Finding]:
    """D49: the provider is killed for its memory limit."""
    for pod, status in _containers(evidence):
        ended = status.state.terminated or status.last_state.terminated
        if ended is None or ended.reason != "OOMKilled":
            continue
        nodes = len(some(evidence.nodes))
        wanted = 100 + 8 * max(0, -(-(nodes - 500) // 100))
        yield Finding(
            f"Pod {pod.metadata.key} was killed as it needed more memory than its limit allows.",
            (f"container {status.name}: OOMKilled, {status.restart_count} restarts; {nodes} nodes",),
            (
                Remedy(
                    f"Give it more: kubevitals needs {wanted} MiB for {nodes} nodes of 30 pods, metrics-server about "
                    "four times as much.",
                    f"kubectl -n {namespace(evidence)} set resources {workload(evidence)} -c {status.name} "
                    f"--requests=memory={wanted}Mi --limits=memory={2 * wanted}Mi",
                ),
            ),
            "degraded" if pod.ready else "broken",
        )
        return


def _containers(evidence: Evidence) -> Iterator[tuple[Pod, ContainerStatus]]:
    for pod in some(evidence.pods):
        for status in pod.status.container_statuses or ():
            yield pod, status


def _probed(evidence: Evidence, pattern: re.Pattern[str]) -> str:
    """Return the line of the provider's readiness that matches."""
    probe = evidence.probe.message if isinstance(evidence.probe, Unseen) else evidence.probe
    return next((f"/readyz: {shortened(line)}" for line in probe.splitlines() if pattern.search(line)), "")


def _logged(evidence: Evidence, pattern: re.Pattern[str]) -> str:
    """Return the newest line of a log that matches, with where it stood; only of pods that are not ready."""
    unready = {pod.metadata.name for pod in some(evidence.pods) if not pod.ready}
    for logs in (evidence.logs, evidence.previous):
        for name, log in logs.items():
            lines = () if isinstance(log, Unseen) or name not in unready else log.splitlines()
            found = [line for line in lines if pattern.search(line)]
            if found:
                return f"log of {name}: {shortened(without_head(found[-1]))}"
    return ""
