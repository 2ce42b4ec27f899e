"""What the person who installs is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.chart.chart import Helm
from tests.chart.secrets_api import cluster

Notes = Callable[..., str]


@pytest.fixture
def notes(helm: Helm, tmp_path: Path) -> Iterator[Notes]:
    """The notes of an installation with these values, in this namespace."""
    with cluster({}, tmp_path) as found:
        yield lambda values=None, **where: helm.notes(values, found, **where)


def test_the_next_commands(notes: Notes):
    """Whoever has installed it can paste the commands that show whether it works, and hears nothing else."""
    said = notes()
    commands = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    assert commands == [
        "kubectl get apiservice v1beta1.metrics.k8s.io v1.metrics.k8s.io",
        "kubectl top node",
        "kubectl -n kube-system logs deployment/kv-kubevitals",
        "kubectl get --raw /apis/metrics.k8s.io/v1beta1/scrapestatus",
    ]
    assert "NOTE" not in said


@pytest.mark.parametrize(
    ("values", "about"),
    [
        ({"addonResizer": {"enabled": True}}, "addonResizer has no effect"),
        ({"rbac": {"pspEnabled": True}}, "rbac.pspEnabled has no effect"),
        ({"rbac": {"authReader": False}}, "extension-apiserver-authentication-reader"),
        ({"serviceMonitor": {"enabled": True}}, "metrics.enabled=true"),
        ({"podMonitor": {"enabled": True}}, "metrics.enabled=true"),
        ({"hostNetwork": {"enabled": True}, "networkPolicy": {"enabled": True}}, "networkPolicy has no effect"),
        ({"tls": {"type": "existingSecret"}}, "not told by which CA"),
        ({"args": ["--tls-cert-file=/own/tls.crt"]}, "not told by which CA"),
        ({"args": ["--kubelet-insecure-tls"]}, "kubelets' certificates are not verified"),
        ({"kubelet": {"insecureTLS": True}}, "kubelets' certificates are not verified"),
    ],
)
def test_what_has_no_effect_or_weakens_is_said(notes: Notes, values: dict[str, Any], about: str):
    """A value that does nothing, or takes protection away, is named with what to do."""
    said = [line for line in notes(values).splitlines() if line.startswith("NOTE: ")]
    assert len(said) == 1
    assert about in said[0]


@pytest.mark.parametrize(
    "values",
    [
        {"tls": {"type": "cert-manager"}},
        {"tls": {"type": "helm"}},
        {"apiService": {"insecureSkipTLSVerify": True}},
        {
            "tls": {"type": "existingSecret"},
            "apiService": {"annotations": {"service.beta.openshift.io/inject-cabundle": "true"}},
        },
    ],
)
def test_a_certificate_that_will_be_verified_needs_no_note(notes: Notes, values: dict[str, Any]):
    """Nothing is said where somebody fills in caBundle, or nobody verifies on purpose."""
    assert "NOTE" not in notes(values)


def test_priority_outside_kube_system(notes: Notes):
    """Some clusters keep the system's priority classes to kube-system; the pod would be missing without a word."""
    assert "priorityClassName" in notes(namespace="monitoring")
    assert "priorityClassName" not in notes({"priorityClassName": ""}, namespace="monitoring")
