"""What holds for everything that is rendered."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.chart.chart import CHART, CI, NEWEST, OLDEST, Helm, Object, Rendered

from kubevitals import __version__

MEANS_ALL = {"emptyDir", "selfSigned"}  # of these an empty map says something
OF_OTHERS = {"Certificate", "Issuer", "PodMonitor", "ServiceMonitor", "VerticalPodAutoscaler"}
NAMED = {"argvalues": CI, "ids": [path.name.removesuffix("-values.yaml") for path in CI]}


@pytest.mark.parametrize("file", **NAMED)
def test_lint_finds_nothing(helm: Helm, file: Path):
    """With --strict, lint accepts the chart with every values file of ci/."""
    done = helm.run("lint", "--strict", str(CHART), f"--values={file}")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kubernetes", ["1.25.0", "1.37.0"])
@pytest.mark.parametrize("file", **NAMED)
def test_every_object_is_one_of_kubernetes(helm: Helm, file: Path, kubernetes: str):
    """Every object has the schema of its kind, without a field that Kubernetes does not know."""
    pytest.importorskip("kubernetes_validate")
    objects = helm.template(None, f"--values={file}", kubernetes=kubernetes).objects
    known = {each["kind"]: has_its_schema(json.dumps(each), kubernetes.removesuffix(".0")) for each in objects}
    assert {kind for kind, judged in known.items() if not judged} <= OF_OTHERS


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
@pytest.mark.parametrize("file", **NAMED)
def test_nothing_is_null_or_empty(helm: Helm, file: Path, kubernetes: str):
    """A field without a value would be left out by the API server, and differ from the chart for ever."""
    objects = helm.template(None, f"--values={file}", kubernetes=kubernetes).objects
    assert [path for each in objects for path in empty_fields(each, each["kind"])] == []


def test_nulls_in_values_are_not_rendered(helm: Helm):
    """A null in a values file takes a field away, wherever it is."""
    values = {
        "resources": {"requests": None, "limits": {"cpu": None}},
        "podAnnotations": {"example.com/a": None},
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": None}},
        "tolerations": [{"operator": "Exists", "key": None}],
        "podSecurityContext": {"fsGroup": None},
        "tmpVolume": None,
        "image": {"tag": None, "pullPolicy": None},
        "kubelet": {"caConfigMap": None, "caBundle": None},
        "args": None,
        "defaultArgs": None,
        "commonLabels": None,
        "apiService": {"annotations": None, "caBundle": None},
    }
    rendered = helm.template(values)
    assert [path for each in rendered.objects for path in empty_fields(each, each["kind"])] == []
    assert rendered.pod["tolerations"] == [{"operator": "Exists"}]
    assert rendered.pod.keys().isdisjoint({"affinity", "securityContext"})


@pytest.mark.parametrize("file", [path for path in CI if not path.name.startswith("tls-helm")], ids=lambda p: p.stem)
def test_the_same_values_give_the_same_bytes(helm: Helm, file: Path):
    """Two renderings are equal, so that tools that only render find nothing to change."""
    assert helm.template(None, f"--values={file}").text == helm.template(None, f"--values={file}").text


def test_every_object_is_found_by_the_labels(helm: Helm):
    """Every object has the usual labels and those of commonLabels; the pods have those of podLabels, too."""
    rendered = helm.template(None, f"--values={CHART / 'ci/everything-values.yaml'}")
    usual = {
        "app.kubernetes.io/instance": "kv",
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/name": "kubevitals",
        "app.kubernetes.io/version": __version__,
        "example.com/team": "monitoring",
        "helm.sh/chart": f"kubevitals-{chart_file()['version']}",
    }
    assert [each["kind"] for each in rendered.objects if not usual.items() <= each["metadata"]["labels"].items()] == []


@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/name": "other", "app.kubernetes.io/instance": "other"}])
def test_every_selector_finds_the_pods(helm: Helm, labels: dict[str, str]):
    """Service, budget, policy and monitors select what the Deployment makes, whatever labels are added."""
    values = {"commonLabels": labels, "podLabels": labels}
    rendered = helm.template(values, f"--values={CHART / 'ci/everything-values.yaml'}")
    pods = rendered.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    service = rendered.one("Service")
    selectors = {
        "Deployment": rendered.one("Deployment")["spec"]["selector"]["matchLabels"],
        "Service": service["spec"]["selector"],
        "PodDisruptionBudget": rendered.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        "NetworkPolicy": rendered.one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        "PodMonitor": rendered.one("PodMonitor")["spec"]["selector"]["matchLabels"],
    }
    assert {kind for kind, selector in selectors.items() if not selector.items() <= pods.items()} == set()
    monitored = rendered.one("ServiceMonitor")["spec"]["selector"]["matchLabels"]
    assert monitored.items() <= service["metadata"]["labels"].items()


def test_names_of_digits_stay_names(helm: Helm):
    """A release or namespace whose name is a number is text in every object."""
    rendered = helm.template({"namespaceOverride": "456"}, release="123")
    assert rendered.one("Deployment")["spec"]["selector"]["matchLabels"]["app.kubernetes.io/instance"] == "123"
    assert {each["spec"]["service"]["namespace"] for each in rendered.all("APIService").values()} == {"456"}
    bindings = [*rendered.all("ClusterRoleBinding").values(), *rendered.all("RoleBinding").values()]
    assert {subject["namespace"] for each in bindings for subject in each["subjects"]} == {"456"}


def test_everything_namespaced_follows_the_override(helm: Helm):
    """The value namespaceOverride moves everything but the binding that has to be in kube-system."""
    rendered = helm.template({"namespaceOverride": "elsewhere"}, f"--values={CHART / 'ci/everything-values.yaml'}")
    found = {(each["kind"], each["metadata"].get("namespace")) for each in rendered.objects}
    assert {where for _, where in found} == {None, "elsewhere", "kube-system"}
    assert [kind for kind, where in found if where == "kube-system"] == ["RoleBinding"]


def test_the_chart_installs_this_version(default: Rendered):
    """Chart, image and package name one version, and the image's registry is the runtime's business."""
    assert chart_file()["appVersion"] == __version__
    assert default.container["image"] == f"kubevitals/kubevitals:v{__version__}"
    assert default.container["imagePullPolicy"] == "IfNotPresent"


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({"registry": "registry.example/"}, f"registry.example/kubevitals/kubevitals:v{__version__}"),
        ({"repository": "mine", "tag": "1"}, "mine:1"),
        ({"tag": "1", "digest": f"sha256:{'0' * 64}"}, f"kubevitals/kubevitals@sha256:{'0' * 64}"),
    ],
    ids=["registry", "tag", "digest"],
)
def test_image(helm: Helm, image: dict[str, str], expected: str):
    """An image is named by registry, repository and tag, or by a digest."""
    assert helm.template({"image": image}).container["image"] == expected


@cache
def has_its_schema(text: str, kubernetes: str) -> bool:
    """Judge an object by its schema, which raises; False says that there is no schema of its kind."""
    schemas = importlib.import_module("kubernetes_validate")
    try:
        schemas.validate(json.loads(text), kubernetes, strict=True)
    except schemas.SchemaNotFoundError:
        return False
    return True


def chart_file() -> Object:
    content: Object = yaml.safe_load((CHART / "Chart.yaml").read_text())
    return content


def empty_fields(value: Any, path: str) -> Iterator[str]:
    """The paths of what is null, or an empty map or list that says nothing."""
    if value is None or (value in ({}, []) and path.rpartition(".")[2] not in MEANS_ALL):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from empty_fields(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from empty_fields(inner, f"{path}[]")
