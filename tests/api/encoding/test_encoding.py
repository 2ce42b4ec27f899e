from __future__ import annotations

import json

import pytest
import yaml

from kubevitals.api import status
from kubevitals.api.encoding import Answer, Item, encode, encode_document, encode_status
from kubevitals.api.negotiation import FALLBACK, Choice


@pytest.mark.parametrize("single", [True, False])
def test_yaml_is_the_same_document(node: Item, pod: Item, single: bool) -> None:
    """YAML and JSON of the same answer say the same."""
    for answer in (
        Answer("NodeMetrics", "v1", [[node]], single, "7"),
        Answer("PodMetrics", "v1beta1", [[pod]], single, "7"),
    ):
        in_yaml, in_json = b"".join(encode(answer, Choice("yaml"))), b"".join(encode(answer, Choice()))
        assert yaml.safe_load(in_yaml) == json.loads(in_json)


def test_yaml_sorts_keys(pod: Item) -> None:
    """YAML is written as the API server writes it, line for line."""
    text = b"".join(encode(Answer("PodMetrics", "v1beta1", [[pod]], resource_version="7"), Choice("yaml"))).decode()
    assert text == (
        "apiVersion: metrics.k8s.io/v1beta1\n"
        "items:\n"
        "- containers:\n"
        "  - name: app\n"
        "    usage:\n"
        "      cpu: 12345678n\n"
        "      memory: 64Mi\n"
        "  - name: proxy\n"
        "    usage:\n"
        "      cpu: 1500u\n"
        '      memory: "2147483649"\n'
        "  metadata:\n"
        '    creationTimestamp: "2026-01-01T00:00:31Z"\n'
        "    labels:\n"
        "      app: shop\n"
        '      tier: "1"\n'
        "    name: shop-1\n"
        "    namespace: default\n"
        '    resourceVersion: "1767225600500"\n'
        '  timestamp: "2026-01-01T00:00:00Z"\n'
        "  window: 15.003s\n"
        "kind: PodMetricsList\n"
        "metadata:\n"
        '  resourceVersion: "7"\n'
    )


def test_status_in_json() -> None:
    """An error is compact with a newline, or indented without one."""
    failure = status.unauthorized()
    compact = encode_status(failure, Choice())
    assert compact.endswith(b'"code":401}\n')
    assert encode_status(failure, FALLBACK).decode() == json.dumps(json.loads(compact), indent=2)


def test_status_in_yaml() -> None:
    """An error in YAML has sorted keys and quotes where they are needed."""
    assert encode_status(status.node_not_found("n1"), Choice("yaml")).decode() == (
        'apiVersion: v1\ncode: 404\ndetails:\n  kind: node\n  name: n1\nkind: Status\nmessage: node "n1" not found\n'
        "metadata: {}\nreason: NotFound\nstatus: Failure\n"
    )


def test_document_escapes() -> None:
    """Foreign text in a document is escaped as Go escapes it."""
    assert encode_document({"kind": "Status", "message": "<b>&"}, Choice()) == (
        b'{"kind":"Status","message":"\\u003cb\\u003e\\u0026"}\n'
    )
