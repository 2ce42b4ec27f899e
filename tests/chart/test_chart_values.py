"""Which values there are, and which are refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.chart.chart import CHART, Helm

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
PAGE = (CHART.parents[2] / "docs/install/helm.md").read_text()

# The values of metrics-server's chart 3.13 and of what it has added since.
_WORDS = """
    image.repository image.tag image.pullPolicy imagePullSecrets nameOverride fullnameOverride namespaceOverride
    serviceAccount.create serviceAccount.annotations serviceAccount.name serviceAccount.secrets
    rbac.create rbac.pspEnabled apiService.create apiService.annotations apiService.insecureSkipTLSVerify
    apiService.caBundle commonLabels podLabels podAnnotations podSecurityContext hostUsers securityContext
    priorityClassName containerPort hostNetwork.enabled replicas revisionHistoryLimit updateStrategy
    podDisruptionBudget.enabled podDisruptionBudget.minAvailable podDisruptionBudget.maxUnavailable
    podDisruptionBudget.unhealthyPodEvictionPolicy defaultArgs args livenessProbe readinessProbe
    service.type service.port service.annotations service.labels addonResizer.enabled metrics.enabled
    serviceMonitor.enabled serviceMonitor.additionalLabels serviceMonitor.interval serviceMonitor.scrapeTimeout
    serviceMonitor.metricRelabelings serviceMonitor.relabelings resources extraVolumeMounts extraVolumes nodeSelector
    tolerations affinity topologySpreadConstraints dnsConfig deploymentAnnotations schedulerName tmpVolume
    tls.type tls.clusterDomain tls.certManager.addInjectorAnnotations tls.certManager.existingIssuer.enabled
    tls.certManager.existingIssuer.kind tls.certManager.existingIssuer.name tls.certManager.duration
    tls.certManager.renewBefore tls.certManager.annotations tls.certManager.labels tls.helm.lookup
    tls.helm.certDurationDays tls.existingSecret.name tls.existingSecret.lookup
"""
METRICS_SERVER = _WORDS.split()

OPEN = {"livenessProbe", "readinessProbe", "resources", "securityContext", "tmpVolume"}  # objects of Kubernetes


@pytest.mark.parametrize("path", METRICS_SERVER)
def test_every_value_of_metrics_servers_chart_is_there(path: str):
    """A values file for metrics-server's chart says here what it says there."""
    value = VALUES
    for key in path.split("."):
        assert key in value
        value = value[key]


def test_every_value_has_a_type():
    """The schema knows each value, and no other."""
    assert set(leaves(VALUES)) == set(typed(SCHEMA))


def test_every_value_is_in_the_documentation():
    """The page about the chart names each value, by itself or as part of a group in braces."""
    named = {name for words in re.findall(r"`([\w.{},]+)`", PAGE) for name in unfolded(words)}
    assert set(leaves(VALUES)) - named == set()


@pytest.mark.parametrize(
    "values",
    [
        {"replicas": "two"},
        {"replicas": -1},
        {"args": "--v=2"},
        {"args": [{"v": 2}]},
        {"containerPort": 0},
        {"containerPort": "https"},
        {"image": {"pullPolicy": "Sometimes"}},
        {"image": {"digest": "latest"}},
        {"apiService": {"insecureSkipTLSVerify": "false"}},
        {"apiService": {"caBundle": "/etc/ca.crt"}},
        {"tls": {"type": "self-signed"}},
        {"service": {"type": "ExternalName"}},
        {"podLabels": {"a": 1}},
        {"tolerations": {"operator": "Exists"}},
        {"podDisruptionBudget": {"minAvailable": "half"}},
        {"rbac": {"viewers": [{"kind": "Human", "name": "jane"}]}},
        {"rbac": {"viewers": [{"kind": "User"}]}},
        {"extraEnv": [{"value": "without a name"}]},
        {"kubelet": {"insecureTls": True}},
        {"networkPolicy": {"enabled": "yes"}},
        {"kubelet": None},
        {"tls": {"type": None}},
        {"service": {"port": None}},
    ],
    ids=json.dumps,
)
def test_a_wrong_value_is_refused(helm: Helm, values: dict[str, Any]):
    """A value of another type, or a new one that is misspelled, is refused with its name."""
    said = helm.refusal(values)
    assert "values don't meet the specifications of the schema" in said
    assert next(iter(values)) in said


@pytest.mark.parametrize(
    "values", [{"imagePullSecret": []}, {"global": {"a": 1}}, {"addonResizer": {"nanny": {"cpu": "0m"}}}]
)
def test_values_of_others_are_let_pass(helm: Helm, values: dict[str, Any]):
    """A chart around this one adds values, and old values files have some that are gone."""
    assert helm.template(values).all("Deployment") != {}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"podDisruptionBudget": {"enabled": True, "minAvailable": 0, "maxUnavailable": 1}}, "exclude each other"),
        ({"kubelet": {"caConfigMap": "ca", "insecureTLS": True}}, "no certificate is verified"),
        ({"kubelet": {"caConfigMap": "ca"}, "args": ["--kubelet-insecure-tls"]}, "no certificate is verified"),
        ({"kubelet": {"caConfigMap": "ca", "caBundle": "-----BEGIN CERTIFICATE-----"}}, "exclude each other"),
        ({"kubelet": {"caConfigMap": "ca"}, "kubeletPins": {"enabled": True}}, "no CA is used"),
        ({"kubelet": {"insecureTLS": True}, "kubeletPins": {"enabled": True}}, "no pin"),
    ],
)
def test_values_that_contradict_each_other_are_refused(helm: Helm, values: dict[str, Any], sentence: str):
    """What the API server or the server would refuse later is refused at once, in a sentence."""
    assert sentence in helm.refusal(values)


def leaves(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict) and value and key not in OPEN:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def typed(schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, inner in schema["properties"].items():
        if "properties" in inner:
            yield from typed(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def unfolded(words: str) -> Iterator[str]:
    """``a.{b,c}`` as ``a.b`` and ``a.c``."""
    head, brace, rest = words.partition("{")
    if not brace:
        yield words
        return
    inner, _, tail = rest.partition("}")
    for word in inner.split(","):
        yield from unfolded(f"{head}{word}{tail}")
