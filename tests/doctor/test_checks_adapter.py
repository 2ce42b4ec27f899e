"""An adapter to Prometheus that finds pods and no nodes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.doctor.clinic import printed, same_as_golden
from tests.doctor.seen import PROVIDER, found, healthy, node_metrics, of, provider

from kubevitals.doctor.evidence import Evidence, Unseen
from kubevitals.doctor.objects import ConfigMap
from kubevitals.doctor.report import examine

IMAGE = {"name": "prometheus-adapter", "image": "prometheus-adapter/prometheus-adapter:v0.12.0"}
MISSING = 'I0115 07:59:59.000000       1 provider.go:293] missing CPU for node "node-1", skipping\n'
RULES = """\
resourceRules:
  cpu:
    nodeQuery: sum(rate(container_cpu_usage_seconds_total{<<.LabelMatchers>>, id='/'}[3m])) by (<<.GroupBy>>)
    resources:
      overrides:
        LABEL: {resource: node}
        namespace: {resource: namespace}
  memory:
    resources:
      overrides:
        LABEL: {resource: nodes}
"""


def config(label: str = "instance", text: str = RULES) -> ConfigMap:
    """What it is configured by."""
    place = {"name": "adapter-config", "namespace": "kube-system"}
    return of(ConfigMap, {"metadata": place, "data": {"config.yaml": text.replace("LABEL", label)}})


def adapter(*maps: ConfigMap | Unseen, **changes: Any) -> Evidence:
    """It serves pods, and no nodes."""
    usual = {
        "pods": [provider(container=IMAGE)],
        "logs": {PROVIDER: MISSING},
        "node_metrics": [],
        "adapter": maps,
    }
    return healthy(**usual | changes)


def test_nodes_by_another_label():
    """D47 as a person reads it, letter by letter; it is the only finding."""
    evidence = adapter(config())
    assert list(found(evidence)) == ["D47"]
    assert same_as_golden("D47", printed(examine(evidence)))


def test_nodes_by_the_right_label():
    """Then it is the series that lack it, and the override is not to be changed."""
    finding = found(adapter(config("node")))["D47"]
    assert "relabel_configs" in finding.remedies[0].command
    assert any("cpu takes the label node" in line for line in finding.evidence)


@pytest.mark.parametrize(
    "maps",
    [
        (),
        (Unseen("/api/v1/namespaces/kube-system/configmaps/adapter-config", 403, "forbidden"),),
        (config(text="resourceRules: ["),),
        (config(text="resourceRules: {cpu: [1], memory: {resources: 5}}"),),
        (config(text="rules: []"),),
        (of(ConfigMap, {"metadata": {"name": "x"}}),),
    ],
)
def test_a_configuration_that_cannot_be_read(maps):
    """Both remedies are told, in general words."""
    finding = found(adapter(*maps))["D47"]
    assert len(finding.remedies) == 3
    assert len(finding.evidence) == 2


@pytest.mark.parametrize(
    "evidence",
    [
        adapter(config(), node_metrics=[node_metrics("node-1"), node_metrics("node-2")]),
        adapter(config(), pod_metrics=[]),
        adapter(config(), node_metrics=Unseen("/apis/metrics.k8s.io/v1beta1/nodes", 403, "forbidden")),
        adapter(config(), nodes=Unseen("/api/v1/nodes", 403, "forbidden")),
        adapter(config(), pods=[provider()]),
    ],
)
def test_near_misses(evidence):
    """Nodes with metrics, no metrics at all, what may not be seen, and another provider."""
    assert "D47" not in found(evidence)
