"""How many pods there are, how they are watched, sized and replaced."""

from __future__ import annotations

from typing import Any

import pytest
from tests.chart.chart import OLDEST, Helm, Rendered


def test_in_the_nodes_network_the_old_pod_goes_first(helm: Helm):
    """On a single node a new pod would otherwise wait for ever for the port of the old one."""
    values = {"hostNetwork": {"enabled": True}}
    first = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    assert helm.template(values).one("Deployment")["spec"]["strategy"] == first
    own = {"type": "Recreate"}
    assert helm.template({**values, "updateStrategy": own}).one("Deployment")["spec"]["strategy"] == own


def test_requests_are_those_that_were_measured(default: Rendered):
    """The default requests are enough for the server of docs/performance.md, and there are no limits."""
    assert default.container["resources"] == {"requests": {"cpu": "100m", "memory": "100Mi"}}


@pytest.mark.parametrize("probe", ["livenessProbe", "readinessProbe"])
def test_probes(helm: Helm, default: Rendered, probe: str):
    """A probe asks the server over TLS, with time for a busy node, and can be left out."""
    path = {"livenessProbe": "/livez", "readinessProbe": "/readyz"}[probe]
    assert default.container[probe]["httpGet"] == {"path": path, "port": "https", "scheme": "HTTPS"}
    assert default.container[probe]["timeoutSeconds"] == 5
    assert probe not in helm.template({probe: None}).container
    assert probe not in helm.template({probe: False}).container


def test_numbers_may_be_left_to_others_or_be_zero(helm: Helm):
    """A null leaves replicas to an autoscaler; zero is a number."""
    spec = helm.template({"replicas": None}).one("Deployment")["spec"]
    assert spec.keys().isdisjoint({"replicas", "revisionHistoryLimit"})
    spec = helm.template({"replicas": 0, "revisionHistoryLimit": 0}).one("Deployment")["spec"]
    assert (spec["replicas"], spec["revisionHistoryLimit"]) == (0, 0)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {"maxUnavailable": 1}),
        ({"minAvailable": 0}, {"minAvailable": 0}),
        ({"minAvailable": "50%"}, {"minAvailable": "50%"}),
        ({"maxUnavailable": 0}, {"maxUnavailable": 0}),
        ({"minAvailable": ""}, {"maxUnavailable": 1}),
        ({"maxUnavailable": 2, "unhealthyPodEvictionPolicy": "AlwaysAllow"}, None),
    ],
)
def test_disruption_budget(helm: Helm, values: dict[str, Any], expected: dict[str, Any] | None):
    """Zero is a number, and a budget for which nothing else is said lets one pod go."""
    budget = helm.template({"podDisruptionBudget": {"enabled": True, **values}}).one("PodDisruptionBudget")
    del budget["spec"]["selector"]
    assert budget["spec"] == (values if expected is None else expected)


def test_disruption_budget_of_old_clusters(helm: Helm):
    """What old clusters do not know is left out."""
    values = {"podDisruptionBudget": {"enabled": True, "unhealthyPodEvictionPolicy": "AlwaysAllow"}}
    budget = helm.template(values, kubernetes=OLDEST).one("PodDisruptionBudget")
    assert budget["apiVersion"] == "policy/v1beta1"
    assert "unhealthyPodEvictionPolicy" not in budget["spec"]


def test_vertical_autoscaler(helm: Helm):
    """The autoscaler is told of the Deployment and its one container."""
    values = {"enabled": True, "updateMode": "Initial", "minAllowed": {"memory": "64Mi"}}
    rendered = helm.template({"verticalPodAutoscaler": values})
    assert rendered.one("VerticalPodAutoscaler")["spec"] == {
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "kv-kubevitals"},
        "updatePolicy": {"updateMode": "Initial"},
        "resourcePolicy": {
            "containerPolicies": [{"containerName": rendered.container["name"], "minAllowed": {"memory": "64Mi"}}]
        },
    }


def test_other_programs_autoscaler_is_not_started(helm: Helm):
    """The value addonResizer is accepted, with all it has in metrics-server's chart, and adds nothing."""
    values = {"addonResizer": {"enabled": True, "nanny": {"extraCpu": "1m"}}}
    assert helm.template(values).text == helm.template().text
