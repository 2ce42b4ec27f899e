"""How the server runs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.chart.chart import CI, NAMESPACE, Helm, Rendered

from kubevitals import settings
from kubevitals.settings.flags import FLAGS

KNOWN = {flag.name for flag in FLAGS}
PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"


def understood(rendered: Rendered) -> settings.Settings:
    """What the server understands by its arguments."""
    assert rendered.flags.keys() <= KNOWN
    return settings.parse(rendered.container["args"])


@pytest.mark.parametrize("file", CI, ids=lambda path: path.stem)
def test_the_server_understands_its_arguments(helm: Helm, file: Any):
    """Every flag that is rendered is one of the server's, with a value that it takes."""
    rendered = helm.template(None, f"--values={file}")
    (port,) = rendered.container["ports"]
    assert understood(rendered).secure_port == port["containerPort"]


def test_the_usual_arguments(default: Rendered):
    """Without any values the flags are those of metrics-server's chart, and the server's own certificate."""
    assert default.container["args"] == [
        "--secure-port=10250",
        "--cert-dir=/tmp",
        "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
        "--kubelet-use-node-status-port",
        "--metric-resolution=15s",
        f"--managed-tls={NAMESPACE}/kv-kubevitals",
    ]


def test_arguments_of_any_text_arrive_as_they_are(helm: Helm):
    """An argument with characters that mean something in YAML is still one text."""
    args = ["--node-selector=a in (b, c)", "--external-hostname=a: b # c", "{}", "- x", "*", "'\"\n", "1", "true"]
    rendered = helm.template({"defaultArgs": ["--v=0"], "args": args})
    assert rendered.container["args"][1:2] == ["--v=0"]
    assert rendered.container["args"][-len(args) :] == args


def test_pods_are_restricted(default: Rendered):
    """Pod security level ``restricted`` admits the pods as they are."""
    assert default.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert default.pod["volumes"] == [{"name": "tmp", "emptyDir": {}}]
    assert default.pod.keys().isdisjoint({"hostNetwork", "hostPID", "hostIPC"})


def test_the_platform_may_choose_the_user(helm: Helm):
    """With runAsUser: null nothing names a user, and the rest stays."""
    context = helm.template({"securityContext": {"runAsUser": None}}).container["securityContext"]
    assert "runAsUser" not in context
    assert context["runAsNonRoot"] is True


def test_environment(helm: Helm):
    """What extraEnv says reaches the container, with values from elsewhere, too."""
    given = [{"name": "TZ", "value": "UTC"}, {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]
    assert helm.template({"extraEnv": given}).container["env"] == given


def test_events_know_their_pod(helm: Helm):
    """With events the server is told which pod it is."""
    rendered = helm.template({"events": {"enabled": True}})
    assert rendered.flags["publish-events"] == ""
    assert {each["name"]: each["valueFrom"]["fieldRef"]["fieldPath"] for each in rendered.container["env"]} == {
        "POD_NAME": "metadata.name",
        "POD_NAMESPACE": "metadata.namespace",
        "POD_UID": "metadata.uid",
    }


def test_the_kubelets_authority_as_text(helm: Helm):
    """The chart makes a ConfigMap of the text, and the server reads it from there."""
    rendered = helm.template({"kubelet": {"caBundle": PEM}})
    authority = rendered.one("ConfigMap")
    assert authority["data"] == {"ca.crt": PEM}
    assert kubelet_authority(rendered) == authority["metadata"]["name"] == "kv-kubevitals-kubelet-ca"


def test_the_kubelets_authority_that_is_there(helm: Helm):
    """A ConfigMap of somebody else is mounted; none is made."""
    rendered = helm.template({"kubelet": {"caConfigMap": "kube-root-ca.crt"}})
    assert kubelet_authority(rendered) == "kube-root-ca.crt"
    assert rendered.all("ConfigMap") == {}


def kubelet_authority(rendered: Rendered) -> str:
    """The ConfigMap that the flag's file comes from."""
    folder, _, file = understood(rendered).kubelet_certificate_authority.rpartition("/")
    assert file == "ca.crt"
    (volume,) = (each["name"] for each in rendered.container["volumeMounts"] if each["mountPath"] == folder)
    (name,) = (each["configMap"]["name"] for each in rendered.pod["volumes"] if each["name"] == volume)
    return str(name)


def test_unverified_kubelets(helm: Helm):
    """kubelet.insecureTLS is about the kubelets alone: the API server goes on verifying the server."""
    rendered = helm.template({"kubelet": {"insecureTLS": True}})
    assert understood(rendered).kubelet_insecure_tls is True
    assert "managed-tls" in rendered.flags


@pytest.mark.parametrize("users", [True, False])
def test_host_users(helm: Helm, users: bool):
    """The value hostUsers is rendered, false too, where Kubernetes knows it."""
    assert helm.template({"hostUsers": users}).pod["hostUsers"] is users
    assert "hostUsers" not in helm.template({"hostUsers": users}, kubernetes="1.32.0").pod


def test_volumes_and_places(helm: Helm):
    """What decides where the pods run and what they mount arrives as it was given."""
    values: dict[str, Any] = {
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
        "imagePullSecrets": [{"name": "pull"}],
        "schedulerName": "special",
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}},
    }
    volume, mount = {"name": "notes", "configMap": {"name": "notes"}}, {"name": "notes", "mountPath": "/notes"}
    rendered = helm.template({**values, "extraVolumes": [volume], "extraVolumeMounts": [mount]})
    assert {name: rendered.pod[name] for name in values} == values
    assert volume in rendered.pod["volumes"]
    assert mount in rendered.container["volumeMounts"]
