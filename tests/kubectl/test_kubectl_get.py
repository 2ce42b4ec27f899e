"""``kubectl get`` and discovery of every release at hand, against the simulated cluster."""

from __future__ import annotations

import json

import pytest
import yaml

pytestmark = [pytest.mark.kubectl, pytest.mark.timeout(300)]

ROOT = "/apis/metrics.k8s.io"


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
def test_raw_nodes(kubectl, demo, version):
    """The list of nodes as the server wrote it."""
    body = json.loads(kubectl.out("get", "--raw", f"{ROOT}/{version}/nodes"))
    assert (body["kind"], body["apiVersion"]) == ("NodeMetricsList", f"metrics.k8s.io/{version}")
    assert {item["metadata"]["name"] for item in body["items"]} == set(demo.nodes)


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
def test_raw_pod(kubectl, version):
    """One pod as the server wrote it, containers in name order."""
    body = json.loads(kubectl.out("get", "--raw", f"{ROOT}/{version}/namespaces/shop/pods/cart-0"))
    assert (body["kind"], body["metadata"]["labels"]) == ("PodMetrics", {"app": "cart"})
    assert [box["name"] for box in body["containers"]] == ["cart", "proxy"]


def test_the_table_of_nodes(kubectl, demo):
    """``get nodes.metrics.k8s.io`` prints the server's own columns."""
    heading, *rows = kubectl.lines("get", "nodes.metrics.k8s.io")
    assert heading == ["NAME", "CPU", "MEMORY", "WINDOW"]
    assert {row[0] for row in rows} == set(demo.nodes)


def test_the_table_of_pods(kubectl, demo):
    """``get podmetrics -A`` prints every pod once, with its namespace."""
    heading, *rows = kubectl.lines("get", "podmetrics", "-A")
    assert heading == ["NAMESPACE", "NAME", "CPU", "MEMORY", "WINDOW"]
    assert sorted({(row[0], row[1]) for row in rows}) == sorted({key[:2] for key in demo.containers})
    assert len(rows) == len({key[:2] for key in demo.containers})


def test_pods_in_yaml(kubectl, demo):
    """``-o yaml`` holds every container."""
    body = yaml.safe_load(kubectl.out("get", "podmetrics", "-A", "-o", "yaml"))
    found = {
        (item["metadata"]["namespace"], item["metadata"]["name"], box["name"])
        for item in body["items"]
        for box in item["containers"]
    }
    assert found == set(demo.containers)


def test_names_of_nodes(kubectl, demo):
    """``-o name`` needs the kind of every item."""
    names = kubectl.out("get", "nodemetrics", "-o", "name").split()
    assert names == [f"nodemetrics.metrics.k8s.io/{name}" for name in sorted(demo.nodes)]


@pytest.mark.parametrize("option", ["-l=app=cart", "--field-selector=metadata.name=cart-0"])
def test_selected_pods(kubectl, option):
    """Label and field selectors reach the server."""
    names = kubectl.out("get", "podmetrics", "-n", "shop", option, "-o", "name").split()
    assert "podmetrics.metrics.k8s.io/cart-0" in names
    assert len(names) == (1 if "field" in option else 2)


def test_a_watch_ends_with_a_sentence(kubectl):
    """Watching is no verb of this API: the list is printed, then the refusal, in words of the release."""
    done = kubectl.run("get", "podmetrics", "-n", "shop", "--watch")
    assert done.returncode == 1
    assert "cart-0" in done.stdout
    assert done.stderr.startswith("Error from server (MethodNotAllowed): ")


def test_metrics_cannot_be_deleted(kubectl):
    """Writing is refused with the usual words."""
    done = kubectl.run("delete", "podmetrics", "cart-0", "-n", "shop")
    assert done.returncode == 1
    assert "the server does not allow this method on the requested resource" in done.stderr


def test_api_resources(kubectl):
    """Both resources with their scope and kind."""
    rows = kubectl.rows("api-resources", "--api-group=metrics.k8s.io")
    assert [(row[0], row[-2], row[-1]) for row in rows] == [
        ("nodes", "false", "NodeMetrics"),
        ("pods", "true", "PodMetrics"),
    ]


def test_api_versions(kubectl):
    """Both versions."""
    assert {"metrics.k8s.io/v1beta1", "metrics.k8s.io/v1"} <= set(kubectl.out("api-versions").split())


@pytest.mark.parametrize("kind", ["nodemetrics", "podmetrics"])
def test_explain(kubectl, kind):
    """The fields are explained, with their types."""
    text = kubectl.out("explain", kind)
    assert "timestamp" in text
    assert "window" in text
    assert ("usage" if kind == "nodemetrics" else "containers") in text


def test_the_containers_of_a_pod_are_explained(kubectl):
    """A nested field has its type and a description."""
    text = kubectl.out("explain", "podmetrics.containers")
    assert "usage" in text
    assert "name" in text
    description = text.split("DESCRIPTION:")[1].split("FIELDS:")[0]
    assert len(description.split()) > 3
    assert "<empty>" not in description


def test_wide_output_shows_the_same_columns(kubectl, demo):
    """There is nothing more to show than there is."""
    heading, *rows = kubectl.lines("get", "nodemetrics", "-o", "wide")
    assert heading == ["NAME", "CPU", "MEMORY", "WINDOW"]
    assert len(rows) == len(demo.nodes)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("", "APIGroup"),
        ("/v1beta1", "APIResourceList"),
        ("/v1", "APIResourceList"),
        ("/v1beta1/nodes", "NodeMetricsList"),
        ("/v1/nodes/node-1", "NodeMetrics"),
        ("/v1beta1/pods", "PodMetricsList"),
        ("/v1/pods?labelSelector=app%3Dcart&limit=1", "PodMetricsList"),
        ("/v1beta1/namespaces/shop/pods", "PodMetricsList"),
        ("/v1/namespaces/shop/pods/cart-0", "PodMetrics"),
    ],
)
def test_every_path_answers_raw(kubectl, path, kind):
    """``get --raw`` prints each document of the group."""
    assert json.loads(kubectl.out("get", "--raw", f"{ROOT}{path}"))["kind"] == kind


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1beta1/nodes/none", '(NotFound): node "none" not found'),
        ("/v1beta1/namespaces/shop/pods/none", '(NotFound): pods "none" not found'),
        ("/v1beta1/secrets", "the server could not find the requested resource"),
    ],
)
def test_what_does_not_exist_is_said_so_raw(kubectl, path, words):
    """A path that leads nowhere ends with upstream's words."""
    done = kubectl.run("get", "--raw", f"{ROOT}{path}")
    assert done.returncode == 1
    assert words in done.stderr
