"""The pods: what they may do to a node, how they are started, probed and replaced."""

from __future__ import annotations

import pytest
from tests.manifests.choices import CHOICES, container, find, ids, pod

from kubevitals.manifests import Options

USUAL = [
    "--secure-port=10250",
    "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
    "--kubelet-use-node-status-port",
    "--metric-resolution=15s",
]
MANAGED = "--managed-tls=kube-system/metrics-server"


def flags(options: Options) -> list[str]:
    """The container's arguments."""
    arguments = container(options)["args"]
    assert all(isinstance(argument, str) for argument in arguments)
    return list(arguments)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(), [*USUAL, MANAGED]),
        (Options(kubelet_insecure_tls=True), [*USUAL, MANAGED, "--kubelet-insecure-tls"]),
        (Options(pins=True), [*USUAL, MANAGED, "--kubelet-tls-pin=secret:kube-system/metrics-server-kubelet-pins"]),
        (Options(events=True), [*USUAL, MANAGED, "--publish-events"]),
        (Options(insecure_skip_tls_verify=True), ["--cert-dir=/tmp", *USUAL]),
        (Options(namespace="n", name="s"), [*USUAL, "--managed-tls=n/s"]),
        (Options(metric_resolution="1m"), [*USUAL[:3], "--metric-resolution=1m", MANAGED]),
        (Options(arg=("--v=2",)), [*USUAL, MANAGED, "--v=2"]),
        (Options(host_network=True), ["--secure-port=4443", *USUAL[1:], MANAGED]),
    ],
    ids=lambda value: ids(value) if isinstance(value, Options) else "",
)
def test_flags_of_the_server(options: Options, expected: list[str]) -> None:
    """Those of metrics-server's manifests, then one for each option."""
    assert flags(options) == expected


def test_a_further_flag_takes_the_place_of_the_usual_one() -> None:
    """A list would otherwise grow instead of being replaced, and the port would be another than the container's."""
    options = Options(arg=("--kubelet_preferred_address_types=Hostname", "--secure-port=8443"))
    assert flags(options) == [*USUAL[2:], MANAGED, *options.arg]
    assert container(options)["ports"][0]["containerPort"] == 8443


@pytest.mark.parametrize("options", CHOICES, ids=ids)
def test_the_restricted_pod_security_standard_is_met(options: Options) -> None:
    """What ``pod-security.kubernetes.io/enforce: restricted`` asks of a pod, and a read-only file system."""
    spec, box = pod(options), container(options)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 1000
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert box["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert {key for volume in spec.get("volumes", []) for key in volume} <= {"name", "emptyDir"}
    assert not spec.keys() & {"hostPID", "hostIPC", "initContainers"}
    assert ("hostNetwork" in spec) == options.host_network


def test_a_writable_directory_is_there_only_for_a_certificate_of_its_own() -> None:
    """A certificate from the Secret stays in memory; the one in --cert-dir needs a place that can be written."""
    assert "volumes" not in pod(Options())
    assert "volumeMounts" not in container(Options())
    insecure = Options(insecure_skip_tls_verify=True)
    (volume,), (mount,) = pod(insecure)["volumes"], container(insecure)["volumeMounts"]
    assert volume == {"name": mount["name"], "emptyDir": {}}
    assert f"--cert-dir={mount['mountPath']}" in flags(insecure)


def test_the_priority_class_is_for_kube_system() -> None:
    """Elsewhere a quota may refuse pods of that class."""
    assert pod(Options())["priorityClassName"] == "system-cluster-critical"
    assert "priorityClassName" not in pod(Options(namespace="monitoring"))


def test_in_the_nodes_network_the_kubelets_port_is_left_alone() -> None:
    """The kubelet holds 10250 there; names of Services resolve only with the other DNS policy."""
    options = Options(host_network=True)
    assert pod(options)["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert container(options)["ports"][0]["containerPort"] == 4443
    assert "dnsPolicy" not in pod(Options())


def test_probes_ask_for_what_they_mean() -> None:
    """A pod is started again for /livez, and taken out of the Service for /readyz, after half a minute."""
    for probe, path in (("liveness", "/livez"), ("readiness", "/readyz")):
        found = container(Options())[f"{probe}Probe"]
        assert found["httpGet"] == {"path": path, "port": "https", "scheme": "HTTPS"}
        assert found["periodSeconds"] * found["failureThreshold"] == 30
        assert found["timeoutSeconds"] <= found["periodSeconds"]


@pytest.mark.parametrize(
    ("arg", "seconds"),
    [
        ((), 70),
        (("--request-timeout=5m",), 310),
        (("--request-timeout=0",), 70),
        (("--shutdown-delay-duration=4500ms", "--request-timeout=10s"), 25),
    ],
)
def test_the_grace_period_is_longer_than_the_shutdown(arg: tuple[str, ...], seconds: int) -> None:
    """The delay, the time for requests in flight, and some for the end itself."""
    assert pod(Options(arg=arg))["terminationGracePeriodSeconds"] == seconds


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(), {"maxUnavailable": 0}),
        (Options(replicas=2), {"maxSurge": 0, "maxUnavailable": 1}),
        (Options(host_network=True), {"maxSurge": 0, "maxUnavailable": 1}),
    ],
)
def test_pods_are_replaced_without_a_gap(options: Options, expected: dict[str, int]) -> None:
    """One pod stays until the next is ready, unless both would need one port; several go one by one."""
    assert find(options, "Deployment")["spec"]["strategy"] == {"type": "RollingUpdate", "rollingUpdate": expected}


def test_two_pods_wish_for_two_nodes_and_run_on_one() -> None:
    """The anti-affinity is preferred, never required, and one of them survives a drain."""
    affinity = pod(Options(replicas=2))["affinity"]
    assert affinity.keys() == {"podAntiAffinity"}
    assert affinity["podAntiAffinity"].keys() == {"preferredDuringSchedulingIgnoredDuringExecution"}
    budget = find(Options(replicas=2), "PodDisruptionBudget")
    assert (budget["apiVersion"], budget["spec"]["minAvailable"]) == ("policy/v1", 1)
    assert "affinity" not in pod(Options())


def test_the_pod_knows_itself_where_it_publishes_events() -> None:
    """The downward API tells name, namespace and UID, which an Event refers to."""
    env = {each["name"]: each["valueFrom"]["fieldRef"]["fieldPath"] for each in container(Options(events=True))["env"]}
    assert env == {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace", "POD_UID": "metadata.uid"}
    assert "env" not in container(Options())


def test_what_is_the_same_for_all() -> None:
    """Image, requests and the operating system."""
    box = container(Options(image="registry.example/kv@sha256:0"))
    assert (box["image"], box["imagePullPolicy"]) == ("registry.example/kv@sha256:0", "IfNotPresent")
    assert box["resources"] == {"requests": {"cpu": "100m", "memory": "100Mi"}}
    assert pod(Options())["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert find(Options(replicas=3), "Deployment")["spec"]["replicas"] == 3
